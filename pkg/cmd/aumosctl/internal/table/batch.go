package table

import (
	"context"
	"fmt"
)

// Column holds one column's values of a batch in the slice of its kind; what stands at a missing row means nothing.
type Column struct {
	Name     string
	Kind     Kind
	Numbers  []float64
	Texts    []string
	Booleans []bool
	Times    []int64   // microseconds since 1970 UTC
	Vectors  []float32 // Dimension numbers a row

	Dimension int // of vectors

	// Validity has a 1 for each row with a value: bit i%8, least significant first, of byte i/8. It is nil when all rows have one.
	Validity []byte
}

// Batch is a run of rows, column by column.
type Batch struct {
	Rows    int
	Columns []Column
}

// Limits bound a batch: its rows, and the bytes that its values take as a serialized message, by an estimate that is never too small.
type Limits struct {
	Rows  int
	Bytes int
}

// Missing returns the features that the table has no column for, and the columns that are no feature.
func (t *Table) Missing(features []Feature) (absent, extra []string) {
	has := make(map[string]bool, len(t.columns))
	for _, c := range t.columns {
		has[c.name] = true
	}
	for _, f := range features {
		if !has[f.Name] {
			absent = append(absent, f.Name)
		}
		delete(has, f.Name)
	}
	for _, c := range t.columns {
		if has[c.name] {
			extra = append(extra, c.name)
		}
	}
	return absent, extra
}

// Batches reads the features' columns and calls send with one batch after another; a batch is valid during the call only. It returns the
// number of rows. A value that does not suit its feature's kind ends it with an error that says where the value stands.
func (t *Table) Batches(ctx context.Context, features []Feature, limits Limits, progress Progress, send func(Batch) error) (int64, error) {
	b, err := t.newBatcher(features)
	if err != nil {
		return 0, err
	}
	rows := int64(0)
	err = t.scan(ctx, progress, func(at position, cells []cell) error {
		size, err := b.read(at, cells)
		if err != nil {
			return err
		}
		if b.batch.Rows > 0 && (b.batch.Rows >= limits.Rows || b.bytes+size > limits.Bytes) {
			if err := b.flush(send); err != nil {
				return err
			}
		}
		b.append(size)
		rows = at.row
		return nil
	})
	if err == nil && b.batch.Rows > 0 {
		err = b.flush(send)
	}
	return rows, err
}

// batcher collects rows in buffers that it uses again for each batch.
type batcher struct {
	table  *Table
	source []int // the file's column for each feature
	row    []value
	batch  Batch
	valid  [][]byte // per column, whether or not a value is missing
	missed []bool   // per column, whether a value is
	bytes  int

	vectors [][]float32 // per column, the vector that was read last
}

// value is a cell read as its feature's kind.
type value struct {
	valid   bool
	number  float64
	text    string
	boolean bool
	micros  int64
	vector  []float32
}

func (t *Table) newBatcher(features []Feature) (*batcher, error) {
	index := make(map[string]int, len(t.columns))
	for i, c := range t.columns {
		index[c.name] = i
	}
	n := len(features)
	b := &batcher{table: t, source: make([]int, n), row: make([]value, n), valid: make([][]byte, n), missed: make([]bool, n), vectors: make([][]float32, n)}
	b.batch.Columns = make([]Column, n)
	for j, f := range features {
		i, ok := index[f.Name]
		if !ok {
			return nil, fmt.Errorf("%s has no column %q", t.path, f.Name)
		}
		if reason := t.columns[i].unsupported; reason != "" {
			return nil, fmt.Errorf("%s: column %q cannot be compared, for %s", t.path, f.Name, reason)
		}
		b.source[j] = i
		b.batch.Columns[j] = Column{Name: f.Name, Kind: f.Kind}
		if f.Kind == Vector {
			b.batch.Columns[j].Dimension = max(f.Dimension, 1) // of a column without any vector, which has missing ones all the same
		}
	}
	return b, nil
}

// read converts a row and returns what it adds to the message: a double has 8 bytes, a text its own and up to 4 for tag and length, a
// boolean 1, a time up to 10, a number of a vector 4; each may have its bit of validity, counted as a byte.
func (b *batcher) read(at position, cells []cell) (size int, err error) {
	for j, i := range b.source {
		c, column := cells[i], &b.batch.Columns[j]
		v := value{valid: c.kind != cellMissing}
		size += 2
		switch column.Kind {
		case Numeric:
			size += 8
			if v.valid {
				v.number, err = c.numeric()
			}
		case Categorical:
			if v.valid {
				v.text, err = c.categorical()
			}
			size += len(v.text) + 3
		case Text:
			if v.valid {
				v.text, err = c.prose()
			}
			size += len(v.text) + 4
		case Timestamp:
			size += 10
			if v.valid {
				v.micros, err = c.instant()
			}
		case Boolean:
			if v.valid {
				v.boolean, err = c.truth()
			}
		case Vector:
			size += 4*column.Dimension + 3
			if v.valid {
				b.vectors[j], err = c.embedding(b.vectors[j][:0])
				v.vector = b.vectors[j]
			}
			if err == nil && v.valid && len(v.vector) != column.Dimension {
				err = otherDimension(len(v.vector), column.Dimension)
			}
		}
		if err != nil {
			return 0, b.table.at(at, column.Name, "%s", err)
		}
		b.row[j] = v
	}
	return size, nil
}

// append adds the row that was read last.
func (b *batcher) append(size int) {
	i := b.batch.Rows
	for j, v := range b.row {
		column := &b.batch.Columns[j]
		switch column.Kind {
		case Numeric:
			column.Numbers = append(column.Numbers, v.number)
		case Categorical, Text:
			column.Texts = append(column.Texts, v.text)
		case Timestamp:
			column.Times = append(column.Times, v.micros)
		case Boolean:
			column.Booleans = append(column.Booleans, v.boolean)
		case Vector:
			column.Vectors = append(column.Vectors, v.vector...)
			if !v.valid {
				column.Vectors = append(column.Vectors, make([]float32, column.Dimension)...)
			}
		}
		if i%8 == 0 {
			b.valid[j] = append(b.valid[j], 0)
		}
		if v.valid {
			b.valid[j][i/8] |= 1 << (i % 8)
		} else {
			b.missed[j] = true
		}
	}
	b.batch.Rows++
	b.bytes += size
}

// flush sends the batch and empties it.
func (b *batcher) flush(send func(Batch) error) error {
	for j := range b.batch.Columns {
		b.batch.Columns[j].Validity = nil
		if b.missed[j] {
			b.batch.Columns[j].Validity = b.valid[j]
		}
	}
	if err := send(b.batch); err != nil {
		return err
	}
	for j := range b.batch.Columns {
		column := &b.batch.Columns[j]
		column.Numbers, column.Texts, column.Booleans, column.Times = column.Numbers[:0], column.Texts[:0], column.Booleans[:0], column.Times[:0]
		column.Vectors = column.Vectors[:0]
		b.valid[j], b.missed[j] = b.valid[j][:0], false
	}
	b.batch.Rows, b.bytes = 0, 0
	return nil
}
