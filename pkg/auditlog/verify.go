package auditlog

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// Options says what an auditor brings to a verification.
type Options struct {
	// Keys are the public keys that the auditor trusts. Without any the verdict is CannotVerify at best.
	Keys Keyring
	// Known are signed checkpoints of the same log that the auditor holds from elsewhere: the log must contain each of them as a prefix. They are
	// what finds a history that was rewritten consistently, with the log's own key.
	Known []string
	// Policy, when set, must be satisfied by the export's checkpoint.
	Policy *Policy
	// TimeTolerance is how far recorded times may fall; the platform's never do.
	TimeTolerance time.Duration
	// MaxIDs is how many entry ids are remembered to find duplicates; 0 means 3,145,728, which takes 64 MiB. Later entries are still compared with
	// those. Report.UniqueIDs says how far it went.
	MaxIDs int64
	// Progress, when set, is called now and then with the number of entries read.
	Progress func(entries int64)
}

const defaultMaxIDs = 3 << 20

// VerifyExport reads an export and checks all of it: the form, gapless indexes, every leaf against its stored hash, every stored inner node
// against what is below it, the readable entries and the positions, tenants and times inside the leaves, the root hash against the
// checkpoint, its signature, and the checkpoints that the auditor knows. Memory is bounded whatever the size. The error is about reading r only.
func VerifyExport(r io.Reader, opts Options) (Report, error) {
	if opts.MaxIDs <= 0 {
		opts.MaxIDs = defaultMaxIDs
	}
	v := &verifier{opts: opts, ids: newIDSet(opts.MaxIDs)}
	lines := bufio.NewReaderSize(r, 1<<16)
	for number := 0; ; number++ {
		line, err := readLine(lines, &v.long)
		switch {
		case errors.Is(err, io.EOF) && number == 0:
			v.report.add(ReasonUnknownFormat, -1, -1, "there is nothing in it")
			return v.report.conclude(), nil
		case errors.Is(err, io.EOF):
			return v.finish(), nil
		case errors.Is(err, errLongLine):
			v.report.add(ReasonMalformed, v.next, v.next, "a line has more than %d bytes", maxExportLine)
			return v.finish(), nil
		case err != nil:
			return Report{}, fmt.Errorf("read export: %w", err)
		}
		if number == 0 {
			if !v.header(line) {
				return v.report.conclude(), nil
			}
			continue
		}
		v.line(line)
	}
}

// verifier holds the state of one verification.
type verifier struct {
	opts   Options
	report Report
	ids    *idSet
	known  []knownCheckpoint // in the order of their sizes
	held   int               // known checkpoints met so far
	good   int64             // the size of the largest known checkpoint that fits, from which on a change can be

	tenantID []byte
	tree     Range
	broken   bool  // the tree can no longer be followed: an index is missing or came out of order
	next     int64 // the index that must come next
	last     time.Time

	checkpoint string // the note of the last line
	ended      bool   // the last line was met
	trailing   bool   // and another after it

	long      []byte      // a line longer than the reader's buffer
	leaf      []byte      // scratch
	text      []byte      // scratch
	completed []tlog.Hash // scratch
}

var errLongLine = errors.New("line too long")

// readLine returns the next line without its newline, valid until the next call. A last line without newline is returned as it is.
func readLine(r *bufio.Reader, long *[]byte) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		*long = append((*long)[:0], line...)
		for errors.Is(err, bufio.ErrBufferFull) {
			if len(*long) > maxExportLine {
				return nil, errLongLine
			}
			line, err = r.ReadSlice('\n')
			*long = append(*long, line...)
		}
		line = *long
	}
	if errors.Is(err, io.EOF) && len(line) > 0 {
		return line, nil
	}
	if err != nil {
		return nil, err //nolint:wrapcheck // wrapped by the caller
	}
	return line[:len(line)-1], nil
}

// header reads the first line and reports whether the rest can be judged.
func (v *verifier) header(line []byte) bool {
	h, err := parseCanonical[ExportHeader](line)
	if err != nil || h.Format != ExportFormat {
		if bytes.Contains(line, []byte(ExportFormat)) {
			v.report.add(ReasonMalformed, -1, -1, "the header was altered: %v", err)
		} else {
			v.report.add(ReasonUnknownFormat, -1, -1, "the first line is not the header of an export in the format %s", ExportFormat)
		}
		return false
	}
	v.report.Origin, v.report.TenantID, v.report.FirstIndex = h.Origin, h.TenantID, h.FirstIndex
	v.tenantID, v.next = []byte(h.TenantID), h.FirstIndex
	if v.tree, err = h.precedingRange(); err != nil || h.FirstIndex > maxTreeSize {
		v.report.add(ReasonMalformed, -1, -1, "the header was altered: %v", err)
		return false
	}
	if _, err := ParseKeys(h.Keys...); err != nil {
		v.report.add(ReasonMalformed, -1, -1, "the header was altered: %v", err)
	}
	v.openKnown()
	return true
}

// line judges a line after the header.
func (v *verifier) line(line []byte) {
	if v.ended {
		if !v.trailing {
			v.report.add(ReasonMalformed, -1, -1, "lines follow the checkpoint")
		}
		v.trailing = true
		return
	}
	if bytes.HasPrefix(line, []byte(checkpointPrefix)) {
		last, err := parseCanonical[exportCheckpoint](line)
		if err != nil {
			v.report.add(ReasonMalformed, -1, -1, "the checkpoint's line was altered: %v", err)
		}
		v.checkpoint, v.ended = last.Checkpoint, true
		return
	}
	e, ok := v.split(line)
	if !ok {
		v.report.add(ReasonMalformed, v.next, v.next, "the entry's line was altered")
		v.broken = true
		v.next++
		return
	}
	v.entry(e)
}

// finish judges the end.
func (v *verifier) finish() Report {
	v.report.Entries = v.next - v.report.FirstIndex
	v.report.UniqueIDs = v.ids.count
	if !v.ended {
		v.report.add(ReasonNoCheckpoint, -1, -1, "the export ends without a checkpoint: was it cut short?")
		return v.report.conclude()
	}
	v.judgeCheckpoint()
	v.judgeKnown()
	return v.report.conclude()
}
