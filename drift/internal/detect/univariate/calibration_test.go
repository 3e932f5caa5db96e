package univariate

import (
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
)

const alpha = 0.05

// generator draws one sample of n values.
type generator func(rng *rand.Rand, n int) []float64

func fill(n int, draw func() float64) []float64 {
	values := make([]float64, n)
	for i := range values {
		values[i] = draw()
	}
	slices.Sort(values)
	return values
}

func normal(rng *rand.Rand, n int) []float64 { return fill(n, rng.NormFloat64) }

func rounded(rng *rand.Rand, n int) []float64 {
	return fill(n, func() float64 { return math.Round(2 * rng.NormFloat64()) })
}

func sparse(rng *rand.Rand, n int) []float64 {
	return fill(n, func() float64 {
		if rng.Float64() < 0.8 {
			return 0
		}
		return rng.ExpFloat64()
	})
}

// countCategories draws n rows of k categories; with a skew of 0 all have the same
// probability, with 1 they follow Zipf's law.
func countCategories(rng *rand.Rand, n, k int, skew float64) []int64 {
	cumulative := make([]float64, k)
	total := 0.0
	for i := range cumulative {
		total += math.Pow(float64(i+1), -skew)
		cumulative[i] = total
	}
	counts := make([]int64, k)
	for range n {
		counts[min(lowerBound(cumulative, rng.Float64()*total), k-1)]++
	}
	return counts
}

// sizes are baseline and current; a baseline is usually the larger one.
var sizes = [][2]int{{30, 30}, {100, 100}, {1000, 1000}, {1000, 30}, {300, 100}}

// checkLevel makes null draws for each size and checks that p ≤ alpha is not
// more frequent than alpha, up to three standard errors. Discrete statistics
// are often conservative, so that the lower limit is for some tests only.
func checkLevel(t *testing.T, name string, least float64, p func(rng *rand.Rand, n, m int) float64) {
	t.Helper()
	for i, size := range sizes {
		t.Run(name+"/"+strconv.Itoa(size[0])+"x"+strconv.Itoa(size[1]), func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(20, uint64(i)))
			alarms := 0
			for range draws {
				if p(rng, size[0], size[1]) <= alpha {
					alarms++
				}
			}
			rate, slack := float64(alarms)/draws, 3*math.Sqrt(alpha*(1-alpha)/draws)
			t.Logf("false alarm rate %.4f", rate)
			if rate > alpha+slack || lowerLimits && rate < least {
				t.Errorf("false alarm rate %.4f, want %.4f to %.4f", rate, least, alpha+slack)
			}
		})
	}
}

func TestKolmogorovSmirnovLevel(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		draw  generator
		least float64
	}{
		// D takes few values at n = m = 30, of which the largest below 0.05 is 0.035.
		"normal": {normal, 0.02},
		// Ties make the test conservative.
		"rounded": {rounded, 0},
		"sparse":  {sparse, 0},
	} {
		checkLevel(t, name, c.least, func(rng *rand.Rand, n, m int) float64 {
			ks, err := KolmogorovSmirnov(c.draw(rng, n), c.draw(rng, m))
			if err != nil {
				t.Error(err)
			}
			return ks.P
		})
	}
}

func TestPSILevel(t *testing.T) {
	t.Parallel()
	// Conservative below 100 rows, where bins expect few rows.
	for name, draw := range map[string]generator{"normal": normal, "rounded": rounded, "sparse": sparse} {
		checkLevel(t, name, 0, func(rng *rand.Rand, n, m int) float64 {
			psi, err := PSI(draw(rng, n), draw(rng, m))
			if err != nil {
				t.Error(err)
			}
			return psi.P
		})
	}
}

func TestChiSquareLevel(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		categories  int
		skew, least float64
	}{
		"two":     {2, 0, 0}, // Yates' correction is conservative
		"uniform": {10, 0, 0.03},
		"zipf":    {50, 1, 0.03},
	} {
		checkLevel(t, name, c.least, func(rng *rand.Rand, n, m int) float64 {
			table := newTable(t, countCategories(rng, n, c.categories, c.skew), countCategories(rng, m, c.categories, c.skew))
			chi, err := ChiSquare(table)
			if err != nil {
				t.Error(err)
			}
			return chi.P
		})
		checkLevel(t, name+" PSI", 0, func(rng *rand.Rand, n, m int) float64 {
			table := newTable(t, countCategories(rng, n, c.categories, c.skew), countCategories(rng, m, c.categories, c.skew))
			psi, err := CategoryPSI(table)
			if err != nil {
				t.Error(err)
			}
			return psi.P
		})
	}
}

func TestMissingRateLevel(t *testing.T) {
	t.Parallel()
	for _, rate := range []float64{0.02, 0.2, 0.5} {
		checkLevel(t, strconv.FormatFloat(rate, 'g', -1, 64), 0, func(rng *rand.Rand, n, m int) float64 {
			missing := func(rows int) (count int64) {
				for range rows {
					if rng.Float64() < rate {
						count++
					}
				}
				return count
			}
			change, err := MissingRate(missing(n), int64(n), missing(m), int64(m))
			if err != nil {
				t.Error(err)
			}
			return change.P
		})
	}
}

// TestPower asks that changes anyone would want to hear of are found in nine of
// ten samples.
func TestPower(t *testing.T) {
	t.Parallel()
	shifted := func(rng *rand.Rand, n int) []float64 {
		return fill(n, func() float64 { return rng.NormFloat64() + 0.5 })
	}
	wider := func(rng *rand.Rand, n int) []float64 {
		return fill(n, func() float64 { return 2 * rng.NormFloat64() })
	}
	for name, c := range map[string]struct {
		p func(rng *rand.Rand) (float64, error)
	}{
		"KS, half a deviation, 200 rows": {func(rng *rand.Rand) (float64, error) {
			ks, err := KolmogorovSmirnov(normal(rng, 1000), shifted(rng, 200))
			return ks.P, err
		}},
		"KS, twice the spread, 200 rows": {func(rng *rand.Rand) (float64, error) {
			ks, err := KolmogorovSmirnov(normal(rng, 1000), wider(rng, 200))
			return ks.P, err
		}},
		"PSI, half a deviation, 200 rows": {func(rng *rand.Rand) (float64, error) {
			psi, err := PSI(normal(rng, 1000), shifted(rng, 200))
			return psi.P, err
		}},
		"PSI, twice the spread, 100 rows": {func(rng *rand.Rand) (float64, error) {
			psi, err := PSI(normal(rng, 1000), wider(rng, 100))
			return psi.P, err
		}},
		"chi-square, uniform to Zipf, 100 rows": {func(rng *rand.Rand) (float64, error) {
			chi, err := ChiSquare(newTable(t, countCategories(rng, 1000, 10, 0), countCategories(rng, 100, 10, 1)))
			return chi.P, err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(7, 7))
			found := 0
			for range 200 {
				p, err := c.p(rng)
				if err != nil {
					t.Fatal(err)
				}
				if p <= alpha {
					found++
				}
			}
			if found < 180 {
				t.Errorf("found %d of 200", found)
			}
		})
	}
}
