package cli

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

const exportHelp = `Writes the entries of your tenant's log and the checkpoint over them, one JSON object a line. Each entry stands there as the bytes that were
signed for and as readable JSON. The file appears when it is complete, readable by you alone.

--from and --to export a part of the log, which verifies as such: the tree before it and the proof up to the checkpoint stand in the file.
--after continues an earlier export where it ends, and proves that the log has not been rewritten since.

What was written when an export is interrupted stays in FILE.part; the same command with --resume goes on from there.

--bundle makes one zip file with the entries, older checkpoints, the keys, the commitment on the platform's log and instructions; with --receipts
also a receipt of each entry, to be handed over alone (of at most 100,000 entries).`

const exportExample = `  aumosctl audit export --out wall.jsonl
  aumosctl audit export --out wall-2.jsonl --after wall.jsonl
  aumosctl audit export --bundle wall.zip --receipts
  aumosctl audit verify wall.jsonl wall-2.jsonl wall.zip --key wall.vkey`

type exportOptions struct {
	out, bundle, after string
	from, to           int64
	resume, receipts   bool
}

func (a *app) auditExportCommand() *cobra.Command {
	var o exportOptions
	cmd := &cobra.Command{
		Use: "export (--out FILE|- | --bundle FILE.zip)", Short: "Write your log to a file that verifies offline", Args: cobra.NoArgs,
		Long: exportHelp, Example: exportExample,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.auditExport(cmd.Context(), o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.out, "out", "", "the file, or - for standard output")
	f.StringVar(&o.bundle, "bundle", "", "the zip file to make, with everything that verification needs")
	f.BoolVar(&o.receipts, "receipts", false, "put a receipt of each entry into the bundle")
	f.Int64Var(&o.from, "from", 0, "the index of the first entry")
	f.Int64Var(&o.to, "to", -1, "the index of the last entry (default: the newest)")
	f.StringVar(&o.after, "after", "", "begin after the last entry of this export")
	f.BoolVar(&o.resume, "resume", false, "go on with an export that was interrupted")
	cmd.MarkFlagsMutuallyExclusive("out", "bundle")
	cmd.MarkFlagsOneRequired("out", "bundle")
	cmd.MarkFlagsMutuallyExclusive("from", "after")
	return cmd
}

// check refuses options that do not go together.
func (o exportOptions) check() error {
	switch {
	case o.from < 0 || o.to < -1 || o.to >= 0 && o.to < o.from:
		return fmt.Errorf("there are no entries from index %d to %d", o.from, o.to)
	case o.receipts && o.bundle == "":
		return errors.New("--receipts is for a bundle: make a single one with aumosctl audit prove")
	case o.receipts && o.to >= 0:
		return errors.New("--receipts needs the entries up to the newest: leave --to out")
	case o.resume && o.out == "-":
		return errors.New("--resume is for a file")
	}
	return nil
}

func (a *app) auditExport(ctx context.Context, o exportOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	client, done, err := a.audit(ctx)
	if err != nil {
		return err
	}
	defer done()
	log, err := a.openLog(ctx, client, o.bundle != "")
	if err != nil {
		return err
	}
	if o.out == "-" {
		before, err := o.before(ctx, log)
		if err != nil {
			return err
		}
		x, err := auditlog.NewExportWriter(a.stdout, log.header(before))
		if err != nil {
			return err
		}
		return a.exportEntries(ctx, log, x, o.to)
	}
	part, err := a.exportPart(ctx, log, o)
	if err != nil {
		return err
	}
	entries := part.next - part.first
	if o.bundle == "" {
		if err := os.Rename(part.path, o.out); err != nil {
			return err
		}
		a.note("wrote %d entries to %s", entries, o.out)
		return nil
	}
	if err := a.writeBundle(ctx, log, part.path, o); err != nil {
		return err
	}
	a.note("wrote a bundle of %d entries to %s", entries, o.bundle)
	return nil
}

// before is the tree before the first entry.
func (o exportOptions) before(ctx context.Context, log *liveLog) (auditlog.Range, error) {
	if o.after == "" {
		if o.from > log.head.Size {
			return auditlog.Range{}, fmt.Errorf("the log has %d entries", log.head.Size)
		}
		return log.treeAt(ctx, o.from)
	}
	file, err := openEvidence(o.after)
	if err != nil {
		return auditlog.Range{}, err
	}
	defer func() { _ = file.Close() }() // was only read
	bar := output.NewBytesBar(log.app.stderr, "reading "+file.base())
	defer bar.Done()
	reader, err := file.export(ctx, bar)
	if err != nil {
		return auditlog.Range{}, err
	}
	state, err := auditlog.ReadExportState(reader)
	switch {
	case err != nil:
		return auditlog.Range{}, fmt.Errorf("%s: %w", o.after, err)
	case state.Header.Origin != log.head.Origin:
		return auditlog.Range{}, fmt.Errorf("%s is of the log %s", o.after, state.Header.Origin)
	case state.Tree.Size() > log.head.Size:
		return auditlog.Range{}, fmt.Errorf("%s has entries up to index %d, the log's newest checkpoint covers %d: entries were cut off, or the checkpoint is an old one",
			o.after, state.Tree.Size()-1, log.head.Size)
	}
	return state.Tree, nil
}

// exportEntries writes the entries that are missing, and the end.
func (a *app) exportEntries(ctx context.Context, log *liveLog, x *auditlog.ExportWriter, to int64) error {
	end := log.head.Size
	if to >= 0 {
		end = min(end, to+1)
	}
	first := x.Next()
	bar := output.NewCountBar(a.stderr, "reading the log", "entries")
	defer bar.Done()
	written := int64(0)
	err := log.entries(ctx, first, end, func(entry *governancev1.LogEntry) error {
		written++
		bar.Set(written, end-first)
		return x.Add(entry)
	})
	if err != nil {
		return errors.Join(err, x.Flush()) // what is there is not lost
	}
	if written < end-first {
		a.note("warning: the log has entries up to index %d, and returned %d of %d: audit verify says where they are missing", end-1, written, end-first)
		end = log.head.Size // nothing proves that the end is missing
	}
	consistency, err := log.consistency(ctx, end)
	if err != nil {
		return errors.Join(err, x.Flush())
	}
	return x.End(auditlog.LogEnd{Checkpoint: log.checkpoint, Consistency: consistency})
}
