package multivariate

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/detect/permutation"
)

const (
	alpha = 0.05
	draws = 99
)

func normalMatrix(rng *rand.Rand, rows, columns int, shift, scale float64) Matrix {
	m := NewMatrix(rows, columns)
	for i := range m.Values {
		m.Values[i] = rng.NormFloat64()*scale + shift
	}
	return m
}

// heavy has tails without moments beyond the second, columns that depend on each other, and many equal values in one of them.
func heavy(rng *rand.Rand, rows, columns int) Matrix {
	m := NewMatrix(rows, columns)
	for i := range rows {
		common := rng.NormFloat64()
		row := m.Row(i)
		for k := range row {
			row[k] = common + rng.NormFloat64()/math.Sqrt(rng.ExpFloat64()+0.1)
		}
		row[0] = math.Max(0, math.Round(row[0]))
	}
	return m
}

// tests are all tests of the package as they are used.
var tests = map[string]func(b, c Matrix, rng *rand.Rand) (p, effect float64, err error){
	"MMD": func(b, c Matrix, rng *rand.Rand) (float64, float64, error) {
		pairs, err := NewPairs(b, c, nil)
		if err != nil {
			return 0, 0, err
		}
		d := pairs.MMD(permutation.Draws{Count: draws, Rand: rng, Alpha: alpha})
		return d.P, d.Effect, nil
	},
	"energy": func(b, c Matrix, rng *rand.Rand) (float64, float64, error) {
		pairs, err := NewPairs(b, c, nil)
		if err != nil {
			return 0, 0, err
		}
		d := pairs.Energy(permutation.Draws{Count: draws, Rand: rng, Alpha: alpha})
		return d.P, d.Effect, nil
	},
	"centroid": func(b, c Matrix, rng *rand.Rand) (float64, float64, error) {
		pairs, err := NewPairs(b, c, nil)
		if err != nil {
			return 0, 0, err
		}
		d := pairs.Centroid(permutation.Draws{Count: draws, Rand: rng, Alpha: alpha})
		return d.P, d.Effect, nil
	},
	"random features": func(b, c Matrix, rng *rand.Rand) (float64, float64, error) {
		d, _, err := FeatureMMD(b.Each(), c.Each(), permutation.Draws{Count: draws, Rand: rng, Alpha: alpha})
		return d.P, d.Effect, err
	},
	"reconstruction": func(b, c Matrix, _ *rand.Rand) (float64, float64, error) {
		r, err := Reconstruct(b, c, 0.65, nil)
		return r.P, r.Effect, err
	},
	"correlations": func(b, c Matrix, rng *rand.Rand) (float64, float64, error) {
		r, err := Correlations(b, c, permutation.Draws{Count: draws, Rand: rng, Alpha: alpha})
		return r.P, r.Effect, err
	},
	"classifier learned anew": func(b, c Matrix, rng *rand.Rand) (float64, float64, error) {
		r, err := ClassifyAnew(b.ByColumn(), c.ByColumn(), permutation.Draws{Count: 19, Rand: rng, Alpha: alpha})
		return r.P, r.Effect, err
	},
	"classifier": func(b, c Matrix, rng *rand.Rand) (float64, float64, error) {
		r, err := Classify(b.ByColumn(), c.ByColumn(), permutation.Draws{Rand: rng, Alpha: alpha})
		return r.P, r.Effect, err
	},
}

// TestLevel: samples of one distribution are called different in no more than 5 % of cases, up to three standard errors.
func TestLevel(t *testing.T) {
	t.Parallel()
	shapes := []struct{ n, m, columns int }{{30, 30, 3}, {200, 40, 8}}
	for name, test := range tests {
		for _, shape := range shapes {
			for kind, draw := range map[string]func(rng *rand.Rand, rows int) Matrix{
				"normal": func(rng *rand.Rand, rows int) Matrix { return normalMatrix(rng, rows, shape.columns, 0, 1) },
				"heavy":  func(rng *rand.Rand, rows int) Matrix { return heavy(rng, rows, shape.columns) },
			} {
				t.Run(fmt.Sprintf("%s/%s/%dx%dx%d", name, kind, shape.n, shape.m, shape.columns), func(t *testing.T) {
					t.Parallel()
					rng := rand.New(rand.NewPCG(1, uint64(shape.n)))
					alarms, trials := 0, trials
					if name == "classifier learned anew" {
						trials /= 5 // slow, and exact by its nature
					}
					for range trials {
						p, _, err := test(draw(rng, shape.n), draw(rng, shape.m), rng)
						if err != nil {
							t.Fatal(err)
						}
						if p <= alpha {
							alarms++
						}
					}
					rate := float64(alarms) / float64(trials)
					t.Logf("false alarm rate %.3f", rate)
					if rate > alpha+3*math.Sqrt(alpha*(1-alpha)/float64(trials)) {
						t.Errorf("false alarm rate %.3f", rate)
					}
				})
			}
		}
	}
}

// TestPower: what a person would call different is found in nine of ten samples, with an effect that matters; the rest of what a test does not
// look for is not its business.
func TestPower(t *testing.T) {
	t.Parallel()
	shifted := func(rng *rand.Rand, rows int) Matrix { return normalMatrix(rng, rows, 5, 0.4, 1) }
	wider := func(rng *rand.Rand, rows int) Matrix { return normalMatrix(rng, rows, 5, 0, 1.6) }
	related := func(rng *rand.Rand, rows int) Matrix {
		m := normalMatrix(rng, rows, 5, 0, 1)
		for i := range rows {
			row := m.Row(i)
			for k := range row[1:] {
				row[k+1] = 0.6*row[0] + 0.8*row[k+1] // the same variance
			}
		}
		return m
	}
	plain := func(rng *rand.Rand, rows int) Matrix { return normalMatrix(rng, rows, 5, 0, 1) }
	for name, c := range map[string]struct {
		test              string
		least             float64 // effect
		rows              int
		baseline, current func(rng *rand.Rand, rows int) Matrix
	}{
		"shift, MMD":                      {"MMD", 0.05, 200, plain, shifted},
		"shift, energy":                   {"energy", 0.05, 200, plain, shifted},
		"shift, centroid":                 {"centroid", 0.05, 200, plain, shifted},
		"shift, random features":          {"random features", 0.05, 200, plain, shifted},
		"shift, classifier learned anew":  {"classifier learned anew", 0.1, 200, plain, shifted},
		"shift, classifier":               {"classifier", 0.1, 200, plain, shifted},
		"spread, MMD":                     {"MMD", 0.05, 300, plain, wider},
		"spread, reconstruction":          {"reconstruction", 0.1, 200, plain, wider},
		"relation, correlations":          {"correlations", 0.2, 200, plain, related},
		"relation, MMD":                   {"MMD", 0.05, 300, plain, related},
		"relation, classifier":            {"classifier", 0.1, 600, plain, related},
		"relation broken, reconstruction": {"reconstruction", 0.1, 200, related, plain},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(7, 7))
			found := 0
			for range 20 {
				p, effect, err := tests[c.test](c.baseline(rng, c.rows), c.current(rng, c.rows), rng)
				if err != nil {
					t.Fatal(err)
				}
				if p <= alpha && effect >= c.least {
					found++
				}
			}
			if found < 18 {
				t.Errorf("found %d of 20", found)
			}
		})
	}
}

// TestFeatureLimitLaw: the limit law of random features, used for many rows, gives the p-values that permutations do.
func TestFeatureLimitLaw(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 3))
	alarms := 0
	for range trials {
		x, y := heavy(rng, 300, 4), heavy(rng, 200, 4)
		d, asymptotic, err := FeatureMMD(x.Each(), y.Each(), permutation.Draws{Count: 1 << 40, Rand: rng, Alpha: alpha})
		if err != nil || !asymptotic {
			t.Fatal(err, asymptotic)
		}
		if d.P <= alpha {
			alarms++
		}
		if (d.P <= alpha) != (d.Statistic >= d.Critical) {
			t.Errorf("p %v with statistic %v, critical %v", d.P, d.Statistic, d.Critical)
		}
	}
	rate := float64(alarms) / trials
	t.Logf("false alarm rate %.3f", rate)
	if rate > alpha+3*math.Sqrt(alpha*(1-alpha)/trials) {
		t.Errorf("false alarm rate %.3f", rate)
	}
}
