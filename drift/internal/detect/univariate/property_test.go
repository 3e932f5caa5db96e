package univariate

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/aumos-enterprise/platform/drift/internal/detect/goldentest"
)

// drawSample draws up to a few thousand sorted values, with anything from no
// ties to heavy ones. Long samples come from a seed, since drawing each value
// would be slow.
func drawSample(t *rapid.T, label string) []float64 {
	if rapid.Bool().Draw(t, label+" short") {
		values := rapid.SliceOfN(rapid.Float64Range(-1e3, 1e3), 1, 50).Draw(t, label)
		slices.Sort(values)
		return values
	}
	return goldentest.Sample{
		Seed:   rapid.Uint64().Draw(t, label+" seed"),
		N:      rapid.IntRange(1, 3000).Draw(t, label+" length"),
		Levels: rapid.SampledFrom([]float64{0, 1, 2, 5, 100, 10_000}).Draw(t, label+" levels"),
		Scale:  rapid.SampledFrom([]float64{1, 0.5, 0.95}).Draw(t, label+" scale"),
		Shift:  rapid.SampledFrom([]float64{0, 0, 0.02, 0.5, 2}).Draw(t, label+" shift"),
	}.Draw()
}

func mustKS(t *rapid.T, x, y []float64) KS {
	ks, err := KolmogorovSmirnov(x, y)
	if err != nil {
		t.Fatal(err)
	}
	return ks
}

// The search skips most values; this looks at all of them.
func TestDeviateFindsTheLargest(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		x, y := drawSample(t, "x"), drawSample(t, "y")
		got := deviate(x, y)
		pooled := slices.Concat(x, y)
		slices.Sort(pooled)
		var above, below int64
		aboveAt, belowAt := pooled[0], pooled[0]
		for _, v := range pooled {
			d := int64(upperBound(x, v)*len(y)) - int64(upperBound(y, v)*len(x))
			if d > above {
				above, aboveAt = d, v
			}
			if -d > below {
				below, belowAt = -d, v
			}
		}
		if got.above != above || got.below != below || got.aboveAt != aboveAt || got.belowAt != belowAt {
			t.Fatalf("got %d at %v and %d at %v, want %d at %v and %d at %v",
				got.above, got.aboveAt, got.below, got.belowAt, above, aboveAt, below, belowAt)
		}
	})
}

func TestKolmogorovSmirnovProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		x, y := drawSample(t, "x"), drawSample(t, "y")
		ks, swapped := mustKS(t, x, y), mustKS(t, y, x)
		if !(ks.P >= 0 && ks.P <= 1 && ks.D >= 0 && ks.D <= 1) {
			t.Fatalf("out of range: %+v", ks)
		}
		if ks.D != swapped.D || ks.Above != swapped.Below || ks.Below != swapped.Above || ks.Location != swapped.Location {
			t.Fatalf("swapping the sides changed %+v to %+v", ks, swapped)
		}
		if !goldentest.Near(ks.P, swapped.P, 1e-12) {
			t.Fatalf("swapping the sides changed p from %v to %v", ks.P, swapped.P)
		}
		// Twice the value is exact, so that no ties appear or vanish.
		if scaled := mustKS(t, double(x), double(y)); scaled.D != ks.D || scaled.P != ks.P || scaled.Location != 2*ks.Location {
			t.Fatalf("scaling changed %+v to %+v", ks, scaled)
		}
		if same := mustKS(t, x, x); same.D != 0 || same.P != 1 {
			t.Fatalf("a sample differs from itself: %+v", same)
		}
	})
}

func double(values []float64) []float64 {
	doubled := make([]float64, len(values))
	for i, v := range values {
		doubled[i] = 2 * v
	}
	return doubled
}

func TestPSIProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		x, y := drawSample(t, "x"), drawSample(t, "y")
		psi, err := PSI(x, y)
		if err != nil {
			t.Fatal(err)
		}
		if !(psi.PSI >= 0 && psi.P >= 0 && psi.P <= 1) || math.IsInf(psi.PSI, 0) {
			t.Fatalf("out of range: %+v", psi)
		}
		upper := math.Inf(-1)
		var n, m int64
		for _, bin := range psi.Bins {
			if bin.Lower != upper {
				t.Fatalf("gap between bins: %+v", psi.Bins)
			}
			upper = bin.Upper
			n += bin.Baseline
			m += bin.Current
		}
		if !math.IsInf(upper, 1) || n != int64(len(x)) || m != int64(len(y)) {
			t.Fatalf("bins hold %d and %d of %d and %d values", n, m, len(x), len(y))
		}
		same, err := PSI(x, x)
		if err != nil {
			t.Fatal(err)
		}
		if same.PSI != 0 || same.P != 1 {
			t.Fatalf("a sample differs from itself: %+v", same)
		}
	})
}

func TestChiSquareProperties(t *testing.T) {
	t.Parallel()
	counts := rapid.SliceOfN(rapid.Int64Range(0, 200), 1, 30).Filter(func(side []int64) bool { return slices.Max(side) > 0 })
	rapid.Check(t, func(t *rapid.T) {
		x, y := namedCounts(counts.Draw(t, "x")), namedCounts(counts.Draw(t, "y"))
		table, err := NewTable(x, y)
		if err != nil {
			t.Fatal(err)
		}
		swapped, err := NewTable(y, x)
		if err != nil {
			t.Fatal(err)
		}
		chi, err := ChiSquare(table)
		if err != nil {
			t.Fatal(err)
		}
		other, err := ChiSquare(swapped)
		if err != nil {
			t.Fatal(err)
		}
		if !(chi.P >= 0 && chi.P <= 1 && chi.CramersV >= 0 && chi.CramersV <= 1 && chi.Statistic >= 0) {
			t.Fatalf("out of range: %+v", chi)
		}
		if chi.DF != other.DF || math.Abs(chi.P-other.P) > 1e-9 || math.Abs(chi.CramersV-other.CramersV) > 1e-12 {
			t.Fatalf("swapping the sides changed %+v to %+v", chi, other)
		}
		psi, err := CategoryPSI(table)
		if err != nil {
			t.Fatal(err)
		}
		if !(psi.PSI >= 0 && psi.P >= 0 && psi.P <= 1) || psi.DF != chi.DF {
			t.Fatalf("out of range: %+v", psi)
		}
	})
}

func TestMissingRateProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n, m := rapid.Int64Range(1, 1e6).Draw(t, "n"), rapid.Int64Range(1, 1e6).Draw(t, "m")
		k, l := rapid.Int64Range(0, n).Draw(t, "k"), rapid.Int64Range(0, m).Draw(t, "l")
		change, err := MissingRate(k, n, l, m)
		if err != nil {
			t.Fatal(err)
		}
		swapped, err := MissingRate(l, m, k, n)
		if err != nil {
			t.Fatal(err)
		}
		present, err := MissingRate(n-k, n, m-l, m)
		if err != nil {
			t.Fatal(err)
		}
		if !(change.P >= 0 && change.P <= 1) || math.IsNaN(change.Z) {
			t.Fatalf("out of range: %+v", change)
		}
		for _, same := range []RateChange{swapped, present} {
			if math.Abs(same.P-change.P) > 1e-9 || same.Exact != change.Exact ||
				math.Abs(math.Abs(same.Z)-math.Abs(change.Z)) > 1e-9*math.Abs(change.Z) {
				t.Fatalf("swapping changed %+v to %+v", change, same)
			}
		}
	})
}
