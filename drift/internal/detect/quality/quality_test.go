package quality_test

import (
	"cmp"
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"sort"
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/detect/permutation"
	"github.com/aumos-enterprise/platform/drift/internal/detect/quality"
)

func draws() permutation.Draws {
	return permutation.Draws{Count: 999, Rand: rand.New(rand.NewPCG(1, 2)), Alpha: 0.05}
}

func TestEmpty(t *testing.T) {
	t.Parallel()
	var g quality.Groups
	if err := g.Add(3, 0); err != nil {
		t.Fatal(err)
	}
	_, repeats := quality.CompareRepeats(&g, draws())
	_, unseen := quality.CountUnseen(&g, draws())
	_, constant := quality.BecameConstant(&g)
	_, outside := quality.OutOfRange(nil, []float64{1})
	for _, err := range []error{repeats, unseen, constant, outside} {
		if !errors.Is(err, quality.ErrEmpty) {
			t.Errorf("got %v", err)
		}
	}
	for _, bad := range [][2]int64{{-1, 0}, {0, -1}, {1 << 53, 0}, {math.MaxInt64, 1}} {
		if err := g.Add(bad[0], bad[1]); !errors.Is(err, quality.ErrBadCount) {
			t.Errorf("%v: got %v", bad, err)
		}
	}
}

// TestOutOfRangeTies counts what equals an end of the range as inside, and tells the two zeros not apart.
func TestOutOfRangeTies(t *testing.T) {
	t.Parallel()
	negative := math.Copysign(0, -1)
	for _, c := range []struct {
		baseline, current []float64
		below, above      int64
		p                 float64
	}{
		{[]float64{1, 1, 1}, []float64{1, 1}, 0, 0, 1},
		{[]float64{0, 1}, []float64{negative, 1}, 0, 0, 1},
		{[]float64{negative, 1}, []float64{0, 1}, 0, 0, 1},
		{[]float64{5}, []float64{4, 6, 7}, 1, 2, 1}, // every other value is outside a single one
		{[]float64{0, 5e-324}, []float64{-5e-324, 0, 1e-323}, 1, 1, 0.7},
		{[]float64{-math.MaxFloat64, math.MaxFloat64}, []float64{0}, 0, 0, 1},
	} {
		got, err := quality.OutOfRange(c.baseline, c.current)
		if err != nil || got.Below != c.below || got.Above != c.above || math.Abs(got.P-c.p) > 1e-12 {
			t.Errorf("%v, %v: got %+v, %v", c.baseline, c.current, got, err)
		}
	}
}

// TestRepeatsFound sends every row twice, and asks that unequal sizes alone are no difference.
func TestRepeatsFound(t *testing.T) {
	t.Parallel()
	baseline, twice := sequence(5000, 0), make([]float64, 0, 1000)
	for i := range 500 {
		twice = append(twice, float64(10_000+i), float64(10_000+i))
	}
	g, err := quality.GroupNumbers(baseline, twice)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := quality.CompareRepeats(g, draws()); err != nil || r.P > 0.001 || math.Abs(r.Difference-0.5) > 1e-12 {
		t.Errorf("got %+v, %v", r, err)
	}
	if g, err = quality.GroupNumbers(sequence(100_000, 0), sequence(60_000, 1e6)); err != nil {
		t.Fatal(err)
	}
	if r, err := quality.CompareRepeats(g, draws()); err != nil || r.P != 1 || r.Difference != 0 {
		t.Errorf("got %+v, %v", r, err)
	}
}

// TestUnseenHuge has more rows than can be dealt: the small side's are picked.
func TestUnseenHuge(t *testing.T) {
	t.Parallel()
	baseline, current := map[string]int64{"a": 1 << 40}, map[string]int64{"a": 900}
	for i := range 30_000 {
		baseline[string(rune('一'+i%20_000))+string(rune('a'+i/20_000))] = 1
	}
	g, err := quality.GroupCounts(baseline, current)
	if err != nil {
		t.Fatal(err)
	}
	if u, err := quality.CountUnseen(g, draws()); err != nil || u.P != 1 || !u.Drawn {
		t.Errorf("got %+v, %v", u, err)
	}
	current["new"] = 100
	if g, err = quality.GroupCounts(baseline, current); err != nil {
		t.Fatal(err)
	}
	if u, err := quality.CountUnseen(g, draws()); err != nil || u.P != 0.001 || u.Rows != 100 || u.Share != 0.1 {
		t.Errorf("got %+v, %v", u, err)
	}
}

func TestBecameConstant(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		baseline, current map[string]int64
		constant          bool
		variety, p        float64
	}{
		{map[string]int64{"a": 3}, map[string]int64{"a": 4}, true, 0, 1},
		{map[string]int64{"a": 1, "b": 1}, map[string]int64{"b": 2}, true, 0.5, 0.5},
		{map[string]int64{"a": 2}, map[string]int64{"b": 2}, true, 1, 1.0 / 3},
		{map[string]int64{"a": 2}, map[string]int64{"a": 1, "b": 1}, false, 0, 1},
		{map[string]int64{"a": 1 << 50, "b": 1}, map[string]int64{"a": 1 << 50}, true, 1 / float64(1<<50+1), 0.5},
	} {
		g, err := quality.GroupCounts(c.baseline, c.current)
		if err != nil {
			t.Fatal(err)
		}
		got, err := quality.BecameConstant(g)
		if err != nil || got.Constant != c.constant || math.Abs(got.Variety-c.variety) > 1e-15 || math.Abs(got.P-c.p) > 1e-9 {
			t.Errorf("%v, %v: got %+v, %v", c.baseline, c.current, got, err)
		}
	}
}

func TestKindOf(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]quality.Kind{
		"": quality.Absent, " \t": quality.Absent, "N/A": quality.Absent, "NaN": quality.Absent, "null": quality.Absent, "-": quality.Absent,
		"true": quality.Truth, "FALSE": quality.Truth, "12": quality.Whole, " -3 ": quality.Whole, "1e3": quality.Whole, "2.0": quality.Whole, "+.5": quality.Fractional,
		"1.25": quality.Fractional, "2026-01-31": quality.Instant, "2026-01-31T12:00:00Z": quality.Instant, "2026-01-31 12:00:00.5": quality.Instant,
		"2026-13-01": quality.Words, "Infinity": quality.Words, "0x10": quality.Words, "1_000": quality.Words, "one": quality.Words, "1,5": quality.Words, "é": quality.Words,
		"99999999999999999999999999999999999999999": quality.Words,
	} {
		if got := quality.KindOf(text); got != want {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	}
}

func BenchmarkOutOfRange(b *testing.B) {
	baseline, current := sequence(1e6, 0), sequence(1e6, 1000)
	for b.Loop() {
		if _, err := quality.OutOfRange(baseline, current); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkUnseen is at the limit up to which rows are dealt, the dearest case.
func BenchmarkUnseen(b *testing.B) {
	g, err := quality.GroupNumbers(sequence(10_000, 0), sequence(30_000, 1e6))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := quality.CountUnseen(g, draws()); err != nil {
			b.Fatal(err)
		}
	}
}

// TestAddSorted counts as a map does.
func TestAddSorted(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 1))
	for range 200 {
		draw := func() []int {
			values := make([]int, rng.IntN(60))
			for i := range values {
				values[i] = rng.IntN(20)
			}
			return values
		}
		baseline, current := draw(), draw()
		want, err := quality.GroupValues(baseline, current)
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(baseline)
		slices.Sort(current)
		got := new(quality.Groups)
		for _, upTo := range []int{rng.IntN(20), 20} { // in two parts
			first, second := sort.SearchInts(baseline, upTo), sort.SearchInts(current, upTo)
			if err := quality.AddSorted(got, baseline[:first], current[:second], cmp.Compare[int]); err != nil {
				t.Fatal(err)
			}
			baseline, current = baseline[first:], current[second:]
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, want %+v", got, want)
		}
	}
}
