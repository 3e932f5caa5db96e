package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
)

const verifyHelp = `Verifies exports of the log and receipts (.tlog-proof), offline. Without a file it reads the whole log from governance and verifies that.

An export is recomputed from the entries' bytes: no gap, each leaf and inner node as stored, the readable entries as the bytes say, the root as
in the checkpoint, its signature by a key given with --key. What fails is named with the index of the entry.

A receipt proves that the entry with a certain hash stands at its index in the signed log. With --leaf, the entry's exact bytes (audit prove
--leaf), it also proves what the entry says.

Keys are not taken from what is verified: keep those of audit keys, and give them as a file or as they are. A checkpoint kept from earlier,
given with --checkpoint (a checkpoint or a receipt), finds a history that was rewritten since with the log's own key.

Exit codes: 0 verified, 1 tampered, 2 cannot verify (no key, another log's key, not covered by the checkpoint), 3 failure to read. Of several
files the worst answer counts, tampered first.`

const verifyExample = `  aumosctl audit verify wall.jsonl --key wall.vkey --checkpoint last-year.checkpoint
  aumosctl audit verify entry-12.tlog-proof --leaf entry-12.leaf --key wall.vkey
  aumosctl audit verify --key wall.vkey`

type verifyOptions struct {
	keys, checkpoints []string
	leaf              string
}

func (a *app) auditVerifyCommand() *cobra.Command {
	var o verifyOptions
	cmd := &cobra.Command{
		Use: "verify [FILE...] --key FILE|KEY", Short: "Verify exports, receipts or the live log", Long: verifyHelp, Example: verifyExample,
		RunE: func(cmd *cobra.Command, args []string) error { return a.auditVerify(cmd.Context(), args, o) },
	}
	f := cmd.Flags()
	f.StringArrayVar(&o.keys, "key", nil, "a key that you trust, or a file with keys, one a line; may be repeated")
	f.StringArrayVar(&o.checkpoints, "checkpoint", nil, "a file with a checkpoint or receipt that you kept; may be repeated")
	f.StringVar(&o.leaf, "leaf", "", "the file with the exact bytes of the receipt's entry")
	return cmd
}

// verification is the report on one file, or on the live log.
type verification struct {
	name    string
	receipt bool
	leaf    []byte // of the receipt, if it was given
	report  auditlog.Report
}

func (a *app) auditVerify(ctx context.Context, files []string, o verifyOptions) error {
	keys, err := readKeys(o.keys)
	if err != nil {
		return err
	}
	options := auditlog.Options{Keys: keys}
	for _, path := range o.checkpoints {
		checkpoint, err := readCheckpoint(path)
		if err != nil {
			return err
		}
		options.Known = append(options.Known, checkpoint)
	}
	if len(files) == 0 {
		if o.leaf != "" {
			return errors.New("--leaf is for a receipt")
		}
		report, err := a.verifyLive(ctx, options)
		if err != nil {
			return err
		}
		return a.reportVerifications(keys, []verification{{name: "the live log", report: report}}, nil)
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
	return a.reportVerifications(keys, done, errors.Join(failures...))
}

// maxReceipt bounds a receipt: at most 63 hashes and a note.
const maxReceipt = 64 << 10

// verifyFile verifies an export or a receipt, told apart by its name and its first bytes: a receipt whose first line was altered is no less
// a receipt.
func (a *app) verifyFile(ctx context.Context, path string, files int, o verifyOptions, options auditlog.Options) (verification, error) {
	v := verification{name: path}
	file, err := os.Open(path)
	if err != nil {
		return v, err
	}
	defer func() { _ = file.Close() }()
	reader := bufio.NewReaderSize(&interruptible{ctx: ctx, r: file}, 64<<10)
	first, err := reader.Peek(len(receiptMagic))
	if err != nil && !errors.Is(err, io.EOF) {
		return v, fmt.Errorf("read %s: %w", path, err)
	}
	v.receipt = string(first) == receiptMagic || filepath.Ext(path) == ".tlog-proof"
	if !v.receipt {
		if o.leaf != "" {
			return v, fmt.Errorf("--leaf is for a receipt, and %s is none", path)
		}
		bar := output.NewBar(a.stderr, "verifying "+filepath.Base(path))
		defer bar.Done()
		if info, err := file.Stat(); err == nil {
			counted := &countingReader{r: reader, done: func(n int64) { bar.Set(n, info.Size()) }}
			v.report, err = auditlog.VerifyExport(counted, options)
			return v, err
		}
		v.report, err = auditlog.VerifyExport(reader, options)
		return v, err
	}
	if len(options.Known) > 0 {
		return v, fmt.Errorf("--checkpoint is for exports and the live log, and %s is a receipt", path)
	}
	if o.leaf != "" {
		if files > 1 {
			return v, errors.New("--leaf is for a single receipt")
		}
		if v.leaf, err = readAtMost(o.leaf, auditlog.MaxLeafSize); err != nil {
			return v, err
		}
	}
	text, err := io.ReadAll(io.LimitReader(reader, maxReceipt))
	if err != nil {
		return v, fmt.Errorf("read %s: %w", path, err)
	}
	v.report = auditlog.VerifyReceipt(string(text), auditlog.ReceiptOptions{Keys: options.Keys, Leaf: v.leaf})
	return v, nil
}

const receiptMagic = "c2sp.org/tlog-proof@"

// verifyLive reads the log as an export does and verifies it on the way.
func (a *app) verifyLive(ctx context.Context, options auditlog.Options) (report auditlog.Report, err error) {
	client, done, err := a.audit(ctx)
	if err != nil {
		return report, err
	}
	defer done()
	reader, writer := io.Pipe()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		_, err := a.exportLog(ctx, client, writer)
		return errors.Join(err, writer.CloseWithError(err)) // a nil error ends the export
	})
	group.Go(func() error {
		var err error
		report, err = auditlog.VerifyExport(reader, options)
		return errors.Join(err, reader.CloseWithError(io.ErrClosedPipe)) // what follows a line that is too long is not read
	})
	err = group.Wait()
	if errors.Is(err, io.ErrClosedPipe) && report.Verdict != 0 {
		err = nil
	}
	return report, err
}

// readKeys reads keys from files, and keys that stand in the arguments themselves.
func readKeys(arguments []string) (auditlog.Keyring, error) {
	var vkeys []string
	for _, argument := range arguments {
		data, err := readAtMost(argument, maxReceipt)
		switch {
		case err == nil:
			for line := range strings.Lines(string(data)) {
				if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
					vkeys = append(vkeys, line)
				}
			}
		case errors.Is(err, os.ErrNotExist) && strings.Count(argument, "+") >= 2:
			vkeys = append(vkeys, argument)
		default:
			return auditlog.Keyring{}, fmt.Errorf("read the key: %w", err)
		}
	}
	return auditlog.ParseKeys(vkeys...)
}

// readCheckpoint reads a signed checkpoint from a file that holds it, or from a receipt.
func readCheckpoint(path string) (string, error) {
	data, err := readAtMost(path, maxReceipt)
	if err != nil {
		return "", err
	}
	if !bytes.HasPrefix(data, []byte(receiptMagic)) {
		return string(data), nil
	}
	proof, err := auditlog.ParseProof(string(data))
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return proof.Checkpoint, nil
}

// interruptible ends a long read when the program is interrupted.
type interruptible struct {
	ctx context.Context //nolint:containedctx // io.Reader has no room for one
	r   io.Reader
}

func (i *interruptible) Read(p []byte) (int, error) {
	if err := i.ctx.Err(); err != nil {
		return 0, err
	}
	return i.r.Read(p)
}

// countingReader tells how far a file was read.
type countingReader struct {
	r    io.Reader
	n    int64
	done func(n int64)
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	c.done(c.n)
	return n, err
}
