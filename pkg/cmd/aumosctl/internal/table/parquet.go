package table

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"os"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// parquetMagic begins every Parquet file.
const parquetMagic = "PAR1"

// parquetRows is how many rows are decoded at a time.
const parquetRows = 256

func (t *Table) openParquet(file *os.File, size int64) (err error) {
	defer t.damaged(&err)
	f, err := openParquetFile(file, size)
	if err != nil {
		return fmt.Errorf("%s cannot be read as Parquet: %w", t.path, err)
	}
	for _, field := range f.Root().Columns() {
		t.columns = append(t.columns, parquetColumn(field))
	}
	t.scan = t.scanParquet
	return nil
}

// openParquetFile reads the footer, and refuses what would make the library allocate memory by what a damaged file claims: its footer's length
// is checked here.
func openParquetFile(file *os.File, size int64) (*parquet.File, error) {
	const trailer = int64(4 + len(parquetMagic)) // the footer's length, then the magic again
	tail := make([]byte, trailer)
	if _, err := file.ReadAt(tail, size-trailer); err != nil {
		return nil, fmt.Errorf("read the end: %w", err)
	}
	if footer := int64(binary.LittleEndian.Uint32(tail)); footer > size-trailer {
		return nil, fmt.Errorf("the footer claims %d bytes, the file has %d", footer, size)
	}
	f, err := parquet.OpenFile(file, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, err
	}
	for _, group := range f.Metadata().RowGroups {
		for _, chunk := range group.Columns {
			// The library's LZ4 doubles its buffer until a page fits, and for a damaged page that is all of the memory.
			if codec := chunk.MetaData.Codec; codec == format.Lz4Raw {
				return nil, fmt.Errorf("it is compressed with %s: write it with snappy, zstd or gzip", codec)
			}
		}
	}
	return f, nil
}

// damaged turns a panic of the Parquet library into an error: it checks lengths and offsets of a damaged file no further than Go does.
func (t *Table) damaged(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%s is damaged: %v", t.path, p)
	}
}

func parquetColumn(field *parquet.Column) column {
	c := column{name: field.Name()}
	leaf, list := parquetLeaf(field)
	if leaf == nil {
		c.unsupported = "it is nested"
		return c
	}
	_, kind, err := parquetDecoder(leaf.Type())
	switch {
	case err != nil:
		c.unsupported = err.Error()
	case list && kind != Numeric:
		c.unsupported = fmt.Sprintf("it is a list of %s values", kind)
	case list:
		c.declared = Vector
	default:
		c.declared = kind
	}
	return c
}

// parquetLeaf returns the leaf that holds a column's values, and whether a row has a list of them; nil for any deeper nesting.
func parquetLeaf(field *parquet.Column) (leaf *parquet.Column, list bool) {
	for leaf = field; ; leaf = leaf.Columns()[0] {
		if leaf.Repeated() {
			if list {
				return nil, false
			}
			list = true
		}
		if leaf.Leaf() {
			return leaf, list
		}
		if len(leaf.Columns()) != 1 {
			return nil, false
		}
	}
}

// parquetDecoder returns how values of a type are read, and as what.
func parquetDecoder(typ parquet.Type) (func(*Table, parquet.Value) cell, Kind, error) {
	logical := logicalType(typ)
	switch logical.(type) {
	case nil, *format.StringType, *format.EnumType, *format.JsonType, *format.IntType, *format.DecimalType, *format.DateType, *format.TimestampType:
	default:
		return nil, 0, fmt.Errorf("it has the type %s", typ)
	}
	if decimal, ok := logical.(*format.DecimalType); ok {
		return decimalDecoder(typ.Kind(), int(decimal.Scale)), Numeric, nil
	}
	if decode := instantDecoder(typ.Kind(), logical); decode != nil {
		return decode, Timestamp, nil
	}
	unsigned := false
	if integer, ok := logical.(*format.IntType); ok {
		unsigned = !integer.IsSigned
	}
	switch typ.Kind() {
	case parquet.Boolean:
		return func(_ *Table, v parquet.Value) cell { return cell{kind: cellBoolean, boolean: v.Boolean()} }, Boolean, nil
	case parquet.Int32:
		if unsigned {
			return func(_ *Table, v parquet.Value) cell { return numberCell(float64(v.Uint32())) }, Numeric, nil
		}
		return func(_ *Table, v parquet.Value) cell { return numberCell(float64(v.Int32())) }, Numeric, nil
	case parquet.Int64:
		if unsigned {
			return func(_ *Table, v parquet.Value) cell { return numberCell(float64(v.Uint64())) }, Numeric, nil
		}
		return func(_ *Table, v parquet.Value) cell { return numberCell(float64(v.Int64())) }, Numeric, nil
	case parquet.Float:
		return func(_ *Table, v parquet.Value) cell { return numberCell(float64(v.Float())) }, Numeric, nil
	case parquet.Double:
		return func(_ *Table, v parquet.Value) cell { return numberCell(v.Double()) }, Numeric, nil
	case parquet.ByteArray:
		return func(t *Table, v parquet.Value) cell { return t.textCell(string(v.ByteArray())) }, Categorical, nil
	default:
		return nil, 0, fmt.Errorf("it has the type %s", typ)
	}
}

// logicalType returns what a type's values mean; nil where they mean just what is stored. Files that say it in the older, converted
// form only are translated by the library.
func logicalType(typ parquet.Type) format.LogicalTypeValue {
	if logical := typ.LogicalType(); logical != nil && logical.Value != nil {
		return logical.Value
	}
	return nil
}

// instantDecoder reads dates, and times without a zone as UTC; nil for other types.
func instantDecoder(kind parquet.Kind, logical format.LogicalTypeValue) func(*Table, parquet.Value) cell {
	switch logical := logical.(type) {
	case *format.DateType:
		if kind == parquet.Int32 {
			return func(_ *Table, v parquet.Value) cell { return instantCell(int64(v.Int32()), 24*time.Hour) }
		}
	case *format.TimestampType:
		if kind == parquet.Int64 && logical.Unit.Value != nil {
			unit := logical.Unit.Value.Duration()
			return func(_ *Table, v parquet.Value) cell { return instantCell(v.Int64(), unit) }
		}
	}
	return nil
}

// decimalDecoder reads fixed-point numbers: an integer, stored as such or as big-endian two's complement, times 10^-scale.
func decimalDecoder(kind parquet.Kind, scale int) func(*Table, parquet.Value) cell {
	factor := math.Pow10(scale)
	return func(_ *Table, v parquet.Value) cell {
		switch kind {
		case parquet.Int32:
			return numberCell(float64(v.Int32()) / factor)
		case parquet.Int64:
			return numberCell(float64(v.Int64()) / factor)
		default:
			raw := v.ByteArray()
			unscaled := new(big.Int).SetBytes(raw)
			if len(raw) > 0 && raw[0]&0x80 != 0 {
				unscaled.Sub(unscaled, new(big.Int).Lsh(big.NewInt(1), uint(8*len(raw))))
			}
			x, _ := new(big.Float).SetInt(unscaled).Float64()
			return numberCell(x / factor)
		}
	}
}

// leafReader says which cell a leaf column fills, and how.
type leafReader struct {
	cell   int
	decode func(*Table, parquet.Value) cell
	list   bool
}

// fill puts a value into its row's cell. A list makes a vector; one that is missing, empty or lacks a number is missing as a whole.
func (l leafReader) fill(t *Table, cells []cell, value parquet.Value) {
	c := &cells[l.cell]
	switch {
	case !l.list && !value.IsNull():
		*c = l.decode(t, value)
	case l.list && value.RepetitionLevel() > 0 && c.kind != cellVector: // after what was missing
	case l.list && (value.IsNull() || l.decode(t, value).kind == cellMissing):
		*c = cell{vector: c.vector[:0]}
	case l.list:
		c.kind = cellVector
		c.vector = append(c.vector, float32(l.decode(t, value).number))
	}
}

func (t *Table) scanParquet(ctx context.Context, progress Progress, fn rowFunc) (err error) {
	file, err := os.Open(t.path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	defer t.damaged(&err)
	f, err := openParquetFile(file, info.Size())
	if err != nil {
		return fmt.Errorf("%s cannot be read as Parquet: %w", t.path, err)
	}
	leaves := make(map[int]leafReader, len(t.columns))
	for i, field := range f.Root().Columns() {
		if leaf, list := parquetLeaf(field); i < len(t.columns) && t.columns[i].unsupported == "" && leaf != nil {
			decode, _, err := parquetDecoder(leaf.Type())
			if err != nil {
				return fmt.Errorf("%s: column %q: %w", t.path, field.Name(), err)
			}
			leaves[leaf.Index()] = leafReader{cell: i, decode: decode, list: list}
		}
	}
	row := int64(0)
	cells := make([]cell, len(t.columns))
	for _, group := range f.RowGroups() {
		err := t.scanRowGroup(group, leaves, cells, func() error {
			row++
			if row%1024 == 0 {
				if err := ctx.Err(); err != nil {
					return err
				}
				progress(row, f.NumRows())
			}
			return fn(position{row: row}, cells)
		})
		if err != nil {
			return err
		}
	}
	progress(row, row)
	return nil
}

// scanRowGroup fills cells with each row of the group in turn.
func (t *Table) scanRowGroup(group parquet.RowGroup, leaves map[int]leafReader, cells []cell, fn func() error) error {
	rows := group.Rows()
	defer func() { _ = rows.Close() }()
	buffer := make([]parquet.Row, parquetRows)
	for {
		n, err := rows.ReadRows(buffer)
		for _, row := range buffer[:n] {
			for i := range cells {
				cells[i] = cell{vector: cells[i].vector[:0]} // its memory is used again
			}
			for _, value := range row {
				if leaf, ok := leaves[value.Column()]; ok {
					leaf.fill(t, cells, value)
				}
			}
			if err := fn(); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", t.path, err)
		}
	}
}
