package tree

import (
	"math"
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/detect/goldentest"
)

// made is golden.py's data: three columns that the target needs, and one that it does not.
func made(rows int, missing float64) (columns [][]float64, target []float64) {
	for seed := range uint64(4) {
		columns = append(columns, goldentest.Uniform(seed+1, rows))
	}
	noise, gone := goldentest.Uniform(5, rows), goldentest.Uniform(6, rows)
	target = make([]float64, rows)
	for i := range target {
		a, b, c := columns[0][i], columns[1][i], math.Floor(columns[2][i]*12)
		columns[2][i] = c
		target[i] = float64(4 * a * a)
		if b < 0.3 {
			target[i] += c / 4
		}
		target[i] += b
		target[i] += noise[i] - 0.5
		if gone[i] < missing {
			columns[1][i] = math.NaN()
		}
	}
	return columns, target
}

// TestGolden compares with scikit-learn: its estimates are stored to nine digits, and agree as long as no two splits gain so
// nearly the same that rounding chooses between them.
func TestGolden(t *testing.T) {
	t.Parallel()
	type golden struct {
		Cases []struct {
			Name, Loss        string
			Rows, Rounds      int
			Leaves, Least     int
			Missing, L2, Mean float64
			Estimates         []float64
		}
	}
	for _, c := range goldentest.Read[golden](t, "testdata/golden.json").Cases {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			columns, target := made(c.Rows, c.Missing)
			o := Options{Loss: map[string]Loss{"squared": Squared, "absolute": Absolute, "logistic": Logistic}[c.Loss], Rounds: c.Rounds, MaxLeaves: c.Leaves, MinRows: c.Least, L2: c.L2}
			if o.Loss == Logistic {
				for i, y := range target {
					target[i] = 0
					if y > 2 {
						target[i] = 1
					}
				}
			}
			m, err := fit(columns, target, o)
			if err != nil {
				t.Fatal(err)
			}
			estimates, err := m.Predict(columns)
			if err != nil {
				t.Fatal(err)
			}
			mean, worst := 0.0, 0.0
			for i, f := range estimates {
				mean += f / float64(len(estimates))
				if i < len(c.Estimates) {
					worst = max(worst, math.Abs(f-c.Estimates[i]))
				}
			}
			t.Logf("largest difference %.2g", worst)
			if worst > 2e-8 {
				t.Errorf("an estimate differs by %v", worst)
			}
			if math.Abs(mean-c.Mean) > 2e-8 {
				t.Errorf("mean %v, want %v", mean, c.Mean)
			}
		})
	}
}
