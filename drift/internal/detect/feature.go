package detect

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// maxRows keeps counts exact as floats.
const maxRows = 1 << 53

// plannedTests returns the tests of a feature with defaults filled in.
func plannedTests(f FeatureInput) []TestSetting {
	tests := slices.Clone(f.Tests)
	if len(tests) == 0 && f.Type == Numeric {
		tests = append(tests, TestSetting{Test: TestKS})
	} else if len(tests) == 0 {
		tests = append(tests, TestSetting{Test: TestChiSquare})
	}
	isMissing := func(t TestSetting) bool { return t.Test == TestMissingRate }
	if !slices.ContainsFunc(tests, isMissing) {
		tests = append(tests, TestSetting{Test: TestMissingRate})
	}
	for i := range tests {
		if tests[i].MinEffect == 0 {
			tests[i].MinEffect = DefaultMinEffect(tests[i].Test)
		}
	}
	return tests
}

// checkFeature returns an error when a feature cannot be evaluated at all.
func checkFeature(f FeatureInput) error {
	switch f.Type {
	case Numeric, Categorical, Boolean:
	default:
		return fmt.Errorf("unknown feature type %q", f.Type)
	}
	if err := checkSample(f.Type, f.Baseline); err != nil {
		return fmt.Errorf("check baseline: %w", err)
	}
	if err := checkSample(f.Type, f.Current); err != nil {
		return fmt.Errorf("check current: %w", err)
	}
	return nil
}

func checkSample(kind FeatureType, s Sample) error {
	if s.Rows < 0 || s.Missing < 0 || s.Missing > s.Rows || s.Rows > maxRows {
		return fmt.Errorf("%d of %d rows missing is out of range", s.Missing, s.Rows)
	}
	var used int64
	if kind == Numeric {
		if len(s.Counts) > 0 {
			return errors.New("category counts in a numeric feature")
		}
		if err := checkOrder(s.Sorted); err != nil {
			return err
		}
		used = int64(len(s.Sorted))
	} else {
		if len(s.Sorted) > 0 {
			return fmt.Errorf("numbers in a %s feature", kind)
		}
		for _, count := range s.Counts {
			if count < 0 || count > maxRows-used {
				return errors.New("category counts are out of range")
			}
			used += count
		}
		for name := range s.Counts {
			if kind == Boolean && name != "true" && name != "false" {
				return errors.New(`categories other than "true" and "false" in a BOOLEAN feature`)
			}
		}
	}
	if used != s.Rows-s.Missing {
		return fmt.Errorf("%d usable values do not fit %d rows with %d missing", used, s.Rows, s.Missing)
	}
	return nil
}

// checkOrder keeps summaries from being made of values out of order, for which
// the tests would report an error of their own.
func checkOrder(sorted []float64) error {
	previous := math.Inf(-1)
	for _, v := range sorted {
		if !(previous <= v) {
			return errors.New("values are not sorted")
		}
		previous = v
	}
	if len(sorted) > 0 && (math.IsInf(sorted[0], 0) || math.IsInf(previous, 0)) {
		return errors.New("values are not finite")
	}
	return nil
}

// usable is the number of values that a distribution test has.
func (s Sample) usable() int64 { return s.Rows - s.Missing }

// finite returns a pointer to v, or nil when v is no number that can be stored.
func finite(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}
