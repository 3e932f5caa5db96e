package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/auditlog/bundle"
	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

const verifyHelp = `Verifies exports of the log, bundles and receipts (.tlog-proof), offline. Without a file it reads the whole log from governance and verifies that;
with --database it reads the wall's database itself.

An export is recomputed from the entries' bytes: no gap, each leaf and inner node as stored, the readable entries as the bytes say, times that do not
fall, the root as in the checkpoint, its signature by a key given with --key. What fails is named with the index of the entry. Memory stays the
same whatever the size.

A bundle is verified as its entries are, and with everything that came with them: each file, the older checkpoints, the receipts, and the
commitment on the platform's log. A receipt proves that the entry with a certain hash stands at its index in the signed log. With --leaf, the
entry's exact bytes (audit prove --leaf), it also proves what the entry says.

Keys are not taken from what is verified: keep those of audit keys, and give them as a file or as they are. A checkpoint kept from earlier,
given with --checkpoint, finds a history that was rewritten since with the log's own key: a checkpoint, several in one file, a receipt, or the
platform's own files of signed heads and checkpoint logs. --policy (c2sp.org/tlog-policy) demands the cosignatures of witnesses besides.

--database connects as aumos_audit_reader and reads one snapshot: the columns against the bytes, the tree, and the signature and root of every
checkpoint there. --tenant says whose log; --all reads the platform's log, whose key it takes, and then every log that it commits to: one that was
dropped, cut or rewritten since is found. The password is better given in PGPASSWORD or PGPASSFILE than in the URL.

Exit codes: 0 verified, 1 tampered, 2 cannot verify (no key, another log's key, not covered by the checkpoint, not witnessed), 3 failure to read. Of
several answers the worst counts, tampered first.`

const verifyExample = `  aumosctl audit verify wall.jsonl --key wall.vkey --checkpoint last-year.checkpoint
  aumosctl audit verify wall.zip --key wall.vkey --key platform.vkey --policy witnesses.policy
  aumosctl audit verify entry-12.tlog-proof --leaf entry-12.leaf --key wall.vkey
  aumosctl audit verify --key wall.vkey
  aumosctl audit verify --database postgres://aumos_audit_reader@db.example.com/aumos_audit --all --key platform.vkey`

func (a *app) auditVerifyCommand() *cobra.Command {
	var o verifyOptions
	cmd := &cobra.Command{
		Use: "verify [FILE...] --key FILE|KEY", Short: "Verify exports, bundles, receipts, the live log or the database", Long: verifyHelp, Example: verifyExample,
		RunE: func(cmd *cobra.Command, args []string) error { return a.auditVerify(cmd.Context(), args, o) },
	}
	f := cmd.Flags()
	f.StringArrayVar(&o.keys, "key", nil, "a key that you trust, or a file with keys, one a line; may be repeated")
	f.StringArrayVar(&o.checkpoints, "checkpoint", nil, "a file with checkpoints, or a receipt, that you kept; may be repeated")
	f.StringVar(&o.policy, "policy", "", "the file that says which witnesses must have cosigned (c2sp.org/tlog-policy)")
	f.DurationVar(&o.tolerance, "time-tolerance", 0, "how far recorded times may fall")
	f.StringVar(&o.leaf, "leaf", "", "the file with the exact bytes of the receipt's entry")
	f.StringVar(&o.database, "database", "", "the URL of the wall's database, to read it instead of a file")
	f.BoolVar(&o.all, "all", false, "with --database: the platform's log and every log that it names")
	return cmd
}

// verification is the report on one file, or on a log.
type verification struct {
	name    string
	receipt bool
	leaf    []byte // of the receipt, if it was given
	report  auditlog.Report
}

func (a *app) auditVerify(ctx context.Context, files []string, o verifyOptions) error {
	options, err := o.options()
	if err != nil {
		return err
	}
	switch {
	case o.all && o.database == "":
		return errors.New("--all is for --database")
	case o.database != "" && len(files) > 0:
		return errors.New("--database is instead of files")
	case len(files) == 0 && o.leaf != "":
		return errors.New("--leaf is for a receipt")
	case o.database != "":
		return a.verifyDatabase(ctx, o, options)
	case len(files) == 0:
		report, err := a.verifyLive(ctx, options)
		if err != nil {
			return err
		}
		return a.reportVerifications(options.Keys, []verification{{name: "the live log", report: report}}, nil)
	}
	var done []verification
	var failures []error
	for _, path := range files {
		v, err := a.verifyFile(ctx, path, len(files), o, options)
		if err != nil {
			failures = append(failures, err)
			continue
		}
		done = append(done, v)
	}
	return a.reportVerifications(options.Keys, done, errors.Join(failures...))
}

// maxReceipt bounds a receipt: at most 63 hashes and a note.
const maxReceipt = 64 << 10

const receiptMagic = "c2sp.org/tlog-proof@"

// verifyFile verifies an export, a bundle or a receipt.
func (a *app) verifyFile(ctx context.Context, path string, files int, o verifyOptions, options auditlog.Options) (verification, error) {
	v := verification{name: path}
	options.MayBeOlder = true // the log went on since it was taken
	file, err := openEvidence(path)
	if err != nil {
		return v, err
	}
	defer func() { _ = file.Close() }() // was only read
	if v.receipt = file.receipt; v.receipt {
		return a.verifyReceipt(v, file, files, o, options)
	}
	if o.leaf != "" {
		return v, fmt.Errorf("--leaf is for a receipt, and %s is none", path)
	}
	bar := output.NewBytesBar(a.stderr, "verifying "+file.base())
	defer bar.Done()
	if file.bundle {
		v.report, err = bundle.Verify(&readAt{ctx: ctx, e: file, bar: bar}, file.size, options)
		if err != nil {
			return v, fmt.Errorf("%s: %w", path, err)
		}
		return v, nil
	}
	reader, err := file.export(ctx, bar)
	if err != nil {
		return v, err
	}
	v.report, err = auditlog.VerifyExport(reader, options)
	return v, err
}

func (a *app) verifyReceipt(v verification, file *evidence, files int, o verifyOptions, options auditlog.Options) (verification, error) {
	if len(options.Known) > 0 {
		return v, fmt.Errorf("--checkpoint is for logs, and %s is a receipt", v.name)
	}
	if o.leaf != "" {
		if files > 1 {
			return v, errors.New("--leaf is for a single receipt")
		}
		var err error
		if v.leaf, err = readAtMost(o.leaf, auditlog.MaxLeafSize); err != nil {
			return v, err
		}
	}
	text, err := io.ReadAll(io.LimitReader(file, maxReceipt))
	if err != nil {
		return v, fmt.Errorf("read %s: %w", v.name, err)
	}
	v.report = auditlog.VerifyReceipt(string(text), auditlog.ReceiptOptions{Keys: options.Keys, Leaf: v.leaf, Policy: options.Policy})
	return v, nil
}

// verifyLive reads the log as an export does and verifies it on the way.
func (a *app) verifyLive(ctx context.Context, options auditlog.Options) (auditlog.Report, error) {
	client, done, err := a.audit(ctx)
	if err != nil {
		return auditlog.Report{}, err
	}
	defer done()
	log, err := a.openLog(ctx, client, options.Policy != nil)
	if err != nil {
		return auditlog.Report{}, err
	}
	stored, err := log.checkpoints(ctx)
	if err != nil {
		return auditlog.Report{}, err
	}
	v := auditlog.NewVerifier(auditlog.LogStart{Origin: log.head.Origin, TenantID: log.tenantID}, options)
	if c := log.commitment; c != nil {
		v.Commitment(c.GetLeaf(), c.GetReceipt())
	}
	for _, signed := range stored {
		if head, ok := v.StoredCheckpoint(signed); ok {
			v.Expect(head)
		}
	}
	bar := output.NewCountBar(a.stderr, "verifying the log", "entries")
	defer bar.Done()
	read := int64(0)
	err = log.entries(ctx, 0, log.head.Size, func(e *governancev1.LogEntry) error {
		index := v.Size()
		if e.GetEntry() != nil { // a row whose leaf says another index than its place shows as a gap
			index = e.GetEntry().GetLeafIndex()
		}
		v.Add(auditlog.Row{LeafIndex: index, Leaf: e.GetLeaf(), StoredHashes: e.GetStoredHashes(), Mismatched: e.GetMismatchedColumns()})
		read++
		bar.Set(read, log.head.Size)
		return nil
	})
	if err != nil {
		return auditlog.Report{}, err
	}
	if read < log.head.Size {
		a.note("warning: the checkpoint covers %d entries, the log returned %d", log.head.Size, read)
	}
	return v.Conclude(auditlog.LogEnd{Checkpoint: log.checkpoint}), nil
}
