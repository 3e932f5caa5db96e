package distance

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/aumos-enterprise/platform/drift/internal/detect/histogram"
	"github.com/aumos-enterprise/platform/drift/internal/detect/permutation"
)

var measures = map[string]Measure{
	"js": JensenShannon(2), "hellinger": Hellinger(), "total variation": TotalVariation(), "l-infinity": LInfinity(),
	"kl": KullbackLeibler(), "filled kl": FilledKullbackLeibler(), "filled psi": FilledPSI(),
}

// Each way to draw has the mean, variance and tails of the law.
func TestHypergeometric(t *testing.T) {
	t.Parallel()
	const draws = 40_000
	for _, c := range []struct{ rows, marked, taken int64 }{
		{10, 4, 3}, {10, 4, 9}, {100, 97, 5}, // urn
		{100, 50, 50}, {1000, 20, 500}, {1000, 980, 500}, {1 << 50, 1 << 49, 60}, {1 << 50, 40, 1 << 48}, {300, 250, 280}, // ratio of uniforms
		{10_000, 5000, 5000}, {1_000_000, 900_000, 2000}, {1 << 53, 1 << 52, 1 << 51}, // normal
	} {
		rng := rand.New(rand.NewPCG(1, 2))
		n, p, s := float64(c.rows), float64(c.marked)/float64(c.rows), float64(c.taken)
		mean := s * p
		sigma := math.Sqrt(s * p * (1 - p) * (n - s) / (n - 1))
		first, second, third := 0.0, 0.0, 0.0
		for range draws {
			x := hypergeometric(rng, c.rows, c.marked, c.taken)
			if x < max(0, c.marked+c.taken-c.rows) || x > min(c.marked, c.taken) {
				t.Fatalf("%+v: drew %d", c, x)
			}
			z := (float64(x) - mean) / sigma
			first += z
			second += z * z
			third += z * z * z
		}
		skew := (n - 2*float64(c.marked)) * (n - 2*s) / (sigma * n * n)
		if math.Abs(first/draws) > 4/math.Sqrt(draws) || math.Abs(second/draws-1) > 6/math.Sqrt(draws) || math.Abs(third/draws-skew) > 20/math.Sqrt(draws) {
			t.Errorf("%+v: standard moments %.4f %.4f %.4f, want 0 1 %.4f", c, first/draws, second/draws, third/draws, skew)
		}
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for _, c := range [][4]int64{{0, 0, 0, 0}, {5, 0, 3, 0}, {5, 5, 3, 3}, {5, 2, 0, 0}, {5, 2, 5, 2}} {
		if got := hypergeometric(rng, c[0], c[1], c[2]); got != c[3] {
			t.Errorf("hypergeometric(%v) = %d", c[:3], got)
		}
	}
}

// Every number is drawn as often as it should: by the ratio of uniforms, and from the least variance on by the normal distribution.
func TestHypergeometricFits(t *testing.T) {
	t.Parallel()
	const draws = 100_000
	rng := rand.New(rand.NewPCG(3, 4))
	choose := func(n, k int64) float64 {
		a, _ := math.Lgamma(float64(n + 1))
		b, _ := math.Lgamma(float64(k + 1))
		c, _ := math.Lgamma(float64(n - k + 1))
		return a - b - c
	}
	for _, c := range []struct{ rows, marked, taken int64 }{
		{200, 40, 30}, {1_000_000, 500_000, 60}, {1_000_000, 500_000, 140}, {1000, 500, 180}, {4000, 400, 500}, {2_000_000, 2000, 40_000}, {100_000, 50_000, 2000},
	} {
		counts := make([]float64, c.taken+1)
		for range draws {
			counts[hypergeometric(rng, c.rows, c.marked, c.taken)]++
		}
		square, cells := 0.0, 0.0
		for x, count := range counts {
			if int64(x) > c.marked {
				break
			}
			expected := draws * math.Exp(choose(c.marked, int64(x))+choose(c.rows-c.marked, c.taken-int64(x))-choose(c.rows, c.taken))
			if expected > 5 {
				square += (count - expected) * (count - expected) / expected
				cells++
			}
		}
		if square > cells+4*math.Sqrt(2*cells) {
			t.Errorf("%+v: chi-square %.1f of %.0f cells", c, square, cells)
		}
	}
}

// Labels are dealt consistently: rank, value and counts agree, as for a real pair.
func TestRelabelled(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) []float64 {
			values := rapid.SliceOfN(rapid.Map(rapid.IntRange(0, 30), func(i int) float64 { return float64(i) }), 1, 60).Draw(t, label)
			slices.Sort(values)
			return values
		}
		pair := histogram.Pair{Baseline: draw("baseline"), Current: draw("current")}
		pooled := slices.Concat(pair.Baseline, pair.Current)
		slices.Sort(pooled)
		r := newRelabelled(pair, rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1)))
		for i, want := range pooled {
			if got := r.value(i); got != want {
				t.Fatalf("value %d = %v, want %v", i, got, want)
			}
		}
		r.deal()
		n, m := r.Sizes()
		for range 20 {
			rank := rapid.IntRange(1, n).Draw(t, "rank")
			v := r.Value(rank)
			below, upTo := r.Below(v), r.UpTo(v)
			if below[0] >= rank || upTo[0] < rank {
				t.Fatalf("rank %d has the value %v, but %v are below and %v up to it", rank, v, below, upTo)
			}
			if all := pair.UpTo(v); upTo[0]+upTo[1] != all[0]+all[1] {
				t.Fatalf("%v rows up to %v, want the sum of %v", upTo, v, all)
			}
			if r.Value(rank) != v {
				t.Fatal("a label moved")
			}
		}
		if last := r.UpTo(math.Inf(1)); last != [2]int{n, m} {
			t.Fatalf("%v rows in all", last)
		}
	})
}

func TestMeasureProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		k := rapid.IntRange(1, 12).Draw(t, "bins")
		counts := rapid.SliceOfN(rapid.OneOf(rapid.Int64Range(0, 5), rapid.Int64Range(0, 1<<40)), k, k)
		b, err := NewBins(counts.Draw(t, "baseline"), counts.Draw(t, "current"))
		if err != nil {
			return
		}
		mirrored, err := NewBins(b.Current, b.Baseline)
		if err != nil {
			t.Fatal(err)
		}
		same, err := NewBins(b.Baseline, b.Baseline)
		if err != nil {
			t.Fatal(err)
		}
		for name, m := range measures {
			d := m.Of(b)
			if !(d >= 0) || math.IsInf(d, 0) {
				t.Fatalf("%s = %v", name, d)
			}
			if got := m.Of(same); got > 1e-15 {
				t.Fatalf("%s of equal shares = %v", name, got)
			}
			if name != "kl" && name != "filled kl" && math.Abs(m.Of(mirrored)-d) > 1e-9*(1+d) {
				t.Fatalf("%s = %v one way and %v the other", name, d, m.Of(mirrored))
			}
			if (name == "js" || name == "hellinger" || name == "total variation" || name == "l-infinity") && d > 1+1e-12 {
				t.Fatalf("%s = %v", name, d)
			}
			o := m.Permute(b, permutation.Draws{Count: 99, Alpha: 0.05, Rand: rand.New(rand.NewPCG(1, 2))})
			again := m.Permute(b, permutation.Draws{Count: 99, Alpha: 0.05, Rand: rand.New(rand.NewPCG(1, 2))})
			if !(o.P >= 0.01 && o.P <= 1) || o.P != again.P || o.Distance != d {
				t.Fatalf("%s: %+v, again %+v", name, o, again)
			}
			if law, ok := m.Asymptotic(b, 0.05); ok && !(law.P >= 0 && law.P <= 1) {
				t.Fatalf("%s: %+v", name, law)
			}
		}
	})
}

// At the threshold the law has p = level.
func TestAsymptoticThreshold(t *testing.T) {
	t.Parallel()
	b, err := NewBins([]int64{500, 300, 200}, []int64{470, 320, 240})
	if err != nil {
		t.Fatal(err)
	}
	for name, m := range measures {
		o, ok := m.Asymptotic(b, 0.1)
		if !ok {
			continue
		}
		again, _ := m.Asymptotic(b, o.P)
		if math.Abs(again.Threshold-o.Distance) > 1e-9*o.Distance || o.DF != 2 {
			t.Errorf("%s: %+v, at its own level %+v", name, o, again)
		}
	}
}

func TestBadBins(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		a, b []int64
		want error
	}{
		"nothing":       {nil, nil, ErrEmpty},
		"one side":      {[]int64{1}, []int64{0}, ErrEmpty},
		"lengths":       {[]int64{1}, []int64{1, 2}, ErrBadCount},
		"negative":      {[]int64{1, -1}, []int64{1, 2}, ErrBadCount},
		"too many rows": {[]int64{1 << 53, 1}, []int64{1, 2}, ErrBadCount},
	} {
		if _, err := NewBins(c.a, c.b); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := JensenShannon(2).PermuteRule(histogram.Pair{Baseline: []float64{1}}, Deciles(), permutation.Draws{Count: 99, Alpha: 0.05, Rand: rand.New(rand.NewPCG(1, 2))}); !errors.Is(err, ErrEmpty) {
		t.Errorf("empty current: %v", err)
	}
	if _, err := Doane(nil); !errors.Is(err, histogram.ErrEmpty) {
		t.Errorf("empty baseline: %v", err)
	}
}
