package contingency

import (
	"math"
	"math/rand/v2"
	"sort"
	"strconv"
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/detect/leveltest"
)

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
		counts[min(sort.SearchFloat64s(cumulative, rng.Float64()*total), k-1)]++
	}
	return counts
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
		leveltest.Check(t, name, c.least, func(rng *rand.Rand, n, m int) float64 {
			table := newTable(t, countCategories(rng, n, c.categories, c.skew), countCategories(rng, m, c.categories, c.skew))
			chi, err := ChiSquare(table)
			if err != nil {
				t.Error(err)
			}
			return chi.P
		})
		leveltest.Check(t, name+" PSI", 0, func(rng *rand.Rand, n, m int) float64 {
			table := newTable(t, countCategories(rng, n, c.categories, c.skew), countCategories(rng, m, c.categories, c.skew))
			psi, err := CategoryPSI(table)
			if err != nil {
				t.Error(err)
			}
			return psi.P
		})
	}
}

func TestProportionsLevel(t *testing.T) {
	t.Parallel()
	for _, rate := range []float64{0.02, 0.2, 0.5} {
		leveltest.Check(t, strconv.FormatFloat(rate, 'g', -1, 64), 0, func(rng *rand.Rand, n, m int) float64 {
			missing := func(rows int) (count int64) {
				for range rows {
					if rng.Float64() < rate {
						count++
					}
				}
				return count
			}
			change, err := Proportions(missing(n), int64(n), missing(m), int64(m))
			if err != nil {
				t.Error(err)
			}
			return change.P
		})
	}
}

func TestPSILevel(t *testing.T) {
	t.Parallel()
	// Conservative below 100 rows, where bins expect few rows.
	for name, draw := range map[string]leveltest.Generator{"normal": leveltest.Normal, "rounded": leveltest.Rounded, "sparse": leveltest.Sparse} {
		leveltest.Check(t, name, 0, func(rng *rand.Rand, n, m int) float64 {
			return decilePSI(draw(rng, n), draw(rng, m)).P
		})
	}
}

func TestPower(t *testing.T) {
	t.Parallel()
	leveltest.CheckPower(t, "PSI, half a deviation, 200 rows", func(rng *rand.Rand) (float64, error) {
		return decilePSI(leveltest.Normal(rng, 1000), leveltest.Fill(200, func() float64 { return rng.NormFloat64() + 0.5 })).P, nil
	})
	leveltest.CheckPower(t, "PSI, twice the spread, 100 rows", func(rng *rand.Rand) (float64, error) {
		return decilePSI(leveltest.Normal(rng, 1000), leveltest.Fill(100, func() float64 { return 2 * rng.NormFloat64() })).P, nil
	})
	leveltest.CheckPower(t, "chi-square, uniform to Zipf, 100 rows", func(rng *rand.Rand) (float64, error) {
		chi, err := ChiSquare(newTable(t, countCategories(rng, 1000, 10, 0), countCategories(rng, 100, 10, 1)))
		return chi.P, err
	})
}
