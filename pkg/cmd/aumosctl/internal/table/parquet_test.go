package table_test

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/table"
)

type record struct {
	Int8     int8      `parquet:"int8"`
	Unsigned uint64    `parquet:"unsigned"`
	Float    float32   `parquet:"float"`
	Double   *float64  `parquet:"double,optional"`
	Decimal  int64     `parquet:"decimal,decimal(2:18)"`
	Text     *string   `parquet:"text,optional,dict"`
	Enum     string    `parquet:"enum,enum"`
	Flag     *bool     `parquet:"flag,optional"`
	Time     time.Time `parquet:"time,timestamp"`
	List     []int32   `parquet:"list,list"`
}

func writeParquet(tb testing.TB, rows []record) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "data.parquet")
	if err := parquet.WriteFile(path, rows); err != nil {
		tb.Fatal(err)
	}
	return path
}

//go:fix inline
func TestReadParquet(t *testing.T) {
	t.Parallel()
	rows := []record{
		{Int8: -3, Unsigned: 1 << 53, Float: 0.5, Double: new(math.NaN()), Decimal: -12345, Text: new("a"), Enum: "RED", Flag: new(true), List: []int32{1, 2}},
		{Int8: 4, Unsigned: 7, Float: -1, Double: new(2.5), Decimal: 99, Text: new("NA"), Enum: "BLUE", Flag: nil},
		{Int8: 0, Unsigned: 0, Float: 0, Double: nil, Decimal: 0, Text: nil, Enum: "", Flag: new(false), List: []int32{3}},
	}
	path := writeParquet(t, rows)
	_, batch, err := read(t, path, table.Choice{
		Ignore: []string{"time", "list"}, Kinds: map[string]table.Kind{"int8": table.Categorical},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := table.Batch{Rows: 3, Columns: []table.Column{
		{Name: "int8", Kind: table.Categorical, Texts: []string{"-3", "4", "0"}},
		{Name: "unsigned", Kind: table.Numeric, Numbers: []float64{1 << 53, 7, 0}},
		{Name: "float", Kind: table.Numeric, Numbers: []float64{0.5, -1, 0}},
		{Name: "double", Kind: table.Numeric, Numbers: []float64{0, 2.5, 0}, Validity: []byte{0b010}},
		{Name: "decimal", Kind: table.Numeric, Numbers: []float64{-123.45, 0.99, 0}},
		{Name: "text", Kind: table.Categorical, Texts: []string{"a", "", ""}, Validity: []byte{0b001}},
		{Name: "enum", Kind: table.Categorical, Texts: []string{"RED", "BLUE", ""}, Validity: []byte{0b011}},
		{Name: "flag", Kind: table.Boolean, Booleans: []bool{true, false, false}, Validity: []byte{0b101}},
	}}
	if diff := cmp.Diff(want, batch); diff != "" {
		t.Errorf("batch (-want +got):\n%s", diff)
	}
	for column, reason := range map[string]string{"time": "a timestamp in each row", "list": "a vector in each row"} {
		ignore := []string{"time", "list"}
		for i := range ignore {
			if ignore[i] == column {
				ignore = append(ignore[:i:i], ignore[i+1:]...)
				break
			}
		}
		_, _, err := read(t, path, table.Choice{Ignore: ignore})
		if err == nil || !strings.Contains(err.Error(), reason) || !strings.Contains(err.Error(), "--ignore "+column) {
			t.Errorf("%s: %v", column, err)
		}
	}
}

func TestParquetInfinity(t *testing.T) {
	t.Parallel()
	path := writeParquet(t, []record{{Double: new(1.0), Text: new("a"), Enum: "A", Flag: new(true)}, {Double: new(math.Inf(1))}})
	_, _, err := read(t, path, table.Choice{Ignore: []string{"time", "list"}})
	if err == nil || !strings.Contains(err.Error(), `row 2, column "double": infinite values`) {
		t.Errorf("got %v", err)
	}
}

// A damaged file is an error, never a panic.
func FuzzParquet(f *testing.F) {
	original, err := os.ReadFile(writeParquet(f, []record{{Text: new("a"), Enum: "x", Flag: new(true), Double: new(1.0), List: []int32{1}}, {Enum: "y"}}))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(0, byte(0xff))
	f.Add(len(original)/2, byte(0x80))
	f.Add(len(original)-12, byte(0x01))
	f.Fuzz(func(t *testing.T, at int, flip byte) {
		damaged := append([]byte(nil), original...)
		damaged[(at%len(damaged)+len(damaged))%len(damaged)] ^= flip
		path := filepath.Join(t.TempDir(), "data.parquet")
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		_, _, _ = read(t, path, table.Choice{Ignore: []string{"time", "list"}})
	})
}

// Whatever the bytes, a CSV file is refused with an error or read completely, with columns of one length.
func FuzzCSV(f *testing.F) {
	for _, seed := range []string{"a,b\n1,x\n", "\uFEFFa\r\n\"q\"\"\"\r\n", "a\n\n1\n", "a,a\n", "a\n\"", "a\n\xff\n", "a\n1e999\n", "a,b\n,NA\ntrue,1\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		features, batch, err := read(t, write(t, "data.csv", string(content)), table.Choice{})
		if err != nil {
			return
		}
		if len(features) == 0 || batch.Rows == 0 || len(batch.Columns) != len(features) {
			t.Fatalf("%d features, %d rows, %d columns", len(features), batch.Rows, len(batch.Columns))
		}
		for _, c := range batch.Columns {
			n := len(c.Numbers) + len(c.Texts) + len(c.Booleans)
			if n != batch.Rows || len(c.Validity) != 0 && len(c.Validity) != (batch.Rows+7)/8 {
				t.Errorf("column %q has %d values and %d bytes of validity for %d rows", c.Name, n, len(c.Validity), batch.Rows)
			}
			for i, x := range c.Numbers {
				if math.IsNaN(x) || math.IsInf(x, 0) {
					t.Errorf("column %q, row %d: %v", c.Name, i, x)
				}
			}
		}
	})
}
