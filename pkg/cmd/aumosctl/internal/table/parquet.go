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
	if !field.Leaf() || field.Repeated() {
		c.unsupported = "it is nested"
		return c
	}
	if _, kind, err := parquetDecoder(field.Type()); err != nil {
		c.unsupported = err.Error()
	} else {
		c.declared = kind
	}
	return c
}

// parquetDecoder returns how values of a type are read, and as what.
func parquetDecoder(typ parquet.Type) (func(*Table, parquet.Value) cell, Kind, error) {
	logical := logicalType(typ)
	switch logical.(type) {
	case nil, *format.StringType, *format.EnumType, *format.JsonType, *format.IntType, *format.DecimalType:
	default:
		return nil, 0, fmt.Errorf("it has the type %s", typ)
	}
	if decimal, ok := logical.(*format.DecimalType); ok {
		return decimalDecoder(typ.Kind(), int(decimal.Scale)), Numeric, nil
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
		if i < len(t.columns) && t.columns[i].unsupported == "" && field.Leaf() {
			decode, _, err := parquetDecoder(field.Type())
			if err != nil {
				return fmt.Errorf("%s: column %q: %w", t.path, field.Name(), err)
			}
			leaves[field.Index()] = leafReader{cell: i, decode: decode}
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
			clear(cells)
			for _, value := range row {
				if leaf, ok := leaves[value.Column()]; ok && !value.IsNull() {
					cells[leaf.cell] = leaf.decode(t, value)
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
