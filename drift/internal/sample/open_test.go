package sample_test

import (
	"context"
	"errors"
	"math"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aumos-enterprise/platform/drift/internal/detect"
	"github.com/aumos-enterprise/platform/drift/internal/sample"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// open gathers batches that no monitor describes, and returns what they were charged.
func open(t *testing.T, o sample.Options, batches ...[]sample.Column) (set sample.Set, charged int64, err error) {
	t.Helper()
	budget := sample.NewBudget(room)
	o.Path = "batch.rows"
	inlet, err := sample.Admit(tenant.ID{}, budget)
	if err != nil {
		t.Fatal(err)
	}
	a := sample.Open(inlet, o)
	base := budget.Used()
	t.Cleanup(func() {
		a.Release()
		inlet.Release()
		if used := budget.Used(); used != 0 {
			t.Errorf("%d bytes of the budget are not given back", used)
		}
	})
	for _, b := range batches {
		if err := a.Add(b); err != nil {
			return sample.Set{}, 0, err
		}
	}
	charged = budget.Used() - base
	set, err = a.Finish(t.Context())
	return set, charged, err
}

func times(name string, values ...int64) sample.Column {
	return sample.Column{Name: name, Type: detect.Timestamp, Times: values}
}

func vectors(name string, dimension int, values ...float32) sample.Column {
	return sample.Column{Name: name, Type: detect.Vector, Vectors: values, Dimension: dimension}
}

// TestOpen gathers every type, in two batches, with missing rows and columns that nobody wants.
func TestOpen(t *testing.T) {
	t.Parallel()
	o := sample.Options{Rows: true, Features: []sample.Feature{
		{Name: "n", Type: detect.Numeric},
		{Name: "c", Type: detect.Categorical},
		{Name: "b", Type: detect.Boolean},
		{Name: "t", Type: detect.Text},
		{Name: "at", Type: detect.Timestamp},
		{Name: "v", Type: detect.Vector},
		{Name: "absent", Type: detect.Numeric},
		{Name: "other", Type: detect.Numeric},
	}}
	nan := float32(math.NaN())
	set, _, err := open(
		t, o,
		[]sample.Column{
			numbers("n", 3, math.NaN()), texts("c", "x", "y"), booleans("b", true, false), texts("t", "hello", "hello"), times("at", 9, 7),
			vectors("v", 2, 1, 2, nan, 4), texts("unwanted", "", ""), texts("other", "p", "p"),
		},
		[]sample.Column{
			without(numbers("n", 1, 2), 0), without(texts("c", "z", "x"), 0), without(booleans("b", true, true), 1), without(texts("t", "a", "b"), 1),
			without(times("at", 8, 8), 0), without(vectors("v", 2, 5, 6, 7, 8), 1), texts("unwanted", "", ""), texts("other", "p", "q"),
		},
	)
	if err != nil {
		t.Fatal(err)
	}
	wantFeatures := []sample.Feature{
		o.Features[0], o.Features[1], o.Features[2], o.Features[3], o.Features[4], o.Features[5],
		{Name: "other", Type: detect.Categorical}, // its values are what they are
	}
	if diff := cmp.Diff(wantFeatures, set.Features); diff != "" {
		t.Error(diff)
	}
	want := []sample.Sample{
		{Sorted: []float64{2, 3}, Rows: 4, Missing: 2},
		{Counts: map[string]int64{"x": 2, "y": 1}, Rows: 4, Missing: 1},
		{Counts: map[string]int64{"true": 2, "false": 1}, Rows: 4, Missing: 1},
		{Texts: []string{"hello", "hello", "a"}, Rows: 4, Missing: 1},
		{Times: []int64{7, 8, 9}, Rows: 4, Missing: 1},
		{Vectors: detect.NewMatrix(2, []float32{1, 2}, []float32{5, 6}), Rows: 4, Missing: 2},
		{Counts: map[string]int64{"p": 3, "q": 1}, Rows: 4},
	}
	rows := []sample.Rowwise{
		{Numbers: []float64{3, math.NaN(), math.NaN(), 2}},
		{Codes: []int32{0, 1, -1, 0}, Names: []string{"x", "y"}},
		{Codes: []int32{1, 0, 1, -1}, Names: []string{"false", "true"}},
		{},
		{},
		{},
		{Codes: []int32{0, 0, 0, 1}, Names: []string{"p", "q"}},
	}
	sameNaN := cmp.Comparer(func(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) })
	if diff := cmp.Diff(rows, set.Rowwise, sameNaN); diff != "" {
		t.Error(diff)
	}
	if err := set.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, set.Samples); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(make([]sample.Rowwise, len(rows)), set.Rowwise); diff != "" {
		t.Error("rows are kept: ", diff)
	}
}

// TestSettle sorts in place: rows and their samples are never in memory at once. It has no other tests beside it, since it looks at all that is allocated.
func TestSettle(t *testing.T) {
	const columns, rows, batch = 8, 200_000, 10_000
	var batches [][]sample.Column
	for first := 0; first < rows; first += batch {
		b := make([]sample.Column, columns)
		for k := range b {
			values := make([]float64, batch)
			for i := range values {
				values[i] = float64((first + i) * 7919 % rows)
			}
			b[k] = numbers(string(rune('a'+k)), values...)
		}
		batches = append(batches, b)
	}
	set, charged, err := open(t, sample.Options{Rows: true}, batches...)
	if err != nil {
		t.Fatal(err)
	}
	const input = columns * rows * 8
	if charged > input*5/4 {
		t.Errorf("charged %d bytes for %d", charged, input)
	}
	kept := &set.Rowwise[0].Numbers[0]
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // a collection would take what pools hold, and it would be allocated again
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := set.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > uint64(scratch(columns)*rows*8) {
		t.Errorf("%d bytes were allocated for %d", took, input)
	}
	for k, s := range set.Samples {
		if len(s.Sorted) != rows || !slices.IsSorted(s.Sorted) || s.Sorted[1] != 1 {
			t.Errorf("column %d has %d values, sorted: %t", k, len(s.Sorted), slices.IsSorted(s.Sorted))
		}
	}
	if kept != &set.Samples[0].Sorted[0] {
		t.Error("the values were copied")
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if set, _, err = open(t, sample.Options{Rows: true}, batches...); err != nil {
		t.Fatal(err)
	}
	if err := set.Settle(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestVectorsStayInPieces: they are charged as often as they are held, which is once.
func TestVectorsStayInPieces(t *testing.T) {
	const rows, columns, batches = 1000, 64, 20
	var sent [][]sample.Column
	for range batches {
		sent = append(sent, []sample.Column{vectors("v", columns, make([]float32, rows*columns)...)})
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	set, charged, err := open(t, sample.Options{}, sent...)
	runtime.ReadMemStats(&after)
	if err != nil {
		t.Fatal(err)
	}
	if m := set.Samples[0].Vectors; m.Rows != rows*batches || m.Columns != columns {
		t.Errorf("got %d × %d", m.Rows, m.Columns)
	}
	const input = 4 * rows * columns * batches
	if took := after.TotalAlloc - before.TotalAlloc; took > input*5/4 || charged > input*5/4 {
		t.Errorf("%d bytes were allocated and %d charged for %d", took, charged, input)
	}
}

// TestOpenInfers takes every column as what it is.
func TestOpenInfers(t *testing.T) {
	t.Parallel()
	set, _, err := open(t, sample.Options{}, []sample.Column{numbers("n", 1), texts("c", "x"), booleans("b", true), times("at", 1), vectors("v", 1, 1)})
	if err != nil {
		t.Fatal(err)
	}
	var types []detect.FeatureType
	for _, f := range set.Features {
		types = append(types, f.Type)
	}
	if diff := cmp.Diff([]detect.FeatureType{detect.Numeric, detect.Categorical, detect.Boolean, detect.Timestamp, detect.Vector}, types); diff != "" {
		t.Error(diff)
	}
	if set.Rowwise != nil {
		t.Error("rows are kept that nobody asked for")
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	infinite := float32(math.Inf(1))
	text := sample.Options{Features: []sample.Feature{{Name: "t", Type: detect.Text}}}
	long := make([]string, 65536)
	for i, text := 0, strings.Repeat("x", 4096); i < len(long); i++ {
		long[i] = text
	}
	for name, c := range map[string]struct {
		options sample.Options
		batches [][]sample.Column
		reason  errs.Reason
		field   string
	}{
		"new column":      {sample.Options{}, [][]sample.Column{{numbers("n", 1)}, {numbers("n", 1), numbers("m", 1)}}, errs.ReasonColumnUnknown, "batch.rows.columns[1].name"},
		"lost column":     {sample.Options{}, [][]sample.Column{{numbers("n", 1), numbers("m", 1)}, {numbers("n", 1)}}, errs.ReasonColumnMissing, "batch.rows.columns"},
		"twice":           {sample.Options{}, [][]sample.Column{{numbers("n", 1), numbers("n", 1)}}, errs.ReasonColumnDuplicate, "batch.rows.columns[1].name"},
		"type":            {sample.Options{}, [][]sample.Column{{numbers("n", 1)}, {texts("n", "x")}}, errs.ReasonColumnType, "batch.rows.columns[0].texts"},
		"length":          {text, [][]sample.Column{{texts("t", "a"), numbers("n", 1, 2)}}, errs.ReasonColumnLength, "batch.rows.columns[1].numbers.values"},
		"dimension":       {sample.Options{}, [][]sample.Column{{vectors("v", 2, 1, 2)}, {vectors("v", 1, 1)}}, errs.ReasonColumnType, "batch.rows.columns[0].vectors.dimension"},
		"no vectors":      {sample.Options{}, [][]sample.Column{{vectors("v", 2, 1, 2, 3)}}, errs.ReasonColumnLength, "batch.rows.columns[0].vectors.values"},
		"no dimension":    {sample.Options{}, [][]sample.Column{{vectors("v", 0)}}, errs.ReasonColumnLength, "batch.rows.columns[0].vectors.values"},
		"infinite vector": {sample.Options{}, [][]sample.Column{{vectors("v", 2, 1, 2, 3, infinite)}}, errs.ReasonValueNotFinite, "batch.rows.columns[0].vectors.values[2]"},
		"long text":       {text, [][]sample.Column{{texts("t", strings.Repeat("x", 65537))}}, errs.ReasonValueTooLong, "batch.rows.columns[0].texts.values[0]"},
		"no UTF-8":        {text, [][]sample.Column{{texts("t", "\xff")}}, errs.ReasonValueTooLong, "batch.rows.columns[0].texts.values[0]"},
		"many texts":      {text, [][]sample.Column{{texts("t", long...)}, {texts("t", "x")}}, errs.ReasonDataTooLarge, "batch.rows"},
		"no rows":         {sample.Options{}, nil, errs.ReasonDataEmpty, "batch.rows"},
	} {
		_, _, err := open(t, c.options, c.batches...)
		var refused *errs.Error
		if !errors.As(err, &refused) || refused.Reason != c.reason || len(refused.Violations) == 0 || refused.Violations[0].Field != c.field {
			t.Errorf("%s: got %v (%+v), want %s at %s", name, err, refused, c.reason, c.field)
			continue
		}
		if c.reason == errs.ReasonColumnType && (refused.Metadata["expected"] == "" || refused.Metadata["actual"] == "") {
			t.Errorf("%s: got metadata %v", name, refused.Metadata)
		}
	}
}

// TestMemory wants what is held to be at most 2.5 times what came, as charged; every value of the message counts what it has in memory there.
func TestMemory(t *testing.T) {
	t.Parallel()
	const batches, rows = 100, 1000
	input, sent := int64(0), make([][]sample.Column, batches)
	for i := range sent {
		n, c, v := numbers("n", make([]float64, rows)...), texts("c", make([]string, rows)...), vectors("v", 16, make([]float32, 16*rows)...)
		sent[i] = []sample.Column{n, c, v}
		input += rows * (8 + 16 + 4*16)
	}
	for _, rowwise := range []bool{false, true} {
		set, charged, err := open(t, sample.Options{Rows: rowwise}, sent...)
		if err != nil || set.Rows != batches*rows {
			t.Fatalf("%d rows, %v", set.Rows, err)
		}
		ratio := float64(charged) / float64(input)
		t.Logf("rows %t: %d bytes charged for %d, %.2f times", rowwise, charged, input, ratio)
		if ratio > 2.5 {
			t.Errorf("rows %t: charged %.2f times the input", rowwise, ratio)
		}
	}
}

// TestPlainRows makes no samples of rows that only a copy is made of: what was charged covers that copy.
func TestPlainRows(t *testing.T) {
	t.Parallel()
	const n = 10_000
	set, charged, err := open(t, sample.Options{Rows: true, Plain: true}, []sample.Column{numbers("n", make([]float64, n)...), booleans("b", make([]bool, n)...)})
	if err != nil {
		t.Fatal(err)
	}
	if len(set.Rowwise[0].Numbers) != n || len(set.Rowwise[1].Codes) != n || set.Samples[0].Sorted != nil || set.Samples[1].Counts != nil {
		t.Errorf("got %d numbers, %d codes, samples %v", len(set.Rowwise[0].Numbers), len(set.Rowwise[1].Codes), set.Samples)
	}
	if least := int64(2 * n * (8 + 4)); charged < least {
		t.Errorf("%d bytes charged, rows and a copy take %d", charged, least)
	}
}

// TestNamesOfColumns refuses what would let one line of a summary pass for two, or colour a terminal.
func TestNamesOfColumns(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a\nOK: 0 of 9 features drifted", "\x1b[31m", "\x00", "\u0085"} {
		_, _, err := open(t, sample.Options{}, []sample.Column{numbers("fine", 1), numbers(name, 1)})
		refused, ok := errors.AsType[*errs.Error](err)
		if !ok || refused.Reason != errs.ReasonInvalidField || refused.Violations[0].Field != "batch.rows.columns[1].name" {
			t.Errorf("%q: got %v", name, err)
		}
	}
}
