package auditlog

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strconv"

	"golang.org/x/mod/sumdb/tlog"
)

// exportReader reads an export into a Verifier, and judges its form.
type exportReader struct {
	Verifier
	with  With // given to the verifier once it knows the log
	lines *bufio.Reader
	hook  func(e entryRow, completed []tlog.Hash) error // sees each entry that stands in its place

	// interrupted says that the export may end in the middle of a line, which then does not count.
	interrupted bool

	header   ExportHeader
	start    LogStart
	opened   bool // the header was read
	end      LogEnd
	whole    bool // the last line was met
	trailing bool // and another after it
	sound    int64
	offset   int64

	long []byte // a line longer than the reader's buffer
	leaf []byte // scratch
}

func newExportReader(r io.Reader, opts Options) *exportReader {
	x := &exportReader{lines: bufio.NewReaderSize(r, 1<<16)}
	x.init(opts)
	return x
}

// read reads everything. The error is about reading, or the hook's.
func (x *exportReader) read() error {
	for number := 0; ; number++ {
		line, size, err := readLine(x.lines, &x.long)
		switch {
		case errors.Is(err, io.EOF) && number == 0:
			x.report.add(ReasonUnknownFormat, -1, -1, "there is nothing in it")
			return nil
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, errLongLine):
			x.report.add(ReasonMalformed, x.next, x.next, "a line has more than %d bytes", maxExportLine)
			return nil
		case err != nil:
			return fmt.Errorf("read export: %w", err)
		}
		if x.interrupted && size == len(line) { // without its newline
			return nil
		}
		x.offset += int64(size)
		if number == 0 {
			if !x.open(line) {
				return nil
			}
			x.sound = x.offset
			continue
		}
		if err := x.line(line); err != nil {
			return err
		}
	}
}

// conclude judges the end.
func (x *exportReader) conclude() Report {
	switch {
	case !x.opened:
		return x.report.conclude()
	case !x.whole:
		return x.Abandon("the export ends without a checkpoint: was it cut short?")
	default:
		return x.Conclude(x.end)
	}
}

var errLongLine = errors.New("line too long")

// readLine returns the next line without its newline, valid until the next call, and its size with it. A last line without newline is returned
// as it is.
func readLine(r *bufio.Reader, long *[]byte) (line []byte, size int, err error) {
	line, err = r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		*long = append((*long)[:0], line...)
		for errors.Is(err, bufio.ErrBufferFull) {
			if len(*long) > maxExportLine {
				return nil, 0, errLongLine
			}
			line, err = r.ReadSlice('\n')
			*long = append(*long, line...)
		}
		line = *long
	}
	if errors.Is(err, io.EOF) && len(line) > 0 {
		return line, len(line), nil
	}
	if err != nil {
		return nil, 0, err
	}
	return line[:len(line)-1], len(line), nil
}

// open reads the first line and reports whether the rest can be judged.
func (x *exportReader) open(line []byte) bool {
	h, err := parseCanonical[ExportHeader](line)
	if err != nil || h.Format != ExportFormat {
		if bytes.Contains(line, []byte(ExportFormat)) {
			x.report.add(ReasonMalformed, -1, -1, "the header was altered: %v", err)
		} else {
			x.report.add(ReasonUnknownFormat, -1, -1, "the first line is not the header of an export in the format %s", ExportFormat)
		}
		return false
	}
	start, err := h.start()
	if err != nil {
		x.report.add(ReasonMalformed, -1, -1, "the header was altered: %v", err)
		return false
	}
	x.begin(start)
	if _, err := ParseKeys(h.Keys...); err != nil {
		x.report.add(ReasonMalformed, -1, -1, "the header was altered: %v", err)
	}
	if x.with.CommitmentLeaf != nil || x.with.CommitmentReceipt != "" {
		x.Commitment(x.with.CommitmentLeaf, x.with.CommitmentReceipt)
	}
	for _, signed := range x.with.Stored {
		if head, ok := x.StoredCheckpoint(signed); ok {
			x.Expect(head)
		}
	}
	x.header, x.start, x.opened = h, start, true
	return true
}

// line judges a line after the header.
func (x *exportReader) line(line []byte) error {
	if x.whole {
		if !x.trailing {
			x.report.add(ReasonMalformed, -1, -1, "lines follow the checkpoint")
		}
		x.trailing = true
		return nil
	}
	if bytes.HasPrefix(line, []byte(checkpointPrefix)) {
		last, err := parseCanonical[exportEnd](line)
		if err == nil {
			x.end, err = last.parse()
		}
		if err != nil {
			x.report.add(ReasonMalformed, -1, -1, "the checkpoint's line was altered: %v", err)
		}
		x.whole = true
		return nil
	}
	e, ok := x.split(line)
	if !ok {
		x.report.add(ReasonMalformed, x.next, x.next, "the entry's line was altered")
		x.broken = true
		x.next++
		return nil
	}
	x.entry(e)
	x.sound = x.offset
	if x.hook != nil && !x.broken {
		return x.hook(e, x.completed)
	}
	return nil
}

// split takes a line apart at its fixed parts. It does not parse JSON: the exporter's form is the only one there is.
func (x *exportReader) split(line []byte) (e entryRow, ok bool) {
	rest, ok := bytes.CutPrefix(line, []byte(entryPrefix))
	if !ok {
		return e, false
	}
	digits, rest, ok := cutAt(rest, leafPrefix)
	if !ok {
		return e, false
	}
	if e.index, ok = x.index(digits); !ok {
		return e, false
	}
	encoded, rest, ok := cutAt(rest, hashesPrefix)
	if !ok {
		return e, false
	}
	// The leaf is decoded behind the prefix that it is hashed with.
	var err error
	x.leaf, err = strictBase64.AppendDecode(append(x.leaf[:0], leafHashPrefix), encoded)
	e.hashed, e.leaf = x.leaf, x.leaf[1:]
	if err != nil || len(encoded) != base64.StdEncoding.EncodedLen(len(e.leaf)) { // package base64 skips line feeds
		return e, false
	}
	if e.hashText, e.tail, ok = cutAt(rest, textPrefix); !ok {
		return e, false
	}
	e.line = true
	return e, true
}

// cutAt is bytes.Cut for a separator whose first byte seldom stands before it.
func cutAt(b []byte, separator string) (before, after []byte, ok bool) {
	for from := 0; ; {
		at := bytes.IndexByte(b[from:], separator[0])
		if at < 0 {
			return nil, nil, false
		}
		at += from
		if len(b)-at >= len(separator) && string(b[at:at+len(separator)]) == separator {
			return b[:at], b[at+len(separator):], true
		}
		from = at + 1
	}
}

// index reads an index. Nearly always it is the next one, which needs no parsing.
func (x *exportReader) index(digits []byte) (int64, bool) {
	var buf [20]byte
	if bytes.Equal(digits, strconv.AppendInt(buf[:0], x.next, 10)) {
		return x.next, true
	}
	index, err := parseDecimal(string(digits))
	return index, err == nil && index <= maxTreeSize
}

var strictBase64 = base64.StdEncoding.Strict() //nolint:gochecknoglobals // a constant

// hashTextIs reports whether stored hashes as they stand in a line are these: "…","…". Encoding is cheaper than decoding.
func (v *Verifier) hashTextIs(text []byte, hashes []tlog.Hash) bool {
	b := v.encoded[:0]
	for i := range hashes {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = base64.StdEncoding.AppendEncode(b, hashes[i][:])
		b = append(b, '"')
	}
	v.encoded = b
	return bytes.Equal(text, b)
}

// splitHashes reads stored hashes as they stand in a line: "…","…". excess tells of something after those that could be read.
func splitHashes(hashes []tlog.Hash, b []byte) (all []tlog.Hash, excess bool) {
	const quoted = 2 + 44 // the base64 of 32 bytes has 44 characters
	for len(b) > 0 {
		if len(hashes) > 0 {
			if b[0] != ',' {
				return hashes, true
			}
			b = b[1:]
		}
		if len(b) < quoted || b[0] != '"' || b[quoted-1] != '"' {
			return hashes, true
		}
		var buf [33]byte // a padded group decodes into 3 bytes before it is cut
		n, err := strictBase64.Decode(buf[:], b[1:quoted-1])
		if err != nil || n != tlog.HashSize {
			return hashes, true
		}
		hashes, b = append(hashes, tlog.Hash(buf[:tlog.HashSize])), b[quoted:]
	}
	return hashes, false
}
