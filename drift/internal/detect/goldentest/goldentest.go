// Package goldentest reads, for tests, the values that the golden scripts wrote
// from the peers, and draws the samples that they are about once more.
package goldentest

import (
	"encoding/json"
	"math"
	"os"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Read returns what a golden file holds: a T, which is a struct of lists, or a map. A list that the file lacks, or that is empty, fails the test,
// which would compare nothing.
func Read[T any](t testing.TB, path string) T {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var g T
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	v := reflect.ValueOf(g)
	if v.Kind() == reflect.Map && v.Len() == 0 {
		t.Fatalf("%s is empty", path)
	}
	if v.Kind() == reflect.Struct {
		for i := range v.NumField() {
			if field := v.Field(i); field.Kind() == reflect.Slice && field.Len() == 0 {
				t.Fatalf("%s lacks %s", path, v.Type().Field(i).Name)
			}
		}
	}
	return g
}

// Source draws numbers in [0,1) with 53 bits by splitmix64, as drift/peers/samples.py does.
type Source struct{ state uint64 }

// NewSource starts at a seed.
func NewSource(seed uint64) *Source { return &Source{seed} }

// Next returns the next number.
func (s *Source) Next() float64 {
	s.state += 0x9E3779B97F4A7C15
	z := s.state
	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9
	z = (z ^ (z >> 27)) * 0x94D049BB133111EB
	z ^= z >> 31
	return float64(z>>11) * 0x1p-53
}

// Uniform returns the first n numbers of a seed.
func Uniform(seed uint64, n int) []float64 {
	source := NewSource(seed)
	values := make([]float64, n)
	for i := range values {
		values[i] = source.Next()
	}
	return values
}

// Sample is a listed sample, or one made from a seed.
type Sample struct {
	Values       []float64
	Seed         uint64
	N            int
	Levels       float64 // that many different values; 0: any
	Shift, Scale float64
}

// Draw returns the sample's values in ascending order.
func (s Sample) Draw() []float64 {
	values := slices.Clone(s.Values)
	for _, u := range Uniform(s.Seed, s.N) {
		if s.Levels > 0 {
			u = math.Floor(u*s.Levels) / s.Levels
		}
		// The conversion keeps the compiler from fusing, which Python does not.
		values = append(values, float64(u*s.Scale)+s.Shift)
	}
	slices.Sort(values)
	return values
}

// Near tells whether got is within a relative tolerance of want.
func Near(got, want, tolerance float64) bool {
	return math.Abs(got-want) <= tolerance*math.Abs(want)
}

// AnySample draws up to a few thousand sorted values, with anything from no
// ties to heavy ones. Long samples come from a seed, since drawing each value
// would be slow.
func AnySample(t *rapid.T, label string) []float64 {
	if rapid.Bool().Draw(t, label+" short") {
		values := rapid.SliceOfN(rapid.Float64Range(-1e3, 1e3), 1, 50).Draw(t, label)
		slices.Sort(values)
		return values
	}
	return Sample{
		Seed:   rapid.Uint64().Draw(t, label+" seed"),
		N:      rapid.IntRange(1, 3000).Draw(t, label+" length"),
		Levels: rapid.SampledFrom([]float64{0, 1, 2, 5, 100, 10_000}).Draw(t, label+" levels"),
		Scale:  rapid.SampledFrom([]float64{1, 0.5, 0.95}).Draw(t, label+" scale"),
		Shift:  rapid.SampledFrom([]float64{0, 0, 0.02, 0.5, 2}).Draw(t, label+" shift"),
	}.Draw()
}
