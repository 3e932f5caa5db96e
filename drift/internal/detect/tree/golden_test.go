package tree

import (
	"encoding/json"
	"math"
	"os"
	"testing"
)

// uniform draws by splitmix64 as testdata/golden.py does.
func uniform(seed uint64, n int) []float64 {
	values := make([]float64, n)
	for i := range values {
		seed += 0x9E3779B97F4A7C15
		z := seed
		z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9
		z = (z ^ (z >> 27)) * 0x94D049BB133111EB
		z ^= z >> 31
		values[i] = float64(z>>11) * 0x1p-53
	}
	return values
}

// made is golden.py's data: three columns that the target needs, and one that it does not.
func made(rows int, missing float64) (columns [][]float64, target []float64) {
	for seed := range uint64(4) {
		columns = append(columns, uniform(seed+1, rows))
	}
	noise, gone := uniform(5, rows), uniform(6, rows)
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
	data, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Cases []struct {
			Name, Loss        string
			Rows, Rounds      int
			Leaves, Least     int
			Missing, L2, Mean float64
			Estimates         []float64
		}
	}
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	if len(golden.Cases) == 0 {
		t.Fatal("golden.json lacks its cases")
	}
	for _, c := range golden.Cases {
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
			m, err := Fit(columns, target, o)
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
