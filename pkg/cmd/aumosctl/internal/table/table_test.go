package table_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/table"
)

// write puts content into a file of this test.
func write(tb testing.TB, name, content string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

func quiet(int64, int64) {}

// read opens a file, infers its columns and returns them with all rows in one batch, whose memory is its own.
func read(tb testing.TB, path string, choice table.Choice) (features []table.Feature, batch table.Batch, err error) {
	tb.Helper()
	tab, err := table.Open(path, table.DefaultMissing())
	if err != nil {
		return nil, batch, err
	}
	features, rows, err := tab.Infer(tb.Context(), choice, quiet)
	if err != nil {
		return nil, batch, err
	}
	sent, err := tab.Batches(tb.Context(), features, table.Limits{Rows: 1 << 20, Bytes: 1 << 30}, quiet, func(b table.Batch) error {
		batch = clone(b)
		return nil
	})
	if err == nil && sent != rows {
		tb.Errorf("sent %d rows, inferred %d", sent, rows)
	}
	return features, batch, err
}

func clone(b table.Batch) table.Batch {
	c := table.Batch{Rows: b.Rows}
	for _, column := range b.Columns {
		column.Numbers = append([]float64(nil), column.Numbers...)
		column.Texts = append([]string(nil), column.Texts...)
		column.Booleans = append([]bool(nil), column.Booleans...)
		column.Times = append([]int64(nil), column.Times...)
		column.Vectors = append([]float32(nil), column.Vectors...)
		column.Validity = append([]byte(nil), column.Validity...)
		c.Columns = append(c.Columns, column)
	}
	return c
}

func TestReadCSV(t *testing.T) {
	t.Parallel()
	const content = "\uFEFFname, amount ,ok,note\r\n" +
		"\"a, \"\"quoted\"\"\",1,true,\"two\nlines\"\r\n" +
		"b , -2.5e1 ,FALSE,\r\n" +
		",na,,NULL\r\n" +
		"ü,+.5,True,x"
	features, batch, err := read(t, write(t, "data.csv", content), table.Choice{})
	if err != nil {
		t.Fatal(err)
	}
	wantFeatures := []table.Feature{{Name: "name", Kind: table.Categorical}, {Name: "amount", Kind: table.Numeric}, {Name: "ok", Kind: table.Boolean}, {Name: "note", Kind: table.Categorical}}
	if diff := cmp.Diff(wantFeatures, features); diff != "" {
		t.Errorf("features (-want +got):\n%s", diff)
	}
	want := table.Batch{Rows: 4, Columns: []table.Column{
		{Name: "name", Kind: table.Categorical, Texts: []string{`a, "quoted"`, "b", "", "ü"}, Validity: []byte{0b1011}},
		{Name: "amount", Kind: table.Numeric, Numbers: []float64{1, -25, 0, 0.5}, Validity: []byte{0b1011}},
		{Name: "ok", Kind: table.Boolean, Booleans: []bool{true, false, false, true}, Validity: []byte{0b1011}},
		{Name: "note", Kind: table.Categorical, Texts: []string{"two\nlines", "", "", "x"}, Validity: []byte{0b1001}},
	}}
	if diff := cmp.Diff(want, batch); diff != "" {
		t.Errorf("batch (-want +got):\n%s", diff)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	numbers := strings.Repeat("1\n", 19)
	for _, test := range []struct {
		name, file, content string
		choice              table.Choice
		want                string // part of the error
	}{
		{name: "empty file", content: "", want: "data.csv is empty"},
		{name: "only a byte order mark", content: "\uFEFF", want: "data.csv is empty"},
		{name: "header only", content: "a,b\n", want: "has a header and no rows"},
		{name: "duplicate column", content: "a,b,a\n1,2,3\n", want: `columns 1 and 3 have the same name "a"`},
		{name: "unnamed column", content: "a,,c\n1,2,3\n", want: "column 2 has no name"},
		{name: "long column name", content: strings.Repeat("n", 129) + "\n1\n", want: "the name of column 1 has more than 128 characters"},
		{name: "column name not UTF-8", content: "a\xff\n1\n", want: "the name of column 1 is not UTF-8"},
		{name: "too many columns", content: strings.Repeat("a,", 500) + "a\n", want: "501 columns: at most 500"},
		{name: "short row", content: "a,b\n1,2\n3\n", want: "line 3 has 1 fields: the header has 2"},
		{name: "long row", content: "a,b\n1,2,3\n", want: "line 2 has 3 fields: the header has 2"},
		{name: "quote inside a field", content: "a,b\n1,x\"y\n", want: "line 2: a quote stands inside a field that is not quoted"},
		{name: "open quote", content: "a,b\n1,\"x\n2,y\n", want: "the quoted field that begins in line 2 does not end"},
		{name: "all missing", content: "a,b\n1,\n2,NA\n", want: `column "b" has no value in any row: leave it out with --ignore b`},
		{name: "text among numbers", content: "a\n" + numbers + "oops\n", want: `column "a" has 19 numbers, but line 21 has "oops": say --type a=categorical`},
		{name: "infinity", content: "a\n1\n-Inf\n", want: `line 3, column "a": infinite values`},
		{name: "beyond 64 bits", content: "a\n1\n1e999\n", choice: kinds("a", table.Numeric), want: `line 3, column "a": "1e999" is beyond the range`},
		{name: "hexadecimal", content: "a\n1\n0x10\n", choice: kinds("a", table.Numeric), want: `line 3, column "a": "0x10" is not a number`},
		{name: "digit groups", content: "a\n1_000\n", choice: kinds("a", table.Numeric), want: `"1_000" is not a number`},
		{name: "not a boolean", content: "a\ntrue\nmaybe\n", choice: kinds("a", table.Boolean), want: `line 3, column "a": "maybe" is neither true nor false`},
		{name: "category of 10 MB", content: "a,b\n1,x\n2," + strings.Repeat("y", 10<<20) + "\n", want: `line 3, column "b": the value is 10485760 bytes long: a category has at most 1024`},
		{name: "category not UTF-8", content: "a,b\n1,\"x\xfe\"\n", want: `line 2, column "b": the value is not UTF-8`},
		{name: "record beyond the bound", content: "a\n\"" + strings.Repeat("y", 33<<20), want: "the record is longer than 32 MiB"},
		{name: "blank line in a single column", content: "a\n1\n\n3\n", want: "line 3 is blank"},
		{name: "unknown column in choice", content: "a\n1\n", choice: kinds("b", table.Numeric), want: `has no column "b": it has a`},
		{name: "unknown column ignored", content: "a\n1\n", choice: table.Choice{Ignore: []string{"b"}}, want: `has no column "b"`},
		{name: "every column ignored", content: "a\n1\n", choice: table.Choice{Ignore: []string{"a"}}, want: "no column is left"},
		{name: "not Parquet", file: "data.parquet", content: "a\n1\n", want: "data.parquet is not a Parquet file"},
		{name: "cut Parquet", file: "data.parquet", content: "PAR1xxxxPAR1", want: "data.parquet"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			file := test.file
			if file == "" {
				file = "data.csv"
			}
			_, _, err := read(t, write(t, file, test.content), test.choice)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got error %v, want one with %q", err, test.want)
			}
			if err != nil && len(err.Error()) > 1000 {
				t.Errorf("the error has %d bytes: it repeats the data", len(err.Error()))
			}
		})
	}
}

func kinds(column string, kind table.Kind) table.Choice {
	return table.Choice{Kinds: map[string]table.Kind{column: kind}}
}

func TestOpenRefusesWhatIsNoFile(t *testing.T) {
	t.Parallel()
	for _, path := range []string{t.TempDir(), filepath.Join(t.TempDir(), "absent.csv")} {
		if _, err := table.Open(path, nil); err == nil {
			t.Errorf("Open(%s) succeeded", path)
		}
	}
}

func TestInfer(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		values []string
		want   table.Kind
	}{
		{"integers with few distinct values", []string{"0", "1", "1", "0"}, table.Numeric},
		{"decimals", []string{"-1.5", "+2", ".25", "3."}, table.Numeric},
		{"exponents", []string{"1e3", "2E-4"}, table.Numeric},
		{"numbers and missing values", []string{"1", "NA", "nan", "", "n/a", "Null"}, table.Numeric},
		{"true and false in any case", []string{"true", "FALSE", "True"}, table.Boolean},
		{"booleans and missing values", []string{"true", ""}, table.Boolean},
		{"yes and no", []string{"yes", "no"}, table.Categorical},
		{"texts", []string{"AA", "9E", "B6"}, table.Categorical},
		{"codes with a leading zero", []string{"00501", "10001"}, table.Categorical},
		{"zero and fractions", []string{"0", "0.5", "-0.25"}, table.Numeric},
		{"half numbers", []string{"1", "2", "x", "y"}, table.Categorical},
		{"booleans and numbers", []string{"true", "1"}, table.Categorical},
		{"None is a category", []string{"None", "Some"}, table.Categorical},
		{"hexadecimal", []string{"0x1F", "0x2E"}, table.Categorical},
		{"spaces around", []string{" 1 ", "\t2"}, table.Numeric},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			content := "id,value\n"
			var contentSb179 strings.Builder
			for i, value := range test.values {
				fmt.Fprintf(&contentSb179, "%d,%s\n", i, value)
			}
			content += contentSb179.String()
			features, _, err := read(t, write(t, "data.csv", content), table.Choice{})
			if err != nil {
				t.Fatal(err)
			}
			if features[1].Kind != test.want {
				t.Errorf("got %s, want %s", features[1].Kind, test.want)
			}
		})
	}
}

func TestChoice(t *testing.T) {
	t.Parallel()
	const content = "flag,code,id\n1,501,a\n0,502,b\nyes,,c\n"
	features, batch, err := read(t, write(t, "data.csv", content), table.Choice{
		Kinds: map[string]table.Kind{"flag": table.Boolean, "code": table.Categorical}, Ignore: []string{"id"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]table.Feature{{Name: "flag", Kind: table.Boolean}, {Name: "code", Kind: table.Categorical}}, features); diff != "" {
		t.Errorf("features (-want +got):\n%s", diff)
	}
	want := table.Batch{Rows: 3, Columns: []table.Column{
		{Name: "flag", Kind: table.Boolean, Booleans: []bool{true, false, true}},
		{Name: "code", Kind: table.Categorical, Texts: []string{"501", "502", ""}, Validity: []byte{0b011}},
	}}
	if diff := cmp.Diff(want, batch); diff != "" {
		t.Errorf("batch (-want +got):\n%s", diff)
	}
}

func TestMissingTokens(t *testing.T) {
	t.Parallel()
	tab, err := table.Open(write(t, "data.csv", "a\nNA\n-999\n?\n"), []string{"?", "-999"})
	if err != nil {
		t.Fatal(err)
	}
	features, _, err := tab.Infer(t.Context(), table.Choice{}, quiet)
	if err != nil {
		t.Fatal(err)
	}
	if features[0].Kind != table.Categorical {
		t.Errorf("NA is read as %s, want the only value, a category", features[0].Kind)
	}
}

func TestMissing(t *testing.T) {
	t.Parallel()
	tab, err := table.Open(write(t, "data.csv", "a,b,c\n1,2,3\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	absent, extra := tab.Missing([]table.Feature{{Name: "c"}, {Name: "x"}, {Name: "a"}})
	if diff := cmp.Diff([][]string{{"x"}, {"b"}}, [][]string{absent, extra}); diff != "" {
		t.Errorf("absent and extra (-want +got):\n%s", diff)
	}
}
