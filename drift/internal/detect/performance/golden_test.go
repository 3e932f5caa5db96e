package performance

import (
	"math"
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/detect/goldentest"
)

// The values in golden.json come from scikit-learn, SciPy and NannyML through testdata/golden.py.
type golden struct {
	Binary []struct {
		Seed         uint64
		N, Levels    int
		Noise        float64
		Values       map[Metric]float64
		AUCVariance  float64 `json:"auc_variance"`
		AccuracyLow  float64 `json:"accuracy_low"`
		AccuracyHigh float64 `json:"accuracy_high"`
	}
	Multiclass []struct {
		Seed               uint64
		N, Classes, Levels int
		Values             map[Metric]float64
	}
	Regression []struct {
		Seed    uint64
		N       int
		Noise   float64
		Values  map[Metric]float64
		MSELow  float64 `json:"mse_low"`
		MSEHigh float64 `json:"mse_high"`
		WelchP  float64 `json:"welch_p"`
	}
}

func readGolden(t *testing.T) golden {
	t.Helper()
	return goldentest.Read[golden](t, "testdata/golden.json")
}

func binarySample(seed uint64, n, levels int, noise float64) Classification {
	u := goldentest.Uniform(seed, 3*n)
	c := Classification{Classes: 2, Actual: make([]int32, n), Predicted: make([]int32, n), Scores: [][]float64{u[:n:n]}}
	for i := range n {
		if (u[n+i] < u[i]) != (u[2*n+i] < noise) {
			c.Actual[i] = 1
		}
		if levels > 0 {
			u[i] = math.Floor(u[i]*float64(levels)) / float64(levels)
		}
		if u[i] >= 0.5 {
			c.Predicted[i] = 1
		}
	}
	return c
}

func multiclassSample(seed uint64, n, k, levels int) Classification {
	u := goldentest.Uniform(seed, (k+1)*n)
	c := Classification{Classes: k, Actual: make([]int32, n), Predicted: make([]int32, n), Scores: make([][]float64, k)}
	for i := range k {
		c.Scores[i] = make([]float64, n)
	}
	for row := range n {
		total := 0.0
		for i := range k {
			raw := float64(u[i*n+row] * u[i*n+row])
			if levels > 0 {
				raw = math.Floor(raw*float64(levels))/float64(levels) + 1/float64(levels)
			}
			c.Scores[i][row] = raw
			total += raw
		}
		c.Actual[row] = int32(k - 1)
		low, found := 0.0, false
		for i := range k {
			c.Scores[i][row] /= total
			if c.Scores[i][row] > c.Scores[c.Predicted[row]][row] {
				c.Predicted[row] = int32(i)
			}
			if high := low + c.Scores[i][row]; i < k-1 {
				if !found && u[k*n+row] < high {
					c.Actual[row], found = int32(i), true
				}
				low = high
			}
		}
	}
	return c
}

// checkValues asks for exactly the metrics that golden has, and for their values. Those that it leaves out are in also.
func checkValues(t *testing.T, s Sample, want map[Metric]float64, also ...Metric) map[Metric]Measure {
	t.Helper()
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	measures := make(map[Metric]Measure)
	for _, m := range s.Measure() {
		measures[m.Metric] = m
	}
	for metric, value := range want {
		m, ok := measures[metric]
		if !ok || m.Undefined != "" || !goldentest.Near(m.Value, value, 1e-12) {
			t.Errorf("%s = %v (%s), want %v", metric, m.Value, m.Undefined, value)
		}
		if m.Undefined == "" && !(m.Low <= m.Value && m.Value <= m.High) {
			t.Errorf("%s = %v is outside of its interval [%v, %v]", metric, m.Value, m.Low, m.High)
		}
	}
	if len(measures) != len(want)+len(also) {
		t.Errorf("%d metrics, want %d", len(measures), len(want)+len(also))
	}
	return measures
}

func TestBinaryGolden(t *testing.T) {
	t.Parallel()
	for _, c := range readGolden(t).Binary {
		also := []Metric{SpecificityMacro}
		for _, m := range []Metric{Precision, CalibrationError} {
			if _, ok := c.Values[m]; !ok {
				also = append(also, m)
			}
		}
		m := checkValues(t, binarySample(c.Seed, c.N, c.Levels, c.Noise), c.Values, also...)
		if got := m[ROCAUC].variance; !goldentest.Near(got, c.AUCVariance, 1e-12) {
			t.Errorf("seed %d: variance of the area %v, want %v", c.Seed, got, c.AUCVariance)
		}
		if a := m[Accuracy]; !goldentest.Near(a.Low, c.AccuracyLow, 1e-12) || !goldentest.Near(a.High, c.AccuracyHigh, 1e-12) {
			t.Errorf("seed %d: accuracy in [%v, %v], want [%v, %v]", c.Seed, a.Low, a.High, c.AccuracyLow, c.AccuracyHigh)
		}
		if a, b := m[SpecificityMacro].Value, m[RecallMacro].Value; !goldentest.Near(a, b, 1e-12) {
			t.Errorf("seed %d: with two classes the macro specificity %v is the macro recall %v", c.Seed, a, b)
		}
	}
}

func TestMulticlassGolden(t *testing.T) {
	t.Parallel()
	for _, c := range readGolden(t).Multiclass {
		checkValues(t, multiclassSample(c.Seed, c.N, c.Classes, c.Levels), c.Values, CalibrationError)
	}
}

func TestRegressionGolden(t *testing.T) {
	t.Parallel()
	for _, c := range readGolden(t).Regression {
		u := goldentest.Uniform(c.Seed, 3*c.N)
		p := Regression{Actual: make([]float64, c.N), Predicted: make([]float64, c.N)}
		q := Regression{Actual: p.Actual, Predicted: make([]float64, c.N)}
		for i := range c.N {
			p.Actual[i] = float64(u[i]*10) + 1
			p.Predicted[i] = p.Actual[i] + float64((u[c.N+i]-0.5)*c.Noise)
			q.Predicted[i] = p.Actual[i] + float64((u[2*c.N+i]-0.5)*(c.Noise*1.2))
		}
		m := checkValues(t, p, c.Values)
		if a := m[MSE]; !goldentest.Near(a.Low, c.MSELow, 1e-9) || !goldentest.Near(a.High, c.MSEHigh, 1e-9) {
			t.Errorf("seed %d: MSE in [%v, %v], want [%v, %v]", c.Seed, a.Low, a.High, c.MSELow, c.MSEHigh)
		}
		third := identity(c.N / 3)
		if got := change(p.Measure()[1], q.Pick(third).Measure()[1]); !goldentest.Near(got.P, c.WelchP, 1e-9) {
			t.Errorf("seed %d: Welch's p %v, want %v", c.Seed, got.P, c.WelchP)
		}
	}
}
