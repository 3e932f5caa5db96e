package detect

import (
	"encoding/json"
	"testing"
)

// FuzzConventions makes every test with every convention that a feature type has, on samples of arbitrary bytes.
func FuzzConventions(f *testing.F) {
	f.Add([]byte("01234567"), []byte("76543210"), 0.05)
	f.Add([]byte("\x00\x00\x00\x00\x00\x00\x00\x80\x01\x00\x00\x00\x00\x00\x00\x00"), []byte("\xff\xff\xff\xff\xff\xff\xef\x7f\xff\xff\xff\xff\xff\xff\xef\xff"), 0.3)
	f.Add([]byte("aaabbbcc"), []byte("aabbddee"), 0.999)
	f.Fuzz(func(t *testing.T, first, second []byte, fdr float64) {
		var features []FeatureInput
		for _, kind := range []FeatureType{Numeric, Categorical, Boolean} {
			feature := FeatureInput{Name: "fuzzed", Type: kind, Baseline: fuzzed(kind, first, 0, 0), Current: fuzzed(kind, second, 0, 0)}
			for _, spec := range append(distanceSpecs(), categorySpecs()...) {
				for _, c := range spec.Conventions {
					test := TestSetting{Test: spec.Test, Convention: c.Name}
					if test.Validate(kind) == nil {
						feature.Tests = append(feature.Tests, test)
					}
				}
			}
			for _, c := range chiSquareConventions() {
				if kind != Numeric {
					feature.Tests = append(feature.Tests, TestSetting{Test: TestChiSquare, Convention: c.Name})
				}
			}
			features = append(features, feature)
		}
		run := evaluate(t, features, Settings{FDR: fdr, MinRows: 1, Permutations: 99})
		if _, err := json.Marshal(run); err != nil {
			t.Fatal(err)
		}
		for _, feature := range run.Features {
			checkResults(t, feature)
		}
	})
}
