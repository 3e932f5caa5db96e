package detect

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"testing"
)

// FuzzEvaluate checks that no input makes a run that cannot be stored, and that
// no verdict comes without numbers.
func FuzzEvaluate(f *testing.F) {
	f.Add([]byte("01234567"), []byte("76543210"), int64(1), int64(0), 0.05, 0.1)
	f.Add([]byte{}, []byte{}, int64(0), int64(0), 0.0, 0.0)
	f.Add([]byte("aaabbbcc"), []byte("aabbddee"), int64(-1), int64(9), math.NaN(), math.Inf(1))
	f.Fuzz(func(t *testing.T, first, second []byte, rows, missing int64, fdr, minEffect float64) {
		tests := []TestSetting{{Test: TestKS, MinEffect: minEffect}, {Test: TestPSI, MinEffect: minEffect}, {Test: TestChiSquare}}
		var features []FeatureInput
		for _, kind := range []FeatureType{Numeric, Categorical, Boolean} {
			features = append(
				features,
				FeatureInput{Name: "fuzzed", Type: kind, Tests: tests, Baseline: fuzzed(kind, first, rows, missing), Current: fuzzed(kind, second, 0, 0)},
				FeatureInput{Name: "default", Type: kind, Baseline: fuzzed(kind, first, 0, 0), Current: fuzzed(kind, second, 0, missing)},
			)
		}
		run := evaluate(t, features, Settings{FDR: fdr, MinRows: 1})
		if _, err := json.Marshal(run); err != nil {
			t.Fatal(err)
		}
		for _, feature := range run.Features {
			checkResults(t, feature)
		}
	})
}

// fuzzed makes a sample of bytes, with extra rows that may not fit.
func fuzzed(kind FeatureType, data []byte, rows, missing int64) Sample {
	s := Sample{Missing: missing}
	if kind == Numeric {
		for ; len(data) >= 8; data = data[8:] {
			s.Sorted = append(s.Sorted, math.Float64frombits(binary.LittleEndian.Uint64(data)))
		}
		SortFloat64s(s.Sorted)
		s.Rows = int64(len(s.Sorted)) + missing + rows
		return s
	}
	s.Counts = map[string]int64{}
	for _, b := range data {
		name := string(rune(b))
		if kind == Boolean && b%2 == 0 {
			name = "true"
		} else if kind == Boolean {
			name = "false"
		}
		s.Counts[name]++
	}
	s.Rows = int64(len(data)) + missing + rows
	return s
}
