package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/auditlog/bundle"
	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
)

// partFile is an export on its way into a file.
type partFile struct {
	path        string
	first, next int64
}

// exportPart writes the export into FILE.part. When it fails, what was written stays, unless that is nothing.
func (a *app) exportPart(ctx context.Context, log *liveLog, o exportOptions) (part partFile, err error) {
	part.path = o.out + o.bundle + ".part"
	flags := os.O_RDWR | os.O_CREATE
	if !o.resume {
		flags |= os.O_TRUNC
	}
	file, err := os.OpenFile(part.path, flags, 0o600)
	if err != nil {
		return part, err
	}
	x, err := a.continuePart(ctx, log, file, o, &part)
	if n := log.head.Size - part.first; err == nil && o.receipts && n > bundle.MaxReceipts { // said now, and not when everything is read
		err = fmt.Errorf("receipts of %d entries are asked for, a bundle takes %d: export a part with --from, or make them with audit prove --from-export",
			n, bundle.MaxReceipts)
	}
	if err == nil {
		err = a.exportEntries(ctx, log, x, o.to)
		part.next = x.Next()
	}
	if err = errors.Join(err, file.Sync(), file.Close()); err == nil {
		return part, nil
	}
	if part.next > part.first {
		a.note("%d entries are kept in %s: repeat the command with --resume to go on", part.next-part.first, part.path)
		return part, err
	}
	if x != nil || !o.resume { // otherwise the file is one that could not be read, and not ours to remove
		err = errors.Join(err, os.Remove(part.path))
	}
	return part, err
}

// continuePart finds where an interrupted export goes on, or begins a new one.
func (a *app) continuePart(ctx context.Context, log *liveLog, file *os.File, o exportOptions, part *partFile) (*auditlog.ExportWriter, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > 0 {
		return a.resumePart(ctx, log, file, o, part)
	}
	before, err := o.before(ctx, log)
	if err != nil {
		return nil, err
	}
	part.first, part.next = before.Size(), before.Size()
	return auditlog.NewExportWriter(file, log.header(before))
}

// resumePart cuts off what is not a whole entry, and writes on from there.
func (a *app) resumePart(ctx context.Context, log *liveLog, file *os.File, o exportOptions, part *partFile) (*auditlog.ExportWriter, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	bar := output.NewBytesBar(a.stderr, "reading "+filepath.Base(part.path))
	state, err := auditlog.ReadExportState(&countingReader{r: &interruptible{ctx: ctx, r: file}, done: func(n int64) { bar.Set(n, info.Size()) }})
	bar.Done()
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w: remove it to begin anew", part.path, err)
	case state.Header.Origin != log.head.Origin:
		return nil, fmt.Errorf("%s is of the log %s: remove it to begin anew", part.path, state.Header.Origin)
	case o.after == "" && state.Header.FirstIndex != o.from:
		return nil, fmt.Errorf("%s begins at index %d: repeat the options that it was begun with, or remove it", part.path, state.Header.FirstIndex)
	case state.Tree.Size() > log.head.Size || o.to >= 0 && state.Tree.Size() > o.to+1:
		return nil, fmt.Errorf("%s has more entries than are asked for: remove it to begin anew", part.path)
	}
	if o.after != "" {
		before, err := o.before(ctx, log)
		if err != nil {
			return nil, err
		}
		if want := log.header(before); state.Header.FirstIndex != want.FirstIndex || fmt.Sprint(state.Header.PrecedingHashes) != fmt.Sprint(want.PrecedingHashes) {
			return nil, fmt.Errorf("%s does not begin after %s: remove it to begin anew", part.path, o.after)
		}
	}
	if err := file.Truncate(state.Length); err != nil {
		return nil, err
	}
	if _, err := file.Seek(state.Length, io.SeekStart); err != nil {
		return nil, err
	}
	part.first, part.next = state.Header.FirstIndex, state.Tree.Size()
	a.note("going on after %d entries", part.next-part.first)
	return auditlog.ContinueExportWriter(file, part.next), nil
}

// writeBundle makes the bundle of a complete export, which it then removes.
func (a *app) writeBundle(ctx context.Context, log *liveLog, export string, o exportOptions) (err error) {
	content := bundle.Content{
		Keys: vkeys(log.keys.GetKeys()), PlatformKeys: vkeys(log.keys.GetPlatformKeys()),
		CommitmentLeaf: log.commitment.GetLeaf(), CommitmentReceipt: log.commitment.GetReceipt(),
		Export: func() (io.ReadCloser, error) {
			file, err := os.Open(export)
			return struct {
				io.Reader
				io.Closer
			}{&interruptible{ctx: ctx, r: file}, file}, err
		},
	}
	if content.Checkpoints, err = log.checkpoints(ctx); err != nil {
		return err
	}
	dir, base := filepath.Split(o.bundle)
	if o.receipts {
		scratch, err := os.CreateTemp(dir, "."+base+"-hashes-*")
		if err != nil {
			return err
		}
		defer func() { _, _ = scratch.Close(), os.Remove(scratch.Name()) }()
		content.Scratch = scratch
	}
	file, err := os.CreateTemp(dir, "."+base+"-*") // created with mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(file.Name()) }() // fails once the file has its name
	if err := errors.Join(bundle.Write(file, content), file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Rename(file.Name(), o.bundle); err != nil {
		return err
	}
	return os.Remove(export)
}
