package rank

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/detect/permutation"
)

// The counts have the mean and the variance of the hypergeometric distribution, however they are drawn.
func TestHypergeometric(t *testing.T) {
	t.Parallel()
	source := newDraw(1, 1000)
	for _, c := range []struct {
		name               string
		left, labels, size float64
	}{
		{"one by one", 100, 30, 10},
		{"normal", 10_000, 5000, 400},
		{"binomial", 1_000_000, 300, 2000},
		{"binomial of the others", 100_000, 99_900, 1000},
		{"most of what is left", 1000, 20, 900},
		{"few labels", 200, 8, 60},
		{"few others", 200, 195, 60},
		{"none", 50, 0, 30},
		{"all", 50, 50, 30},
		{"the rest", 50, 20, 50},
	} {
		const draws = 20_000
		sum, squares := 0.0, 0.0
		share := c.labels / c.left
		mean := c.size * share
		for range draws {
			v := source.hypergeometric(c.left, c.labels, c.size)
			if v != math.Trunc(v) || v < max(0, c.size-(c.left-c.labels)) || v > min(c.size, c.labels) {
				t.Fatalf("%s: %v is impossible", c.name, v)
			}
			sum += v - mean
			squares += (v - mean) * (v - mean)
		}
		variance := mean * (1 - share) * (c.left - c.size) / (c.left - 1)
		check(t, c.name+": mean", sum/draws, 0, 0, 4*math.Sqrt(variance/draws)+1e-12)
		check(t, c.name+": variance", squares/draws, variance, 0.06, 1e-12)
	}
}

// All divisions of few values, one by one, give the p-value that draws come near to.
func TestPermuteSmall(t *testing.T) {
	t.Parallel()
	const n, m = 5, 6
	rng := rand.New(rand.NewPCG(3, 3))
	for round := range 6 {
		pooled := make([]float64, n+m)
		for i := range pooled {
			pooled[i] = rng.ExpFloat64()
			if round%2 == 1 {
				pooled[i] = math.Floor(3 * pooled[i]) // ties
			}
		}
		slices.Sort(pooled)
		at := measure(t, pick(pooled, 0b11010100001, true), pick(pooled, 0b11010100001, false))
		for _, s := range []Statistic{Wasserstein, Energy, Cramer, Anderson, AndersonRight, Means, Ranks} {
			value := func(p *Pooled) float64 {
				u := p.pairs - p.N*p.M/2
				return []float64{p.absolute, p.energy, p.squares, p.weighted, p.AndersonRight()*p.andersonSigma() + 1, moderatedT(p), u * u}[s]
			}
			extreme, all := 0.0, 0.0
			for mask := range 1 << (n + m) {
				if x := pick(pooled, mask, true); len(x) == n {
					all++
					if value(measure(t, x, pick(pooled, mask, false))) >= value(at)*(1-1e-9) {
						extreme++
					}
				}
			}
			const draws = 9999
			got, want := at.Cut().Permute(s, permutation.Draws{Count: draws, Alpha: 0.05, Rand: rand.New(rand.NewPCG(1, uint64(round)))}).P, extreme/all
			check(t, "p", got, want, 0, 4*math.Sqrt(want*(1-want)/draws)+1.0/draws)
		}
	}
}

func pick(values []float64, mask int, set bool) []float64 {
	var out []float64
	for i, v := range values {
		if mask>>i&1 == 1 == set {
			out = append(out, v)
		}
	}
	return out
}

func normals(rng *rand.Rand, n int, shift float64) []float64 {
	values := make([]float64, n)
	for i := range values {
		values[i] = rng.NormFloat64() + shift
	}
	slices.Sort(values)
	return values
}

// Draws from pooled neighbours agree with the law for continuous values.
func TestPermuteLarge(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(4, 4))
	for _, c := range []struct {
		n, m  int
		shift float64
	}{{20_000, 30_000, 0.01}, {100_000, 50, 0.2}, {40, 90_000, 0.1}, {3000, 3000, 0.03}} {
		p := measure(t, normals(rng, c.n, 0), normals(rng, c.m, c.shift))
		b := p.Cut()
		if len(b.size) > wholeTo || slices.Max(b.size) > b.all/coarsest {
			t.Errorf("%d blocks, of up to %v values", len(b.size), slices.Max(b.size))
		}
		if ends := slices.Concat(b.size[:tailRank], b.size[len(b.size)-tailRank:]); slices.Max(ends) != 1 {
			t.Errorf("the outermost values are not alone: %v", ends)
		}
		want, _ := p.CramerP()
		check(t, "p of T", p.Cut().Permute(Cramer, permutation.Draws{Count: 1999, Alpha: 0.05, Rand: rng}).P, want, 0, 5*math.Sqrt(want*(1-want)/1999)+1e-3)
		want = AndersonP(p.Anderson())
		drawn := p.Cut().Permute(Anderson, permutation.Draws{Count: 1999, Alpha: 0.05, Rand: rng})
		check(t, "p of A²", drawn.P, want, 0, 5*math.Sqrt(want*(1-want)/1999)+1e-3)
		check(t, "threshold of A²", p.ScaleAnderson(p.Anderson(), drawn.Threshold), CriticalAnderson(0.05), 0.2, 0)
	}
}

func TestPermuteIsDeterministic(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(5, 5))
	p := measure(t, normals(rng, 5000, 0), normals(rng, 300, 0.1))
	first := p.Cut().Permute(Wasserstein, permutation.Draws{Count: 199, Alpha: 0.05, Rand: rand.New(rand.NewPCG(1, 2))})
	if again := p.Cut().Permute(Wasserstein, permutation.Draws{Count: 199, Alpha: 0.05, Rand: rand.New(rand.NewPCG(1, 2))}); again != first {
		t.Errorf("%+v, then %+v", first, again)
	}
	if other := p.Cut().Permute(Wasserstein, permutation.Draws{Count: 199, Alpha: 0.05, Rand: rand.New(rand.NewPCG(2, 2))}); other == first {
		t.Error("another seed draws the same")
	}
}

// The bound is never below the true p-value, and reaches beyond what draws can show.
func TestBound(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(6, 6))
	for _, shift := range []float64{0.1, 0.2, 0.4, 1} {
		p := measure(t, normals(rng, 4000, 0), normals(rng, 2000, shift))
		drawn := p.Cut().Permute(Cramer, permutation.Draws{Count: 999, Alpha: 0.05, Rand: rng})
		law, _ := p.CramerP()
		if drawn.P < law {
			t.Errorf("shift %v: p is at most %v, the law says %v", shift, drawn.P, law)
		}
		if shift >= 0.4 && drawn.P > 1e-6 {
			t.Errorf("shift %v: p is %v only", shift, drawn.P)
		}
		if w := p.Cut().Permute(Wasserstein, permutation.Draws{Count: 999, Alpha: 0.05, Rand: rng}); shift >= 0.4 && w.P > 1e-9 {
			t.Errorf("shift %v: p of Wasserstein is %v only", shift, w.P)
		}
	}

	// By hand: σ² = 1, b = 2, E = 1.05·40·√(199/100)/(200·2), v = 100/4 + 2E, t = 4000/400 − E.
	b := bound{n: 100, m: 100, variance: 1, largest: 2}
	check(t, "bound", b.p(4000, 40), 0.181069, 1e-5, 0)
	if got := b.p(30, 40); got != 1 {
		t.Errorf("below the expectation the bound is %v", got)
	}

	// A single outlier may fall to the small side once in a thousand divisions: nothing near certain.
	p := measure(t, normals(rng, 100_000, 0), append(normals(rng, 29, 0), 1e9))
	if got := p.Cut().Permute(Wasserstein, permutation.Draws{Count: 999, Alpha: 0.05, Rand: rng}); got.P < 1e-4 {
		t.Errorf("one outlier has p = %v", got.P)
	}
}

// moderatedT is the square of t with moderated variances, from its definition.
func moderatedT(p *Pooled) float64 {
	x, y := momentsOf(p.Baseline, 1), momentsOf(p.Current, 1)
	pooled := (x.squares + y.squares) / (p.N + p.M - 2)
	of := func(m moments) float64 {
		return ((m.n-1)*m.variance() + moderation*pooled) / (m.n - 1 + moderation) / m.n
	}
	return (x.mean - y.mean) * (x.mean - y.mean) / (of(x) + of(y))
}

// Forty values of which seven are not 0 differ from a thousand of which thirty are not, though forty zeros would too, having no spread at all.
func TestPermuteSparse(t *testing.T) {
	t.Parallel()
	ones := func(n, k int) []float64 {
		values := make([]float64, n)
		for i := n - k; i < n; i++ {
			values[i] = 1
		}
		return values
	}
	rng := rand.New(rand.NewPCG(8, 8))
	for _, s := range []Statistic{Means, Ranks} {
		before := 1.0
		for _, k := range []int{2, 5, 8} { // the more, the less likely
			p := measure(t, ones(1000, 30), ones(40, k))
			if !p.Skewed() || !p.SkewedRanks() {
				t.Fatalf("%d ones: taken for normal", k)
			}
			got := p.Cut().Permute(s, permutation.Draws{Count: 1999, Alpha: 0.05, Rand: rng}).P
			if got > before {
				t.Errorf("statistic %d: p of %d ones is %v, of fewer %v", s, k, got, before)
			}
			before = got
		}
		if before > 0.002 { // Fisher's exact test says 2e-5
			t.Errorf("statistic %d: p of 8 ones among 40 is %v", s, before)
		}
	}
}

// A statistic at or beyond the threshold has a p-value of at most alpha, and one of the draws below it has not.
func TestPermuteThreshold(t *testing.T) {
	t.Parallel()
	for i := range 200 {
		rng := rand.New(rand.NewPCG(9, uint64(i)))
		sample := func(n int) []float64 {
			values := make([]float64, n)
			for i := range values {
				values[i] = math.Floor(rng.ExpFloat64() * float64(1+i%3))
			}
			slices.Sort(values)
			return values
		}
		p := measure(t, sample(30), sample(40))
		for _, s := range []Statistic{Wasserstein, Energy, Cramer, Anderson, AndersonRight, Means, Ranks} {
			// Half of all draws, so that statistics come near the threshold.
			got := p.Cut().Permute(s, permutation.Draws{Count: 99, Alpha: 0.5, Rand: rand.New(rand.NewPCG(1, uint64(i)))})
			if got.Threshold <= 1 && got.P > 0.5 {
				t.Errorf("round %d, statistic %d: threshold %v, p %v", i, s, got.Threshold, got.P)
			}
		}
	}
}
