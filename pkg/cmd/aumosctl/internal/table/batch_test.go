package table_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/table"
)

// flights is the directory of the samples that the project ships.
const flights = "../../../../../examples/flights"

func TestBatchesAreBounded(t *testing.T) {
	t.Parallel()
	var content strings.Builder
	content.WriteString("n,s\n")
	const rows = 1000
	for i := range rows {
		fmt.Fprintf(&content, "%d,%s\n", i, strings.Repeat("x", i%97))
	}
	path := write(t, "data.csv", content.String())
	features := []table.Feature{{Name: "n", Kind: table.Numeric}, {Name: "s", Kind: table.Categorical}}
	for _, limits := range []table.Limits{{Rows: 64, Bytes: 1 << 20}, {Rows: 1 << 20, Bytes: 1000}, {Rows: 1, Bytes: 1}, {Rows: 9, Bytes: 500}} {
		tab, err := table.Open(path, table.DefaultMissing())
		if err != nil {
			t.Fatal(err)
		}
		next := 0
		sent, err := tab.Batches(t.Context(), features, limits, quiet, func(b table.Batch) error {
			size := 0
			for i := range b.Rows {
				if got := b.Columns[0].Numbers[i]; got != float64(next) {
					t.Fatalf("limits %+v: row %d has %v", limits, next, got)
				}
				text, valid := b.Columns[1].Texts[i], b.Columns[1].Validity == nil || b.Columns[1].Validity[i/8]&(1<<(i%8)) != 0
				if want := strings.Repeat("x", next%97); text != want || valid != (want != "") {
					t.Fatalf("limits %+v: row %d has %q, valid %t", limits, next, text, valid)
				}
				size += 8 + len(text) + 2
				next++
			}
			if b.Rows == 0 || b.Rows > limits.Rows || b.Rows > 1 && size > limits.Bytes {
				t.Errorf("limits %+v: a batch has %d rows and %d bytes", limits, b.Rows, size)
			}
			if validity := b.Columns[1].Validity; validity != nil && len(validity) != (b.Rows+7)/8 {
				t.Errorf("limits %+v: %d bytes of validity for %d rows", limits, len(validity), b.Rows)
			}
			return nil
		})
		if err != nil || sent != rows || next != rows {
			t.Errorf("limits %+v: sent %d rows, read %d: %v", limits, sent, next, err)
		}
	}
}

func TestBatchesStop(t *testing.T) {
	t.Parallel()
	path := filepath.Join(flights, "winter.csv")
	tab, err := table.Open(path, table.DefaultMissing())
	if err != nil {
		t.Fatal(err)
	}
	features := []table.Feature{{Name: "distance", Kind: table.Numeric}}
	limits := table.Limits{Rows: 10, Bytes: 1 << 20}

	refused := errors.New("refused")
	calls := 0
	_, err = tab.Batches(t.Context(), features, limits, quiet, func(table.Batch) error { calls++; return refused })
	if !errors.Is(err, refused) || calls != 1 {
		t.Errorf("after %d calls: %v", calls, err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := tab.Batches(ctx, features, limits, quiet, func(table.Batch) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("with its context ended: %v", err)
	}
	if _, err := tab.Batches(t.Context(), []table.Feature{{Name: "speed", Kind: table.Numeric}}, limits, quiet, nil); err == nil {
		t.Error("a column that is not there was read")
	}
}

// Memory must not grow with the file. The test runs alone, since it measures the whole heap.
func TestMemoryIsConstant(t *testing.T) {
	row := strings.Repeat("x", 500) + ",1.5,true\n"
	path := write(t, "data.csv", "s,n,b\n"+strings.Repeat(row, 100_000)) // 51 MB
	tab, err := table.Open(path, table.DefaultMissing())
	if err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	var peak uint64
	measure := func(int64, int64) {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		peak = max(peak, m.HeapAlloc)
	}
	features, _, err := tab.Infer(t.Context(), table.Choice{}, measure)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tab.Batches(t.Context(), features, table.Limits{Rows: 65536, Bytes: 1 << 20}, measure, func(table.Batch) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if grown := int64(peak) - int64(before.HeapAlloc); grown > 16<<20 {
		t.Errorf("the heap grew by %d MiB for a file of 51 MB", grown>>20)
	}
}

func TestFlightsAsCSVAndParquet(t *testing.T) {
	t.Parallel()
	want := map[string]table.Kind{"weekend": table.Boolean, "cancelled": table.Boolean, "carrier": table.Categorical, "origin": table.Categorical, "dest": table.Categorical}
	for _, name := range []string{"winter", "summer"} {
		csvFeatures, fromCSV, err := read(t, filepath.Join(flights, name+".csv"), table.Choice{})
		if err != nil {
			t.Fatal(err)
		}
		parquetFeatures, fromParquet, err := read(t, filepath.Join(flights, name+".parquet"), table.Choice{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(csvFeatures, parquetFeatures); diff != "" {
			t.Errorf("%s: features differ (-csv +parquet):\n%s", name, diff)
		}
		if diff := cmp.Diff(fromCSV, fromParquet); diff != "" {
			t.Errorf("%s: values differ (-csv +parquet):\n%s", name, diff)
		}
		for _, f := range csvFeatures {
			kind, ok := want[f.Name]
			if !ok {
				kind = table.Numeric
			}
			if f.Kind != kind {
				t.Errorf("%s: %s is %s, want %s", name, f.Name, f.Kind, kind)
			}
		}
		if fromCSV.Rows != 3000 || len(csvFeatures) != 16 {
			t.Errorf("%s: %d rows, %d columns", name, fromCSV.Rows, len(csvFeatures))
		}
	}
}
