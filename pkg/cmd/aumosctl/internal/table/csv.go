package table

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// maxRecord bounds what one record may take, so that a quote that is never closed does not read the whole file into memory.
const maxRecord = 32 << 20

// errRecordTooLong stops the reader inside a record.
var errRecordTooLong = fmt.Errorf("the record is longer than %d MiB: is a quote not closed?", maxRecord>>20)

// csvFile reads the records of one pass over a CSV file (RFC 4180, UTF-8 with or without a byte order mark).
type csvFile struct {
	*csv.Reader
	input *boundedInput
}

// boundedInput fails when more than limit bytes are read without progress of the records.
type boundedInput struct {
	r      io.Reader
	unread int64 // bytes read since the last record ended
}

func (b *boundedInput) Read(p []byte) (int, error) {
	if b.unread > maxRecord {
		return 0, errRecordTooLong
	}
	n, err := b.r.Read(p)
	b.unread += int64(n)
	return n, err
}

func newCSV(r io.Reader) *csvFile {
	buffered := bufio.NewReaderSize(r, 64<<10)
	if mark, err := buffered.Peek(3); err == nil && string(mark) == "\uFEFF" {
		_, _ = buffered.Discard(3) // cannot fail: the bytes are in the buffer
	}
	input := &boundedInput{r: buffered}
	reader := csv.NewReader(input)
	reader.ReuseRecord = true
	return &csvFile{Reader: reader, input: input}
}

// next returns the next record and where it starts and ends, or io.EOF.
func (c *csvFile) next() (record []string, first, last int, err error) {
	record, err = c.Read()
	c.input.unread = 0
	if err != nil {
		return nil, 0, 0, explain(err, c.FieldsPerRecord, len(record))
	}
	first, _ = c.FieldPos(0)
	last, _ = c.FieldPos(len(record) - 1)
	return record, first, last + strings.Count(record[len(record)-1], "\n"), nil
}

// explain words the errors of encoding/csv for people.
func explain(err error, want, got int) error {
	var parse *csv.ParseError
	if !errors.As(err, &parse) {
		return err
	}
	switch {
	case errors.Is(parse.Err, csv.ErrFieldCount):
		return fmt.Errorf("line %d has %d fields: the header has %d", parse.StartLine, got, want)
	case errors.Is(parse.Err, csv.ErrBareQuote):
		return fmt.Errorf("line %d: a quote stands inside a field that is not quoted", parse.Line)
	case errors.Is(parse.Err, csv.ErrQuote):
		return fmt.Errorf("line %d: the quoted field that begins in line %d does not end where it should", parse.Line, parse.StartLine)
	default:
		return fmt.Errorf("line %d: %w", parse.Line, parse.Err)
	}
}

func (t *Table) openCSV(file *os.File) error {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read %s: %w", t.path, err)
	}
	header, _, _, err := newCSV(file).next()
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%s is empty", t.path)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", t.path, err)
	}
	for _, name := range header {
		t.columns = append(t.columns, column{name: strings.Clone(strings.TrimSpace(name))})
	}
	t.scan = t.scanCSV
	return nil
}

func (t *Table) scanCSV(ctx context.Context, progress Progress, fn rowFunc) error {
	file, err := os.Open(t.path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	reader := newCSV(file)
	_, _, end, err := reader.next()
	if err != nil {
		return fmt.Errorf("%s: %w", t.path, err)
	}
	cells := make([]cell, len(t.columns))
	for row := int64(1); ; row++ {
		record, first, last, err := reader.next()
		if errors.Is(err, io.EOF) {
			progress(info.Size(), info.Size())
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", t.path, err)
		}
		if len(cells) == 1 && first > end+1 {
			// The reader skips blank lines. With one column each would be a missing value that nobody counted.
			return fmt.Errorf("%s: line %d is blank: with a single column, write NA for a missing value", t.path, end+1)
		}
		end = last
		for i, field := range record {
			cells[i] = t.textCell(field)
		}
		if err := fn(position{row: row, line: first}, cells); err != nil {
			return err
		}
		if row%1024 == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
			progress(min(reader.InputOffset(), info.Size()), info.Size())
		}
	}
}
