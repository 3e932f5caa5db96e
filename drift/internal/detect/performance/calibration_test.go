package performance

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
)

const alpha = 0.05

// drawClassification makes a calibrated model's output, of k classes.
func drawClassification(rng *rand.Rand, n, k int) Sample {
	c := Classification{Classes: k, Actual: make([]int32, n), Predicted: make([]int32, n)}
	c.Scores = make([][]float64, k)
	for i := range c.Scores {
		c.Scores[i] = make([]float64, n)
	}
	for row := range n {
		total := 0.0
		for i := range k {
			c.Scores[i][row] = rng.ExpFloat64() / float64(i+1)
			total += c.Scores[i][row]
		}
		v := rng.Float64()
		c.Actual[row] = int32(k - 1)
		for i := range k {
			c.Scores[i][row] = math.Min(1, c.Scores[i][row]/total)
			if v >= 0 && v < c.Scores[i][row] {
				c.Actual[row] = int32(i)
			}
			v -= c.Scores[i][row]
			if c.Scores[i][row] > c.Scores[c.Predicted[row]][row] {
				c.Predicted[row] = int32(i)
			}
		}
	}
	if k == 2 {
		c.Scores = c.Scores[1:]
	}
	return c
}

func drawRegression(rng *rand.Rand, n int) Sample {
	r := Regression{Actual: make([]float64, n), Predicted: make([]float64, n)}
	for i := range n {
		r.Actual[i] = 5 + rng.Float64()*10
		r.Predicted[i] = r.Actual[i] + rng.NormFloat64()
	}
	return r
}

var kinds = map[string]func(rng *rand.Rand, n int) Sample{
	"binary":     func(rng *rand.Rand, n int) Sample { return drawClassification(rng, n, 2) },
	"multiclass": func(rng *rand.Rand, n int) Sample { return drawClassification(rng, n, 4) },
	"regression": drawRegression,
}

// TestLevel compares samples of one population: no test may raise more false alarms than alpha, up to four standard errors: there are two hundred of them.
func TestLevel(t *testing.T) {
	t.Parallel()
	for kind, draw := range kinds {
		for i, c := range []struct{ n, m, draws, permutations int }{
			{30, 30, 100, levelPermutations}, {200, 60, 30, levelPermutations}, {600, 600, 200, 0}, {2000, 500, 100, 0},
		} {
			t.Run(kind+"/"+strconv.Itoa(c.n)+"x"+strconv.Itoa(c.m), func(t *testing.T) {
				t.Parallel()
				rng := rand.New(rand.NewPCG(6, uint64(i)))
				alarms, made := map[Metric]int{}, map[Metric]int{}
				for range c.draws {
					changes, err := Compare(t.Context(), draw(rng, c.n), draw(rng, c.m), c.permutations, rng.Uint64())
					if err != nil {
						t.Fatal(err)
					}
					for _, change := range changes {
						if change.Defined {
							made[change.Current.Metric]++
							if change.P <= alpha {
								alarms[change.Current.Metric]++
							}
						}
					}
				}
				for metric, n := range made {
					rate, slack := float64(alarms[metric])/float64(n), 4*math.Sqrt(alpha*(1-alpha)/float64(n))
					t.Logf("%s: false alarm rate %.3f", metric, rate)
					if rate > alpha+slack {
						t.Errorf("%s: false alarm rate %.4f, at most %.4f", metric, rate, alpha+slack)
					}
				}
			})
		}
	}
}

// TestCoverage asks that 95 % intervals hold the value of a large sample in 91.5 % of small ones. The calibration error has no place here:
// its expectation depends on the number of rows.
func TestCoverage(t *testing.T) {
	t.Parallel()
	const draws, n = 600, 300
	for kind, draw := range kinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(5, uint64(len(kind))))
			truth := draw(rng, 200_000).Measure()
			held, spread, sum, square := make([]int, len(truth)), make([]float64, len(truth)), make([]float64, len(truth)), make([]float64, len(truth))
			for range draws {
				for i, m := range draw(rng, n).Measure() {
					if m.Low <= truth[i].Value && truth[i].Value <= m.High {
						held[i]++
					}
					spread[i] += m.variance / draws
					sum[i] += m.scale / draws
					square[i] += m.scale * m.scale / draws
				}
			}
			for i, m := range truth {
				if m.Metric == CalibrationError {
					continue
				}
				real := math.Sqrt(square[i] - sum[i]*sum[i])
				t.Logf("%s: coverage %.3f, standard error %.4f of %.4f", m.Metric, float64(held[i])/draws, math.Sqrt(spread[i]), real)
				if held[i] < draws*915/1000 {
					t.Errorf("%s: coverage %.3f", m.Metric, float64(held[i])/draws)
				}
				if m.hits < 0 && math.Abs(math.Sqrt(spread[i])/real-1) > 0.1 {
					t.Errorf("%s: standard error %.4f, want %.4f", m.Metric, math.Sqrt(spread[i]), real)
				}
			}
		})
	}
}

// TestCalibrationLevel compares equally calibrated samples, few rows with many: bins of a few rows of small probabilities would call every fortieth pair
// different at a level of 0.01.
func TestCalibrationLevel(t *testing.T) {
	t.Parallel()
	sample := func(rng *rand.Rand, n int) []group {
		scores, hits := make([]float64, n), make([]bool, n)
		for i := range scores {
			scores[i] = 1 / (1 + math.Exp(1.5+rng.NormFloat64()))
			hits[i] = rng.Float64() < scores[i]/2
		}
		return rank(scores, func(i int) bool { return hits[i] }).grouped(scores)
	}
	const draws, level = 1500, 0.01
	alarms := 0
	for i := range uint64(draws) {
		rng := rand.New(rand.NewPCG(13, i))
		if calibrationP(sample(rng, 3000), sample(rng, 100)) <= level {
			alarms++
		}
	}
	t.Logf("%d of %d", alarms, draws)
	if limit := draws * (level + 3.5*math.Sqrt(level*(1-level)/draws)); float64(alarms) > limit {
		t.Errorf("%d of %d pairs have p ≤ %v", alarms, draws, level)
	}
}
