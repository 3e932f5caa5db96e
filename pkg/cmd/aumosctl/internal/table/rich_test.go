package table_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/table"
)

func TestInferRich(t *testing.T) {
	t.Parallel()
	var repeated []string
	for i := range 40 {
		repeated = append(repeated, []string{"some college, no degree", "a master's degree"}[i%2])
	}
	for _, test := range []struct {
		name   string
		values []string
		want   table.Kind
		plain  table.Kind // of a choice that is not rich; 0: refused
	}{
		{"times", []string{"2026-11-22T10:00:00Z", "2026-11-22T10:00:00.5+01:00", "2026-11-22 10:00:00", "2026-11-22", ""}, table.Timestamp, table.Categorical},
		{"a time and something else", []string{"2026-11-22T10:00:00Z", "soon"}, table.Categorical, table.Categorical},
		{"years", []string{"2025", "2026"}, table.Numeric, table.Numeric},
		{"vectors", []string{"[1, -2.5, 3e-4]", " [0,0,0] ", "NA"}, table.Vector, table.Categorical},
		{"vectors of different dimensions", []string{"[1,2]", "[1,2,3]"}, table.Categorical, table.Categorical},
		{"lists of names", []string{"[a,b]", "[c,d]"}, table.Categorical, table.Categorical},
		{"empty lists", []string{"[]", "[]"}, table.Categorical, table.Categorical},
		{"texts", []string{"the first of all", "another text that is long", "no", "and so on it goes"}, table.Text, table.Categorical},
		{"long names of categories", repeated, table.Categorical, table.Categorical},
		{"too long for a category", []string{"a", strings.Repeat("b", table.MaxCategory+1)}, table.Text, 0},
		{"codes", []string{"A-1", "A-2", "A-3"}, table.Categorical, table.Categorical},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var content strings.Builder
			content.WriteString("id,value\n")
			for i, value := range test.values {
				fmt.Fprintf(&content, "%d,%q\n", i, value)
			}
			path := write(t, "data.csv", content.String())
			for _, choice := range []table.Choice{{Rich: true}, {}} {
				features, _, err := read(t, path, choice)
				if !choice.Rich && test.plain == 0 && err != nil {
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				want := test.plain
				if choice.Rich {
					want = test.want
				}
				if features[1].Kind != want {
					t.Errorf("rich %t: got %s, want %s", choice.Rich, features[1].Kind, want)
				}
			}
		})
	}
}

func TestVectorsOfCSV(t *testing.T) {
	t.Parallel()
	features, batch, err := read(t, write(t, "data.csv", "v,n\n,1\n\"[1, 2]\",1\n,1\n\"[-3,4e1]\",1\n"), table.Choice{Rich: true})
	if err != nil {
		t.Fatal(err)
	}
	if features[0] != (table.Feature{Name: "v", Kind: table.Vector, Dimension: 2}) {
		t.Errorf("got %+v", features[0])
	}
	want := table.Column{Name: "v", Kind: table.Vector, Vectors: []float32{0, 0, 1, 2, 0, 0, -3, 40}, Dimension: 2, Validity: []byte{0b1010}}
	if diff := cmp.Diff(want, batch.Columns[0]); diff != "" {
		t.Error(diff)
	}
	for content, says := range map[string]string{
		"[1,2]\n[1,2,3]":                        `line 3, column "v": the vector has 3 numbers, those before it have 2`,
		"[1,x]":                                 `"[1,x]" is no vector as [0.12, -3, 4e-5]: "x" is not a number`,
		"[1,Inf]":                               "beyond the range of a vector's 32-bit numbers",
		"[1,1e300]":                             "1e+300 is beyond the range",
		"(1)":                                   `"(1)" is no vector`,
		"[" + strings.Repeat("1,", 4096) + "1]": "the vector has 4097 numbers: at most 4096 can be compared",
	} {
		var file strings.Builder
		file.WriteString("v,n\n")
		for line := range strings.SplitSeq(content, "\n") {
			fmt.Fprintf(&file, "\"%s\",1\n", line)
		}
		_, _, err := read(t, write(t, "bad.csv", file.String()), table.Choice{Kinds: map[string]table.Kind{"v": table.Vector}})
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("got %v, want %s", err, says)
		}
	}
}

// TestParquetRich reads instants of every unit and lists of numbers.
func TestParquetRich(t *testing.T) {
	t.Parallel()
	type row struct {
		Micros time.Time `parquet:"micros,timestamp(microsecond)"`
		Millis int64     `parquet:"millis,timestamp(millisecond)"`
		Nanos  int64     `parquet:"nanos,timestamp(nanosecond)"`
		Day    int32     `parquet:"day,date"`
		List   []float32 `parquet:"list,list"`
		Bare   []float64 `parquet:"bare"`
		Names  []string  `parquet:"names,list"`
	}
	at := time.Date(2026, 11, 22, 10, 0, 0, 5000, time.UTC)
	rows := []row{
		{Micros: at, Millis: 1500, Nanos: -1500, Day: 20000, List: []float32{1, 2}, Bare: []float64{3}},
		{Micros: at.Add(time.Second), Millis: -1, Nanos: 1 << 62, Day: -1, List: nil, Bare: nil},
		{Micros: at, Millis: 0, Nanos: 0, Day: 0, List: []float32{-1, 0.5}, Bare: []float64{4}},
	}
	path := filepath.Join(t.TempDir(), "data.parquet")
	if err := parquet.WriteFile(path, rows); err != nil {
		t.Fatal(err)
	}
	_, batch, err := read(t, path, table.Choice{Rich: true, Ignore: []string{"names"}})
	if err != nil {
		t.Fatal(err)
	}
	const day = int64(24 * time.Hour / time.Microsecond)
	want := []table.Column{
		{Name: "micros", Kind: table.Timestamp, Times: []int64{at.UnixMicro(), at.UnixMicro() + 1e6, at.UnixMicro()}},
		{Name: "millis", Kind: table.Timestamp, Times: []int64{1_500_000, -1000, 0}},
		{Name: "nanos", Kind: table.Timestamp, Times: []int64{-2, 1 << 62 / 1000, 0}},
		{Name: "day", Kind: table.Timestamp, Times: []int64{20000 * day, -day, 0}},
		{Name: "list", Kind: table.Vector, Vectors: []float32{1, 2, 0, 0, -1, 0.5}, Dimension: 2, Validity: []byte{0b101}},
		{Name: "bare", Kind: table.Vector, Vectors: []float32{3, 0, 4}, Dimension: 1, Validity: []byte{0b101}},
	}
	if diff := cmp.Diff(want, batch.Columns); diff != "" {
		t.Error(diff)
	}
	if _, _, err := read(t, path, table.Choice{Rich: true}); err == nil || !strings.Contains(err.Error(), "it is a list of categorical values") {
		t.Errorf("got %v", err)
	}
	_, batch, err = read(t, path, table.Choice{Ignore: []string{"names", "list", "bare", "millis", "nanos", "day"}, Kinds: map[string]table.Kind{"micros": table.Categorical}})
	if err != nil || batch.Columns[0].Texts[0] != "2026-11-22T10:00:00.000005Z" {
		t.Errorf("got %v, %v", batch, err)
	}
}
