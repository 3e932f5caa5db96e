package rank

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/aumos-enterprise/platform/drift/internal/detect/permutation"
)

// integers are samples with many ties and few values.
func integers(t *rapid.T, name string) []float64 {
	values := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) float64 { return float64(rapid.IntRange(-4, 4).Draw(t, "v")) }), 1, 30).Draw(t, name)
	slices.Sort(values)
	return values
}

// TestDefinitions compares the pass with what the definitions say.
func TestDefinitions(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		x, y := integers(t, "x"), integers(t, "y")
		p, err := Measure(x, y)
		if err != nil {
			t.Fatal(err)
		}
		n, m := float64(len(x)), float64(len(y))
		share := func(sorted []float64, v float64) (below, upTo float64) {
			for _, w := range sorted {
				if w < v {
					below++
				}
				if w <= v {
					upTo++
				}
			}
			return below / float64(len(sorted)), upTo / float64(len(sorted))
		}
		var above, under, cvm, u, w1, between float64
		pooled := slices.Concat(x, y)
		slices.Sort(pooled)
		for k, v := range pooled {
			_, f := share(x, v)
			_, g := share(y, v)
			above, under = max(above, f-g), max(under, g-f)
			cvm += (f - g) * (f - g) * n * m / (n + m) / (n + m)
			if k+1 < len(pooled) {
				w1 += math.Abs(f-g) * (pooled[k+1] - v)
			}
		}
		for _, a := range x {
			below, upTo := share(y, a)
			u += m * (below + upTo) / 2
			for _, b := range y {
				between += math.Abs(a-b) / (n * m)
			}
		}
		for name, c := range map[string][2]float64{
			"above": {p.Above, above}, "below": {p.Below, under}, "T": {p.CramerVonMises(), cvm}, "U": {p.MannWhitney().U, u},
			"Wasserstein": {p.Wasserstein(), w1}, "mean distance": {p.between() / (n * m), between},
		} {
			if !(math.Abs(c[0]-c[1]) <= 1e-12*(1+math.Abs(c[1]))) {
				t.Fatalf("%s is %v, want %v", name, c[0], c[1])
			}
		}
	})
}

// Sides swapped, values mirrored or stretched by a power of two: distances stay or turn round.
func TestSymmetries(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		x, y := integers(t, "x"), integers(t, "y")
		a, errA := Measure(x, y)
		b, errB := Measure(y, x)
		mirror := func(values []float64, factor float64) []float64 {
			out := make([]float64, len(values))
			for i, v := range values {
				out[i] = v * factor
			}
			slices.Sort(out)
			return out
		}
		factor := rapid.SampledFrom([]float64{-1, 0x1p900, 0x1p-900, -0x1p1000}).Draw(t, "factor")
		c, errC := Measure(mirror(x, factor), mirror(y, factor))
		if err := errors.Join(errA, errB, errC); err != nil {
			t.Fatal(err)
		}
		for name, q := range map[string]*Pooled{"swapped": &b, "scaled": &c} {
			for i, pair := range [][2]float64{
				{a.CramerVonMises(), q.CramerVonMises()},
				{a.Anderson(), q.Anderson()},
				{a.MannWhitney().P, q.MannWhitney().P},
				{a.EnergyEffect(), q.EnergyEffect()},
				{math.Abs(a.Shift()), math.Abs(q.Shift())},
			} {
				if name == "scaled" && factor < 0 && i == 0 {
					continue // right-continuous functions are not the mirror's with ties
				}
				if math.Abs(pair[0]-pair[1]) > 1e-9*(1+math.Abs(pair[0])) {
					t.Fatalf("%s by %v: number %d is %v, was %v", name, factor, i, pair[1], pair[0])
				}
			}
		}
		if len(x) > 1 && math.Abs(a.WassersteinStd()-c.WassersteinStd()) > 1e-9*(1+a.WassersteinStd()) {
			t.Fatalf("Wasserstein/std is %v, was %v", c.WassersteinStd(), a.WassersteinStd())
		}
	})
}

// Enumerating all orders gives the exact p-values.
func TestExactByEnumeration(t *testing.T) {
	t.Parallel()
	for _, size := range [][2]int{{1, 1}, {2, 3}, {4, 4}, {5, 3}, {6, 4}} {
		n, m := size[0], size[1]
		var squares, pairs []float64
		for mask := range 1 << (n + m) {
			var x, y []float64
			for k := range n + m {
				if mask>>k&1 == 1 {
					x = append(x, float64(k))
				} else {
					y = append(y, float64(k))
				}
			}
			if len(x) == n {
				p := measure(t, x, y)
				squares, pairs = append(squares, p.squares), append(pairs, p.pairs)
			}
		}
		for _, v := range squares {
			extreme := 0.0
			for _, w := range squares {
				if w >= v {
					extreme++
				}
			}
			check(t, "p of T", exactCramer(n, m, v), extreme/float64(len(squares)), 1e-13, 0)
		}
		middle := float64(n*m) / 2
		for _, v := range pairs {
			extreme := 0.0
			for _, w := range pairs {
				if math.Abs(w-middle) >= math.Abs(v-middle) {
					extreme++
				}
			}
			check(t, "p of U", exactMannWhitney(n, m, int(max(v, float64(n*m)-v))), extreme/float64(len(pairs)), 1e-13, 0)
		}
	}
}

func TestEdges(t *testing.T) {
	t.Parallel()
	negativeZero := math.Copysign(0, -1)
	if p := measure(t, []float64{negativeZero, 0}, []float64{0, 0}); p.Distinct != 1 || p.Wasserstein() != 0 {
		t.Errorf("the two zeros differ: %+v", p)
	}
	same := measure(t, []float64{3, 3, 3, 3}, []float64{3, 3})
	if l, err := same.WelchT(); err != nil || l.P != 1 {
		t.Errorf("Welch of equal constants: %+v, %v", l, err)
	}
	if s, err := same.Levene(); err != nil || s.P != 1 {
		t.Errorf("Levene of equal constants: %+v, %v", s, err)
	}
	if w := same.MannWhitney(); w.P != 1 || w.Delta != 0 {
		t.Errorf("U of equal constants: %+v", w)
	}
	for _, s := range []Statistic{Wasserstein, Energy, Cramer, Anderson, AndersonRight, Means, Ranks} {
		if got := same.Cut().Permute(s, permutation.Draws{Count: 99, Alpha: 0.05, Rand: rand.New(rand.NewPCG(1, 1))}); got.P != 1 || !math.IsNaN(got.Threshold) {
			t.Errorf("statistic %d of equal constants: %+v", s, got)
		}
	}
	moved := measure(t, []float64{3, 3, 3}, []float64{4, 4})
	if _, err := moved.WelchT(); !errors.Is(err, ErrNoSpread) {
		t.Errorf("Welch of two constants: %v", err)
	}
	if got := moved.WassersteinStd(); !(got > 0) || math.IsInf(got, 0) {
		t.Errorf("Wasserstein/std of two constants is %v", got)
	}
	if _, err := measure(t, []float64{-1, 1}, []float64{-2, 2}).Levene(); !errors.Is(err, ErrNoSpread) {
		t.Errorf("Levene of two pairs: %v", err)
	}
	// A constant has no spread wherever it lies, however close together the other values are.
	for _, unit := range []float64{1, 1e-200, 1e-310} {
		near := []float64{-3 * unit, -unit, 0, 2 * unit, 5 * unit}
		want, err := measure(t, []float64{0, 0, 0, 0}, near).Levene()
		if err != nil || !(want.W > 0) {
			t.Errorf("Levene of unit %g beside zeros: %+v, %v", unit, want, err)
		}
		got, err := measure(t, []float64{3, 3, 3, 3}, near).Levene()
		if math.Abs(got.W-want.W) > 1e-9*want.W || got.Change != want.Change || err != nil {
			t.Errorf("Levene of unit %g beside a constant: %+v, %v; want %+v", unit, got, err, want)
		}
	}
	if _, err := measure(t, []float64{1}, []float64{1, 2}).WelchT(); !errors.Is(err, ErrTooFew) {
		t.Errorf("Welch of one value: %v", err)
	}
	for _, bad := range [][]float64{{math.NaN()}, {1, math.NaN(), 2}, {2, 1}, {math.Inf(-1), 0}, {0, math.Inf(1)}} {
		if _, err := Measure(bad, []float64{1}); !errors.Is(err, ErrNotSorted) {
			t.Errorf("%v is accepted: %v", bad, err)
		}
	}
	if _, err := Measure([]float64{1}, nil); !errors.Is(err, ErrEmpty) {
		t.Errorf("no values are accepted: %v", err)
	}
}
