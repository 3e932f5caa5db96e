package univariate

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"
)

// The values in golden.json come from SciPy through ../testdata/golden.py, which
// says what comes from where.
type golden struct {
	KSSamples []struct {
		Name              string
		Baseline, Current sampleSpec
		D, Location, P    float64
		Sign              int
		Exact             bool
	} `json:"ks_samples"`
	KSExact []struct {
		N, M, Steps int64
		P           float64
	} `json:"ks_exact"`
	KSTwo []struct {
		N    int64
		D, P float64
	}
	SmirnovBeyond []struct {
		N           int64
		D, P, SciPy float64
	} `json:"smirnov_beyond"`
	ChiSquareSF []struct {
		DF   int
		X, P float64
	} `json:"chi_square_sf"`
	ChiSquare []struct {
		Name              string
		Baseline, Current []int64
		Statistic, P, V   float64
		DF                int
	} `json:"chi_square"`
	PSI []struct {
		Name              string
		Baseline, Current sampleSpec
		BaselineCounts    []int64 `json:"baseline_counts"`
		CurrentCounts     []int64 `json:"current_counts"`
		PSI, P            float64
		DF                int
	}
	Missing []struct {
		Baseline, Current [2]int64
		Z, P              float64
		Exact             bool
	}
	Fisher []struct {
		Table [4]int64
		P     float64
	}
}

func readGolden(t *testing.T) golden {
	t.Helper()
	data, err := os.ReadFile("../testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	if len(g.KSSamples)*len(g.KSExact)*len(g.KSTwo)*len(g.SmirnovBeyond)*len(g.ChiSquareSF)*
		len(g.ChiSquare)*len(g.PSI)*len(g.Missing)*len(g.Fisher) == 0 {
		t.Fatal("golden.json lacks a list")
	}
	return g
}

// sampleSpec is a listed sample, or one drawn by splitmix64 as golden.py does.
type sampleSpec struct {
	Values       []float64
	Seed         uint64
	N            int
	Levels       float64
	Shift, Scale float64
}

func (s sampleSpec) draw() []float64 {
	values := slices.Clone(s.Values)
	state := s.Seed
	for range s.N {
		state += 0x9E3779B97F4A7C15
		z := state
		z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9
		z = (z ^ (z >> 27)) * 0x94D049BB133111EB
		z ^= z >> 31
		u := float64(z>>11) * 0x1p-53
		if s.Levels > 0 {
			u = math.Floor(u*s.Levels) / s.Levels
		}
		// The conversion keeps the compiler from fusing, which Python does not.
		values = append(values, float64(u*s.Scale)+s.Shift)
	}
	slices.Sort(values)
	return values
}

// near tells whether got is within a relative tolerance of want.
func near(got, want, tolerance float64) bool {
	return math.Abs(got-want) <= tolerance*math.Abs(want)
}

func relative(got, want float64) float64 {
	if got == want {
		return 0
	}
	return math.Abs(got-want) / math.Abs(want)
}
