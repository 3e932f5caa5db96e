package distance

import (
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/detect/histogram"
)

// TestSpansHaveTheLawOfLabels goes through all ways to label few rows, cuts each as NannyML does, and wants spans to draw each result as often as it comes
// up.
func TestSpansHaveTheLawOfLabels(t *testing.T) {
	t.Parallel()
	const draws = 40_000
	for name, c := range map[string]struct {
		baseline, current []float64
		bins              int
	}{
		"different":          {[]float64{1, 2, 4, 8}, []float64{3, 5, 6, 7, 9}, 3},
		"ties at the ends":   {[]float64{0, 0, 1, 5, 5}, []float64{0, 2, 2, 5, 5}, 4},
		"mostly ties":        {[]float64{3, 3, 3}, []float64{3, 3, 3, 3.2, 4}, 3},
		"ties within a half": {[]float64{3, 3}, []float64{2.8, 3, 3, 3, 3.4}, 5},
		"all the same":       {[]float64{7, 7, 7}, []float64{7, 7}, 2},
		"one bin":            {[]float64{1, 2, 3}, []float64{0, 2, 3, 4}, 1},
		"two rows":           {[]float64{1, 9}, []float64{0, 1, 2, 3, 4, 5, 9, 9}, 3},
		"many of few":        {[]float64{1, 2, 2, 3, 4, 5, 6}, []float64{0, 2}, 4},
		"no such bins":       {[]float64{1, math.Nextafter(1, 2), 5}, []float64{1, 6}, 3},
	} {
		n, all := len(c.baseline), slices.Sorted(slices.Values(slices.Concat(c.baseline, c.current)))
		rule := &Rule{bins: c.bins, cut: func(s histogram.Source, a, b []int64) ([]int64, []int64, error) {
			n, _ := s.Sizes()
			edges, err := histogram.Edges(s.Value(1), s.Value(n), c.bins)
			if err != nil {
				return nil, nil, err
			}
			a, b = histogram.CountSource(s, edges, a, b)
			return a, b, nil
		}}
		want, ways := map[string]int{}, 0
		for labels := range uint(1) << len(all) {
			if bits.OnesCount(labels) != n {
				continue
			}
			var pair histogram.Pair
			for i, v := range all {
				if labels>>i&1 == 1 {
					pair.Baseline = append(pair.Baseline, v)
				} else {
					pair.Current = append(pair.Current, v)
				}
			}
			a, b, err := rule.cut(pair, nil, nil)
			want[fmt.Sprint(a, b, err)]++
			ways++
		}
		got := map[string]int{}
		deal := rule.draws(histogram.Pair{Baseline: c.baseline, Current: c.current}, rand.New(rand.NewPCG(1, 2)))
		for range draws {
			a, b, err := deal(nil, nil)
			got[fmt.Sprint(a, b, err)]++
		}
		for result, count := range got {
			p := float64(want[result]) / float64(ways)
			if deviation := float64(count) - p*draws; math.Abs(deviation) > 5*math.Sqrt(p*(1-p)*draws)+1e-9 {
				t.Errorf("%s: %s came %d times, want %.0f", name, result, count, p*draws)
			}
		}
		for result, count := range want {
			if got[result] == 0 && count*draws > 20*ways {
				t.Errorf("%s: %s never came", name, result)
			}
		}
	}
}

// TestFirstOf draws the place of the first marked row with the probability of all places before it being unmarked.
func TestFirstOf(t *testing.T) {
	t.Parallel()
	const draws = 50_000
	rng := rand.New(rand.NewPCG(3, 4))
	for _, c := range [][2]int64{{10, 1}, {10, 4}, {1000, 500}, {5000, 3}, {7, 7}} {
		counts := map[int64]int{}
		for range draws {
			counts[firstOf(rng, c[0], c[1])]++
		}
		rest := 1.0 // the probability of the places from the one at hand on
		for place := int64(1); place <= min(c[0]-c[1]+1, 20); place++ {
			p := rest * float64(c[1]) / float64(c[0]-place+1)
			if deviation := float64(counts[place]) - p*draws; math.Abs(deviation) > 5*math.Sqrt(p*draws)+1e-9 {
				t.Errorf("%d of %d: place %d came %d times, want %.0f", c[1], c[0], place, counts[place], p*draws)
			}
			rest -= p
		}
	}
}
