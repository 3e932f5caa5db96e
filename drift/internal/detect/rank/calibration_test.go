package rank

import (
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/detect/permutation"
)

// pValues are the tests that say something about one distribution.
var pValues = map[string]func(p *Pooled, rng *rand.Rand) (float64, error){
	"cramer": func(p *Pooled, rng *rand.Rand) (float64, error) {
		if p.Tied() {
			return p.Cut().Permute(Cramer, permutation.Draws{Count: 99, Alpha: 0.05, Rand: rng}).P, nil
		}
		value, _ := p.CramerP()
		return value, nil
	},
	"anderson": func(p *Pooled, rng *rand.Rand) (float64, error) {
		if p.Tied() {
			return p.Cut().Permute(Anderson, permutation.Draws{Count: 99, Alpha: 0.05, Rand: rng}).P, nil
		}
		return AndersonP(p.Anderson()), nil
	},
	"mann-whitney": func(p *Pooled, rng *rand.Rand) (float64, error) {
		if p.SkewedRanks() {
			return p.Cut().Permute(Ranks, permutation.Draws{Count: 99, Alpha: 0.05, Rand: rng}).P, nil
		}
		return p.MannWhitney().P, nil
	},
	"welch": func(p *Pooled, rng *rand.Rand) (float64, error) {
		if p.Skewed() {
			return p.Cut().Permute(Means, permutation.Draws{Count: 99, Alpha: 0.05, Rand: rng}).P, nil
		}
		l, err := p.WelchT()
		return l.P, err
	},
	"levene": func(p *Pooled, rng *rand.Rand) (float64, error) {
		if p.SkewedSpread() {
			distances, err := p.Distances()
			return distances.Cut().Permute(Means, permutation.Draws{Count: 99, Alpha: 0.05, Rand: rng}).P, err
		}
		s, err := p.Levene()
		return s.P, err
	},
	"wasserstein": func(p *Pooled, rng *rand.Rand) (float64, error) {
		return p.Cut().Permute(Wasserstein, permutation.Draws{Count: 99, Alpha: 0.05, Rand: rng}).P, nil
	},
	"energy": func(p *Pooled, rng *rand.Rand) (float64, error) {
		return p.Cut().Permute(Energy, permutation.Draws{Count: 99, Alpha: 0.05, Rand: rng}).P, nil
	},
}

var nulls = map[string]func(rng *rand.Rand) float64{
	"normal":      func(rng *rand.Rand) float64 { return rng.NormFloat64() },
	"exponential": func(rng *rand.Rand) float64 { return rng.ExpFloat64() },
	"rounded":     func(rng *rand.Rand) float64 { return math.Round(2 * rng.NormFloat64()) },
	"sparse": func(rng *rand.Rand) float64 {
		if rng.Float64() < 0.8 {
			return 0
		}
		return rng.ExpFloat64()
	},
}

// TestLevels makes null draws and checks that p ≤ 0.05 is as frequent as that, up to three standard errors.
//
// Levene's and Welch's tests suppose normal means of what they compare, and are a little off for
// few and skewed values, mostly conservative.
func TestLevels(t *testing.T) {
	t.Parallel()
	for name, p := range pValues {
		for null, draw := range nulls {
			for i, size := range [][2]int{{30, 30}, {200, 200}, {300, 60}, {1000, 30}} {
				t.Run(name+"/"+null+"/"+strconv.Itoa(size[0])+"x"+strconv.Itoa(size[1]), func(t *testing.T) {
					t.Parallel()
					rng := rand.New(rand.NewPCG(30, uint64(i)))
					sample := func(n int) []float64 {
						values := make([]float64, n)
						for i := range values {
							values[i] = draw(rng)
						}
						slices.Sort(values)
						return values
					}
					alarms := 0
					for range levelDraws {
						value, err := p(measure(t, sample(size[0]), sample(size[1])), rng)
						if err != nil {
							t.Fatal(err)
						}
						if value <= 0.05 {
							alarms++
						}
					}
					rate, slack := float64(alarms)/levelDraws, 3.5*math.Sqrt(0.05*0.95/levelDraws)
					t.Logf("false alarm rate %.4f", rate)
					skewed := (name == "welch" || name == "levene") && (null == "sparse" || null == "exponential")
					if skewed {
						slack += 0.02
					}
					if rate > 0.05+slack || rate < 0.05-slack && name != "levene" && !skewed {
						t.Errorf("false alarm rate %.4f, want 0.05 ± %.4f", rate, slack)
					}
				})
			}
		}
	}
}

// TestTails looks where many features are: few rows beside many, of values that are nearly all the same or without a variance, at the small p-values that a family of
// tests asks for.
func TestTails(t *testing.T) {
	t.Parallel()
	draws := map[string]func(rng *rand.Rand) float64{
		"rare":      func(rng *rand.Rand) float64 { return max(0, math.Ceil(rng.Float64()-0.99)) },
		"lognormal": func(rng *rand.Rand) float64 { return math.Exp(2 * rng.NormFloat64()) },
		"cauchy":    func(rng *rand.Rand) float64 { return rng.NormFloat64() / rng.NormFloat64() },
	}
	const level = 0.01 // of 99 draws no smaller p-value comes but by Bousquet's bound
	for _, name := range []string{"mann-whitney", "welch", "levene"} {
		for null, draw := range draws {
			t.Run(name+"/"+null, func(t *testing.T) {
				t.Parallel()
				rng := rand.New(rand.NewPCG(31, 1))
				sample := func(n int) []float64 {
					values := make([]float64, n)
					for i := range values {
						values[i] = draw(rng)
					}
					slices.Sort(values)
					return values
				}
				alarms := 0
				for range 2 * levelDraws {
					value, err := pValues[name](measure(t, sample(1000), sample(40)), rng)
					if err != nil {
						t.Fatal(err)
					}
					if value <= level {
						alarms++
					}
				}
				if limit := level + 3.5*math.Sqrt(level*(1-level)/(2*levelDraws)); float64(alarms) > limit*2*levelDraws {
					t.Errorf("%d of %d draws have p ≤ %v", alarms, 2*levelDraws, level)
				}
			})
		}
	}
}
