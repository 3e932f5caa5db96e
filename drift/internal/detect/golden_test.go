package detect

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"
)

// golden is the part of testdata/golden.json that concerns this package; the
// rest belongs to univariate.
type golden struct {
	FalseDiscovery []struct{ P, Q []float64 } `json:"false_discovery"`
	Summaries      []struct {
		Sample         sampleSpec
		Mean, Min, Max float64
		Std            *float64
		Quantiles      []float64
	}
}

type sampleSpec struct {
	Values       []float64
	Seed         uint64
	N            int
	Levels       float64
	Shift, Scale float64
}

// draw repeats the samples of testdata/golden.py: splitmix64.
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
		values = append(values, float64(u*s.Scale)+s.Shift)
	}
	slices.Sort(values)
	return values
}

func readGolden(t *testing.T) golden {
	t.Helper()
	data, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	if len(g.FalseDiscovery)*len(g.Summaries) == 0 {
		t.Fatal("golden.json lacks a list")
	}
	return g
}

func near(got, want, tolerance float64) bool {
	return math.Abs(got-want) <= tolerance*math.Abs(want)
}
