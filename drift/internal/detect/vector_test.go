package detect

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func vectors(rng *rand.Rand, rows, columns int, shift float64) Sample {
	values := make([]float32, rows*columns)
	for i := range values {
		values[i] = float32(rng.NormFloat64() + shift)
	}
	return Sample{Vectors: NewMatrix(columns, values), Rows: int64(rows)}
}

// vectorTests are all tests of the distribution of VECTOR features, each in all its conventions.
func vectorTests() []TestSetting {
	var tests []TestSetting
	for _, spec := range Catalog() {
		for _, c := range spec.Conventions {
			if spec.Test.Applies(Vector) && spec.Kind != KindQuality && (len(c.Types) == 0 || slices.Contains(c.Types, Vector)) {
				tests = append(tests, TestSetting{Test: spec.Test, Convention: c.Name})
			}
		}
	}
	return tests
}

func TestVectors(t *testing.T) {
	t.Parallel()
	if len(vectorTests()) < 7 {
		t.Fatalf("tests of vectors: %v", vectorTests())
	}
	for name, c := range map[string]struct {
		columns int
		shift   float64
		drift   bool
	}{
		"equal":         {16, 0, false},
		"equal, wide":   {100, 0, false}, // more columns than rows of either side
		"shifted":       {16, 0.5, true},
		"shifted, wide": {100, 0.5, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(1, uint64(c.columns)))
			feature := FeatureInput{Name: "embedding", Type: Vector, Tests: vectorTests(), Baseline: vectors(rng, 90, c.columns, 0), Current: vectors(rng, 70, c.columns, c.shift)}
			result := Compare(feature, Settings{Seed: 1, Permutations: 99})
			for _, r := range result.Results {
				// A shift of everything changes no correlation, and mostly lies inside the space of the components or far outside of it.
				if r.Test == TestCovariance || r.Test == TestPCAReconstruction || r.Test == TestMissingRate {
					continue
				}
				if want := map[bool]Status{false: StatusOK, true: StatusDrift}[c.drift]; r.Status != want {
					t.Errorf("%s: %s %s, want %s", r.Convention, r.Status, r.Reason, want)
				}
				if len(r.Contributions) > 0 {
					t.Errorf("%s: contributions of nameless columns", r.Convention)
				}
			}
		})
	}
}

// TestVectorsOfOneNumberHaveAnswers: what cannot be asked of them is not applicable.
func TestVectorsOfOneNumberHaveAnswers(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 1))
	feature := FeatureInput{Name: "embedding", Type: Vector, Tests: vectorTests(), Baseline: vectors(rng, 50, 1, 0), Current: vectors(rng, 50, 1, 0)}
	for _, r := range Compare(feature, Settings{}).Results {
		want := StatusOK
		if r.Test == TestCovariance || r.Test == TestPCAReconstruction {
			want = StatusNotApplicable
		}
		if r.Status != want {
			t.Errorf("%s: %s %s, want %s", r.Convention, r.Status, r.Reason, want)
		}
	}
}

// TestHugeVectorsHideNothing: nothing overflows.
func TestHugeVectorsHideNothing(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 1))
	huge := vectors(rng, 150, 4, 0)
	for i, v := range huge.Vectors.Pieces[0] {
		huge.Vectors.Pieces[0][i] = 1e36 * (150 + v)
	}
	feature := FeatureInput{Name: "embedding", Type: Vector, Baseline: vectors(rng, 200, 4, 0), Current: huge}
	for _, test := range []Test{TestEnergy, TestCentroidShift} {
		if got := only(t, feature, test, ""); got.Status != StatusDrift || !(*got.Statistic > 1e37) {
			t.Errorf("got %+v", got)
		}
	}
}
