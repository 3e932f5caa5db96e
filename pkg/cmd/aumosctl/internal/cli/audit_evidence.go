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

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/auditlog/bundle"
	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
)

// evidence is a file with an export, a bundle or a receipt, told apart by its name and its first bytes: a receipt whose first line was altered is
// no less a receipt.
type evidence struct {
	*os.File
	size            int64
	bundle, receipt bool
}

func openEvidence(path string) (*evidence, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	e, err := inspect(file)
	if err != nil {
		_ = file.Close() // was only read
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return e, nil
}

func inspect(file *os.File) (*evidence, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	e := &evidence{File: file, size: info.Size()}
	if !info.Mode().IsRegular() { // a pipe cannot be looked at twice, and holds an export
		return e, nil
	}
	first := make([]byte, len(receiptMagic))
	n, err := file.ReadAt(first, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	first = first[:n]
	e.bundle = bundle.Is(first) || filepath.Ext(file.Name()) == ".zip"
	e.receipt = bytes.HasPrefix(first, []byte(receiptMagic)) || filepath.Ext(file.Name()) == ".tlog-proof"
	return e, nil
}

func (e *evidence) base() string { return filepath.Base(e.Name()) }

// export reads the entries, of a bundle too, until ctx ends.
func (e *evidence) export(ctx context.Context, bar *output.Bar) (io.Reader, error) {
	var r io.Reader = e.File
	switch {
	case e.receipt:
		return nil, fmt.Errorf("%s is a receipt and holds no entries", e.Name())
	case e.bundle:
		var err error
		if r, err = bundle.OpenExport(e.File, e.size); err != nil {
			return nil, fmt.Errorf("%s: %w", e.Name(), err)
		}
	}
	counted := &countingReader{r: &interruptible{ctx: ctx, r: r}, done: func(n int64) { bar.Set(n, e.size) }}
	return bufio.NewReaderSize(counted, 1<<20), nil
}

// readAt is ReadAt for a long verification that ends when ctx does.
type readAt struct {
	ctx context.Context // io.ReaderAt has no room for one
	e   *evidence
	bar *output.Bar
	n   int64
}

// ReadAt implements io.ReaderAt.
func (r *readAt) ReadAt(p []byte, at int64) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := r.e.ReadAt(p, at)
	r.n += int64(n)
	r.bar.Set(min(r.n, r.e.size), r.e.size)
	return n, err
}

// readCheckpoints reads the signed checkpoints of a file: notes, lines of JSON with notes, or a receipt.
func readCheckpoints(path string, each func(signed string) error) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // was only read
	reader := bufio.NewReaderSize(file, 64<<10)
	first, err := reader.Peek(len(receiptMagic))
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read %s: %w", path, err)
	}
	if string(first) != receiptMagic {
		if err := auditlog.ReadNotes(reader, each); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		return nil
	}
	data, err := readAtMost(path, maxReceipt)
	if err != nil {
		return err
	}
	proof, err := auditlog.ParseProof(string(data))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return each(proof.Checkpoint)
}

// interruptible ends a long read when the program is interrupted.
type interruptible struct {
	ctx context.Context // io.Reader has no room for one
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
