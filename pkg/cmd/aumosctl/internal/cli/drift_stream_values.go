package cli

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// streamValues reads the values of a stream one after the other.
type streamValues struct {
	reader *csv.Reader
	column int
	bare   bool // lines of one number
}

// newStreamValues reads from lines of one number each, or from the column of a CSV file with a header.
func newStreamValues(input io.Reader, column string) (*streamValues, error) {
	v := &streamValues{reader: csv.NewReader(input)}
	v.reader.ReuseRecord, v.reader.TrimLeadingSpace = true, true
	if column == "" {
		v.reader.FieldsPerRecord, v.bare = 1, true
		return v, nil
	}
	header, err := v.reader.Read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("there is no header")
	}
	if err != nil {
		return nil, err
	}
	header[0] = strings.TrimPrefix(header[0], "\uFEFF")
	if v.column = slices.Index(header, column); v.column < 0 {
		return nil, fmt.Errorf("there is no column %q, there is %s", column, strings.Join(header, ", "))
	}
	return v, nil
}

// one reads a value, or io.EOF.
func (v *streamValues) one() (float64, error) {
	record, err := v.reader.Read()
	if errors.Is(err, csv.ErrFieldCount) && v.bare {
		return 0, fmt.Errorf("%w: to read a column of a CSV file with a header, say --column NAME", err)
	}
	if err != nil {
		return 0, err
	}
	text := strings.TrimSpace(record[v.column])
	line, _ := v.reader.FieldPos(v.column)
	switch strings.ToLower(text) {
	case "true":
		return 1, nil
	case "false":
		return 0, nil
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
		hint := ""
		if v.bare && line == 1 && err != nil {
			hint = ": if it is the header of a CSV file, say --column NAME"
		}
		return 0, fmt.Errorf("line %d: %q is no finite number%s", line, text, hint)
	}
	return x, nil
}

// next reads at most n values; with the last it returns io.EOF.
func (v *streamValues) next(n int) (values []float64, err error) {
	for len(values) < n {
		x, err := v.one()
		if err != nil {
			return values, err
		}
		values = append(values, x)
	}
	return values, nil
}

// skip reads n values, or as many as there are, and returns how many.
func (v *streamValues) skip(n int64) (skipped int64, err error) {
	for ; skipped < n; skipped++ {
		if _, err := v.one(); errors.Is(err, io.EOF) {
			return skipped, nil
		} else if err != nil {
			return skipped, err
		}
	}
	return skipped, nil
}
