package stream

import (
	"math"
	"slices"
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/detect/goldentest"
)

// streamSpec is a stream of testdata/streams.json, which testdata/golden.py explains.
type streamSpec struct {
	Kind     string
	Seed     uint64
	Segments [][3]float64
	Listed   string
}

func (s streamSpec) values() (values []float64) {
	for _, c := range s.Listed {
		values = append(values, float64(c-'0'))
	}
	u := goldentest.NewSource(s.Seed)
	for _, segment := range s.Segments {
		low, high := segment[1], segment[2]
		for range int(segment[0]) {
			v := u.Next()
			switch {
			case s.Kind == "numbers":
				v = low + (high-low)*v
			case v < low:
				v = 1
			default:
				v = 0
			}
			values = append(values, v)
		}
	}
	return values
}

func streams(t *testing.T) map[string][]float64 {
	t.Helper()
	specs := goldentest.Read[map[string]streamSpec](t, "testdata/streams.json")
	all := make(map[string][]float64, len(specs))
	for name, spec := range specs {
		all[name] = spec.values()
	}
	return all
}

// found runs a stream and returns its drifts and warning zones as the golden files have them.
func found(t *testing.T, s *Stream, values []float64) (drifts []Drift, warnings [][2]int64) {
	t.Helper()
	for i, x := range values {
		zone, err := s.Update(x)
		if err != nil {
			t.Fatal(err)
		}
		index := int64(i)
		switch zone {
		case Drifted:
			d, ok := s.Last()
			if !ok || d.Index != index || d.Began > index || d.Began < 0 || math.IsNaN(d.After) {
				t.Fatalf("drift at %d: got %+v", index, d)
			}
			drifts = append(drifts, d)
		case Warning:
			if n := len(warnings); n > 0 && warnings[n-1][1] == index-1 {
				warnings[n-1][1] = index
			} else {
				warnings = append(warnings, [2]int64{index, index})
			}
		case Stable:
		}
	}
	return drifts, warnings
}

type goldenCase struct {
	Kind       Kind
	Convention string
	Stream     string
	Parameters map[string]float64
	Drifts     []int64
	Warnings   [][2]int64
}

func (g goldenCase) run(t *testing.T, values []float64, policy Policy) {
	t.Helper()
	s, err := New(Config{Kind: g.Kind, Convention: g.Convention, Parameters: g.Parameters, Policy: policy})
	if err != nil {
		t.Fatal(err)
	}
	drifts, warnings := found(t, s, values)
	var indices []int64
	for _, d := range drifts {
		indices = append(indices, d.Index)
	}
	if !slices.Equal(indices, g.Drifts) {
		t.Errorf("%s %s %v on %s: got drifts %v, want %v", g.Kind, g.Convention, g.Parameters, g.Stream, indices, g.Drifts)
	}
	if !slices.Equal(warnings, g.Warnings) {
		t.Errorf("%s %s %v on %s: got warnings %v, want %v", g.Kind, g.Convention, g.Parameters, g.Stream, warnings, g.Warnings)
	}
}

// TestRiver compares every drift and every warning with River's.
func TestRiver(t *testing.T) {
	t.Parallel()
	golden := goldentest.Read[struct{ Cases []goldenCase }](t, "testdata/river.json")
	all := streams(t)
	for _, g := range golden.Cases {
		g.run(t, all[g.Stream], Restart)
	}
}

// TestMOA compares every drift and every warning with MOA's.
func TestMOA(t *testing.T) {
	t.Parallel()
	golden := goldentest.Read[struct{ Cases []goldenCase }](t, "testdata/moa.json")
	all := streams(t)
	for _, g := range golden.Cases {
		policy := Restart
		if g.Kind == ADWIN {
			policy = Continue
		}
		g.run(t, all[g.Stream], policy)
	}
}
