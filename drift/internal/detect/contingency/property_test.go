package contingency

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/aumos-enterprise/platform/drift/internal/detect/goldentest"
)

func TestPSIProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		x, y := goldentest.AnySample(t, "x"), goldentest.AnySample(t, "y")
		psi := decilePSI(x, y)
		if !(psi.PSI >= 0 && psi.P >= 0 && psi.P <= 1) || math.IsInf(psi.PSI, 0) {
			t.Fatalf("out of range: %+v", psi)
		}
		if same := decilePSI(x, x); same.PSI != 0 || same.P != 1 {
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

// TestProportionsAtTheLimit has five hits, or five misses, to be expected on each side: as many as are enough. The p-value is erfc(|z|/√2) of Python.
func TestProportionsAtTheLimit(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]int64{{2, 8}, {8, 2}, {28, 22}, {22, 28}} {
		if change, err := Proportions(c[0], 30, c[1], 30); err != nil || change.Exact || math.Abs(change.P-0.03766692222862868) > 1e-12 {
			t.Errorf("%v of 30: %+v, %v", c, change, err)
		}
	}
}

func TestProportionsProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n, m := rapid.Int64Range(1, 1e6).Draw(t, "n"), rapid.Int64Range(1, 1e6).Draw(t, "m")
		k, l := rapid.Int64Range(0, n).Draw(t, "k"), rapid.Int64Range(0, m).Draw(t, "l")
		change, err := Proportions(k, n, l, m)
		if err != nil {
			t.Fatal(err)
		}
		swapped, err := Proportions(l, m, k, n)
		if err != nil {
			t.Fatal(err)
		}
		present, err := Proportions(n-k, n, m-l, m)
		if err != nil {
			t.Fatal(err)
		}
		if !(change.P >= 0 && change.P <= 1) || math.IsNaN(change.Z) {
			t.Fatalf("out of range: %+v", change)
		}
		// Rates near 1 are rounded to 2^-53, and their difference is no more exact however small it is.
		pooled := float64(k+l) / float64(n+m)
		rounding := 0x1p-51 / math.Sqrt(pooled*(1-pooled)*(1/float64(n)+1/float64(m)))
		for _, same := range []Change{swapped, present} {
			if math.Abs(same.P-change.P) > 1e-9 || same.Exact != change.Exact ||
				math.Abs(math.Abs(same.Z)-math.Abs(change.Z)) > 1e-9*math.Abs(change.Z)+rounding {
				t.Fatalf("swapping changed %+v to %+v", change, same)
			}
		}
	})
}
