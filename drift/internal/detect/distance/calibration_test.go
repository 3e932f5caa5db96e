package distance

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/detect/histogram"
	"github.com/aumos-enterprise/platform/drift/internal/detect/permutation"
)

const (
	level      = 0.05
	nullDraws  = 300 // samples for each rate
	labelDraws = 99
)

func sample(n int, draw func() float64) []float64 {
	values := make([]float64, n)
	for i := range values {
		values[i] = draw()
	}
	slices.Sort(values)
	return values
}

// distributions are continuous, with light ties and with a heavy one.
var distributions = map[string]func(rng *rand.Rand) float64{
	"normal":  (*rand.Rand).NormFloat64,
	"rounded": func(rng *rand.Rand) float64 { return math.Round(4 * rng.NormFloat64()) },
	"coarse":  func(rng *rand.Rand) float64 { return math.Floor(300 * rng.Float64()) },
	"sparse":  func(rng *rand.Rand) float64 { return max(0, rng.ExpFloat64()-1.5) },
}

// ways are those in which package detect gets a p-value.
var ways = map[string]func(pair histogram.Pair, m Measure, rng *rand.Rand) (Outcome, error){
	"deciles of the baseline": func(pair histogram.Pair, m Measure, rng *rand.Rand) (Outcome, error) {
		return m.PermuteRule(pair, Deciles(), permutation.Draws{Count: labelDraws, Alpha: level, Rand: rng})
	},
	"doane of the baseline": func(pair histogram.Pair, m Measure, rng *rand.Rand) (Outcome, error) {
		rule, err := Doane(pair.Baseline)
		if err != nil {
			return Outcome{}, err
		}
		return m.PermuteRule(pair, rule, permutation.Draws{Count: labelDraws, Alpha: level, Rand: rng})
	},
	"sturges of both": func(pair histogram.Pair, m Measure, rng *rand.Rand) (Outcome, error) {
		x, y := pair.Baseline, pair.Current
		edges, err := histogram.Sturges(len(x)+len(y), min(x[0], y[0]), max(x[len(x)-1], y[len(y)-1]), false)
		if err != nil {
			return Outcome{}, err
		}
		bins, err := NewBins(histogram.Count(x, edges), histogram.Count(y, edges))
		return m.Permute(bins, permutation.Draws{Count: labelDraws, Alpha: level, Rand: rng}), err
	},
	"many bins": func(pair histogram.Pair, m Measure, rng *rand.Rand) (Outcome, error) {
		bins, err := NewBins(histogram.CountValues(pair.Baseline, pair.Current))
		if err != nil {
			return Outcome{}, err
		}
		s := bins.shuffler()
		return m.permute(bins, permutation.Draws{Count: labelDraws, Alpha: level}, true, func() float64 {
			s.shuffle(rng)
			return m.Of(s.Bins)
		}), nil
	},
	"law": func(pair histogram.Pair, m Measure, _ *rand.Rand) (Outcome, error) {
		bins, err := Deciles().Bins(pair)
		o, _ := m.Asymptotic(bins, level)
		return o, err
	},
}

// TestLevel checks that a test at the level of 0.05 raises an alarm in 5 % of the samples of one distribution, up to three standard errors.
// Where distances take few values the rate may be lower.
func TestLevel(t *testing.T) {
	t.Parallel()
	small, large := [][2]int{{30, 30}, {30, 100}, {300, 40}}, [][2]int{{2000, 1000}}
	for _, c := range []struct {
		way, distribution string
		measure           Measure
		sizes             [][2]int
		least             float64
	}{
		{"deciles of the baseline", "normal", JensenShannon(2), small, 0.02},
		{"deciles of the baseline", "rounded", Hellinger(), small, 0.02},
		{"deciles of the baseline", "sparse", LInfinity(), small, 0},
		{"doane of the baseline", "normal", JensenShannon(2), small, 0.02},
		{"doane of the baseline", "sparse", Hellinger(), small, 0},
		{"sturges of both", "normal", FilledPSI(), small, 0.02},
		{"sturges of both", "rounded", TotalVariation(), small, 0},
		{"many bins", "coarse", JensenShannon(2), [][2]int{{1000, 500}}, 0.02},
		{"many bins", "coarse", TotalVariation(), [][2]int{{300, 1000}}, 0.02},
		{"law", "normal", JensenShannon(2), large, 0.02},
		{"law", "rounded", Hellinger(), large, 0.02},
		{"law", "sparse", KullbackLeibler(), large, 0.02},
	} {
		for i, size := range c.sizes {
			t.Run(fmt.Sprint(c.way, "/", c.distribution, size), func(t *testing.T) {
				t.Parallel()
				rng := rand.New(rand.NewPCG(5, uint64(i)))
				draw := func() float64 { return distributions[c.distribution](rng) }
				alarms, above := 0, 0
				for range nullDraws {
					o, err := ways[c.way](histogram.Pair{Baseline: sample(size[0], draw), Current: sample(size[1], draw)}, c.measure, rng)
					if err != nil {
						t.Fatal(err)
					}
					if o.P <= level {
						alarms++
					}
					if o.Distance >= o.Threshold*(1-1e-13) {
						above++
						if o.P > level {
							t.Fatalf("%v is beyond its threshold %v with p = %v", o.Distance, o.Threshold, o.P)
						}
					}
				}
				rate, slack := float64(alarms)/nullDraws, 3*math.Sqrt(level*(1-level)/nullDraws)
				t.Logf("false alarm rate %.4f", rate)
				if rate > level+slack || rate < c.least {
					t.Errorf("false alarm rate %.4f, want %.4f to %.4f", rate, c.least, level+slack)
				}
				// Between two drawn distances, of which the larger is the threshold, lie others with the same p-value.
				if above < alarms/2 {
					t.Errorf("%d alarms, but %d distances at or above their threshold", alarms, above)
				}
			})
		}
	}
}
