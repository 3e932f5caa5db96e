package multivariate

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/detect/goldentest"
	"github.com/aumos-enterprise/platform/drift/internal/detect/permutation"
)

// The values in golden.json come from testdata/golden.py, which says what comes from where.
type golden struct {
	Discrepancies []struct {
		Name                  string
		Seed                  uint64
		N, M, Columns         int
		Scale, Shift          float64
		Bandwidth             float64
		MMD, Energy, Centroid struct{ Statistic, Effect float64 }
	}
	NormalScores []struct{ Values, Scores []float64 } `json:"normal_scores"`
	Tails        []struct {
		Weights []float64
		Q, P    float64
	}
	Rankings []struct {
		Baseline, Current []float64
		AUC, Z, DeLong    float64
	}
	Correlations []struct {
		Seed              uint64
		N, M, Columns     int
		Statistic, P      float64
		First, Second     int
		Baseline, Current float64
	}
	Reconstructions []struct {
		Seed                       uint64
		N, M, Columns, Components  int
		Missing, Baseline, Current float64
	}
	Classifiers []struct {
		Seed       uint64
		N, Columns int
		Shift, AUC float64
		Mixed      bool
	}
}

func readGolden(t *testing.T) golden {
	t.Helper()
	return goldentest.Read[golden](t, "testdata/golden.json")
}

func uniformRows(seed uint64, n, columns int, scale, shift float64, mixed bool) Matrix {
	m := Matrix{Rows: n, Columns: columns, Values: goldentest.Uniform(seed, n*columns)}
	for i := range n {
		row := m.Row(i)
		for k := range row {
			if mixed && k > 0 {
				row[k] += row[0]
			}
		}
		for k := range row {
			row[k] = float64(row[k]*scale) + shift
		}
	}
	return m
}

func check(t *testing.T, name string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance*max(1, math.Abs(want))) {
		t.Errorf("%s: %v, want %v", name, got, want)
	}
}

func TestDiscrepancyGolden(t *testing.T) {
	t.Parallel()
	for _, c := range readGolden(t).Discrepancies {
		x, y := uniformRows(c.Seed, c.N, c.Columns, 1, 0, false), uniformRows(c.Seed+1, c.M, c.Columns, c.Scale, c.Shift, false)
		for _, scale := range []float64{1, 0x1p500, 0x1p-500} { // extreme units change nothing else
			p, err := NewPairs(scaled(x, scale), scaled(y, scale), nil)
			if err != nil {
				t.Fatal(err)
			}
			rng := rand.New(rand.NewPCG(1, 1))
			mmd, energy := p.MMD(permutation.Draws{Count: 99, Rand: rng, Alpha: 0.05}), p.Energy(permutation.Draws{Count: 99, Rand: rng, Alpha: 0.05})
			check(t, c.Name+" bandwidth", mmd.Bandwidth/scale, c.Bandwidth, 1e-12)
			check(t, c.Name+" MMD", mmd.Statistic, c.MMD.Statistic, 1e-12)
			check(t, c.Name+" MMD effect", mmd.Effect, c.MMD.Effect, 1e-12)
			check(t, c.Name+" energy", energy.Statistic/scale, c.Energy.Statistic, 1e-12)
			check(t, c.Name+" energy effect", energy.Effect, c.Energy.Effect, 1e-12)
			if scale == 1 {
				centroid := p.Centroid(permutation.Draws{Count: 99, Rand: rng, Alpha: 0.05})
				check(t, c.Name+" centroid", centroid.Statistic, c.Centroid.Statistic, 1e-12)
				check(t, c.Name+" centroid effect", centroid.Effect, c.Centroid.Effect, 1e-12)
			}
		}
	}
}

func scaled(m Matrix, scale float64) Matrix {
	out := NewMatrix(m.Rows, m.Columns)
	for i, v := range m.Values {
		out.Values[i] = v * scale
	}
	return out
}

func TestNormalScoresGolden(t *testing.T) {
	t.Parallel()
	for _, c := range readGolden(t).NormalScores {
		NormalScores(c.Values)
		for i := range c.Values {
			check(t, "score", c.Values[i], c.Scores[i], 1e-12)
		}
	}
}

// TestQuadraticTailGolden: the saddlepoint approximation is within 6 % of the truth.
func TestQuadraticTailGolden(t *testing.T) {
	t.Parallel()
	for _, c := range readGolden(t).Tails {
		p := quadraticTail(c.Weights, c.Q)
		t.Logf("%d weights, q %.3g: %.4g of %.4g", len(c.Weights), c.Q, p, c.P)
		if !(math.Abs(p-c.P) <= 0.06*c.P) {
			t.Errorf("weights %v, q %v: %v, want %v", c.Weights, c.Q, p, c.P)
		}
		if q := criticalQuadratic(c.Weights, p); p > 1e-12 && math.Abs(q-c.Q) > 1e-3*c.Q {
			t.Errorf("weights %v: critical value %v, want %v", c.Weights, q, c.Q)
		}
	}
}

func TestRankingGolden(t *testing.T) {
	t.Parallel()
	for _, c := range readGolden(t).Rankings {
		var rows []scored
		for _, v := range c.Baseline {
			rows = append(rows, scored{v, false})
		}
		for _, v := range c.Current {
			rows = append(rows, scored{v, true})
		}
		s := rankStratum(rows)
		r := rankStrata([]stratum{s}, 1)
		check(t, "AUC", r.AUC, c.AUC, 1e-12)
		check(t, "z", r.Z, c.Z, 1e-9)
		check(t, "DeLong", s.delong, c.DeLong, 1e-12)
	}
}

func TestCorrelationGolden(t *testing.T) {
	t.Parallel()
	for _, c := range readGolden(t).Correlations {
		x, y := uniformRows(c.Seed, c.N, c.Columns, 1, 0, true), uniformRows(c.Seed+1, c.M, c.Columns, 1, 0, false)
		// So many draws that the limit law is used.
		r, err := Correlations(x, y, permutation.Draws{Count: 1 << 40, Rand: rand.New(rand.NewPCG(1, 1)), Alpha: 0.05})
		if err != nil {
			t.Fatal(err)
		}
		if r.Permuted || r.First != c.First || r.Second != c.Second {
			t.Errorf("pair %d, %d, permuted %v, want %d, %d", r.First, r.Second, r.Permuted, c.First, c.Second)
		}
		check(t, "statistic", r.Statistic, c.Statistic, 1e-12)
		check(t, "p", r.P, c.P, 1e-9)
		check(t, "baseline", r.Baseline, c.Baseline, 1e-12)
		check(t, "current", r.Current, c.Current, 1e-12)
	}
}

// TestReconstructionGolden: the errors are those that NannyML reports of one chunk.
func TestReconstructionGolden(t *testing.T) {
	t.Parallel()
	for _, c := range readGolden(t).Reconstructions {
		x, y := uniformRows(c.Seed, c.N, c.Columns, 1, 0, true), uniformRows(c.Seed+1, c.M, c.Columns, 1, 0, false)
		for side, m := range []Matrix{x, y} {
			for i, u := range goldentest.Uniform(c.Seed+50+uint64(side), m.Rows) {
				if u < c.Missing {
					m.Row(i)[1] = math.NaN()
				}
			}
		}
		r, err := ReconstructInSample(x, y, 0.65, nil)
		if err != nil {
			t.Fatal(err)
		}
		if r.Components != c.Components {
			t.Errorf("%d components, want %d", r.Components, c.Components)
		}
		check(t, "baseline", r.BaselineError, c.Baseline, 1e-12)
		check(t, "current", r.CurrentError, c.Current, 1e-12)
	}
}

// TestClassifierGolden: other trees and folds tell the sides apart as well as LightGBM's do, up to chance.
func TestClassifierGolden(t *testing.T) {
	t.Parallel()
	for _, c := range readGolden(t).Classifiers {
		x, y := uniformRows(c.Seed, c.N, c.Columns, 1, 0, false), uniformRows(c.Seed+1, c.N, c.Columns, 1, c.Shift, c.Mixed)
		if c.Mixed {
			for i := range y.Rows {
				for k := range y.Columns - 1 {
					y.Row(i)[k+1] /= 2
				}
			}
		}
		r, err := Classify(x.ByColumn(), y.ByColumn(), permutation.Draws{Rand: rand.New(rand.NewPCG(1, c.Seed)), Alpha: 0.05})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("AUC %.3f in [%.3f, %.3f], LightGBM's %.3f", r.AUC, r.Lower, r.Upper, c.AUC)
		check(t, "AUC", r.AUC, c.AUC, 0.03)
		if !(r.Lower < r.AUC && r.AUC < r.Upper) || (r.P <= 0.05) != (r.AUC >= r.Critical) {
			t.Errorf("AUC %v in [%v, %v], p %v, critical %v", r.AUC, r.Lower, r.Upper, r.P, r.Critical)
		}
	}
}
