// Package table reads tables from CSV and Parquet files: it infers what kind of values a column holds and cuts the rows into
// columnar batches of bounded size. It knows nothing of the platform's contract.
//
// A file is read from its start for each pass, so that memory does not grow with the number of rows.
package table

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// Kind says what values a column holds.
type Kind uint8

// The kinds of values.
const (
	Numeric Kind = iota + 1
	Categorical
	Boolean
	Text      // free text
	Timestamp // instants
	Vector    // embeddings of one dimension
)

// String returns the name that ParseKind reads.
func (k Kind) String() string {
	switch k {
	case Numeric:
		return "numeric"
	case Categorical:
		return "categorical"
	case Boolean:
		return "boolean"
	case Text:
		return "text"
	case Timestamp:
		return "timestamp"
	case Vector:
		return "vector"
	default:
		return "unknown"
	}
}

// ParseKind reads the name of a kind.
func ParseKind(s string) (Kind, error) {
	for k := Numeric; k <= Vector; k++ {
		if s == k.String() {
			return k, nil
		}
	}
	return 0, fmt.Errorf("%q is none of numeric, categorical, boolean, text, timestamp, vector", s)
}

// The limits on a column's name, a category and a text, in characters and bytes, on the numbers of a vector, and on the number of columns. They
// are those of the contract: beyond them the file is refused before anything is sent.
const (
	MaxColumns  = 500
	MaxName     = 128
	MaxCategory = 1024
	MaxText     = 65536
	MaxVector   = 4096
)

// Progress is told how much of a pass is done, in bytes or rows; it must be quick.
type Progress func(done, total int64)

// Table is a file that was found to hold a table.
type Table struct {
	path    string
	columns []column
	missing map[string]bool
	scan    func(ctx context.Context, progress Progress, fn rowFunc) error
}

// column is a column as the file declares it.
type column struct {
	name        string
	declared    Kind   // 0 where the values must tell (CSV)
	unsupported string // why its values cannot be read; empty if they can
}

// rowFunc is called with each row; the cells are in the order of the file's columns and valid during the call only.
type rowFunc func(at position, cells []cell) error

// position tells people where a row is: rows count from 1 without the header; line is 0 where a file has no lines.
type position struct {
	row  int64
	line int
}

func (p position) String() string {
	if p.line > 0 {
		return fmt.Sprintf("line %d", p.line)
	}
	return fmt.Sprintf("row %d", p.row)
}

// DefaultMissing lists what stands for a missing value unless it is said otherwise, in any case; the empty value always does.
func DefaultMissing() []string { return []string{"NA", "N/A", "NaN", "NULL"} }

// Open reads the header of a CSV or Parquet file, told apart by their first bytes. Values equal to one of missing, in any case,
// and empty ones count as missing.
func Open(path string, missing []string) (*Table, error) {
	t := &Table{path: path, missing: map[string]bool{"": true}}
	for _, token := range missing {
		t.missing[strings.ToLower(strings.TrimSpace(token))] = true
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, fmt.Errorf("%s is a directory, not a file", path)
	}
	if info.Size() == 0 {
		return nil, fmt.Errorf("%s is empty", path)
	}
	magic := make([]byte, len(parquetMagic))
	if _, err := io.ReadFull(file, magic); err != nil && info.Size() >= int64(len(parquetMagic)) {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	switch {
	case bytes.Equal(magic, []byte(parquetMagic)):
		err = t.openParquet(file, info.Size())
	case strings.EqualFold(filepath.Ext(path), ".parquet"):
		err = fmt.Errorf("%s is not a Parquet file", path)
	default:
		err = t.openCSV(file)
	}
	if err != nil {
		return nil, err
	}
	if err := t.checkHeader(); err != nil {
		return nil, err
	}
	return t, nil
}

func (t *Table) checkHeader() error {
	if len(t.columns) > MaxColumns {
		return fmt.Errorf("%s has %d columns: at most %d can be read", t.path, len(t.columns), MaxColumns)
	}
	seen := make(map[string]int, len(t.columns))
	for i, c := range t.columns {
		switch {
		case c.name == "":
			return fmt.Errorf("%s: column %d has no name", t.path, i+1)
		case !utf8.ValidString(c.name):
			return fmt.Errorf("%s: the name of column %d is not UTF-8", t.path, i+1)
		case utf8.RuneCountInString(c.name) > MaxName:
			return fmt.Errorf("%s: the name of column %d has more than %d characters", t.path, i+1, MaxName)
		case seen[c.name] > 0:
			return fmt.Errorf("%s: columns %d and %d have the same name %q", t.path, seen[c.name], i+1, c.name)
		}
		seen[c.name] = i + 1
	}
	return nil
}

// Path returns the path that the table was opened with.
func (t *Table) Path() string { return t.path }

// Columns returns the names of the columns in the order of the file.
func (t *Table) Columns() []string {
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i] = c.name
	}
	return names
}

// Digest returns the SHA-256 of the file's bytes.
func (t *Table) Digest() (digest [32]byte, err error) {
	file, err := os.Open(t.path)
	if err != nil {
		return digest, err
	}
	defer func() { _ = file.Close() }()
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil {
		return digest, fmt.Errorf("read %s: %w", t.path, err)
	}
	return [32]byte(h.Sum(nil)), nil
}

// at says where in the file something is wrong.
func (t *Table) at(where position, column, format string, args ...any) error {
	return fmt.Errorf("%s: %s, column %q: %s", t.path, where, column, fmt.Sprintf(format, args...))
}
