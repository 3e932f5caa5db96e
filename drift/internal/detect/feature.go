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
	if len(tests) == 0 {
		for _, t := range DefaultTests(f.Type) {
			tests = append(tests, TestSetting{Test: t})
		}
	}
	isMissing := func(t TestSetting) bool { return t.Test == TestMissingRate }
	if !slices.ContainsFunc(tests, isMissing) {
		tests = append(tests, TestSetting{Test: TestMissingRate})
	}
	for i := range tests {
		tests[i] = tests[i].WithDefaults(f.typeFor(tests[i].Test))
	}
	return tests
}

// DefaultTests returns the tests of a feature that asks for none, beside MISSING_RATE.
func DefaultTests(feature FeatureType) []Test {
	switch feature {
	case Numeric:
		return []Test{TestKS}
	case Categorical, Boolean:
		return []Test{TestChiSquare}
	case Text, Timestamp, Vector:
	}
	return nil
}

// checkFeature returns an error when a feature cannot be evaluated at all.
func checkFeature(f FeatureInput) error {
	if !slices.Contains(AllTypes(), f.Type) {
		return fmt.Errorf("unknown feature type %q", f.Type)
	}
	if f.Importance != nil && (!(*f.Importance >= 0) || finite(*f.Importance) == nil) {
		return errors.New("importance must be a number of at least 0")
	}
	if err := checkSample(f.Type, f.Baseline); err != nil {
		return fmt.Errorf("check baseline: %w", err)
	}
	currentType := f.currentType()
	if !slices.Contains(AllTypes(), currentType) {
		return fmt.Errorf("unknown feature type %q", currentType)
	}
	if err := checkSample(currentType, f.Current); err != nil {
		return fmt.Errorf("check current: %w", err)
	}
	return nil
}

func checkSample(kind FeatureType, s Sample) error {
	if s.Rows < 0 || s.Missing < 0 || s.Missing > s.Rows || s.Rows > maxRows {
		return fmt.Errorf("%d of %d rows missing is out of range", s.Missing, s.Rows)
	}
	used, err := s.used(kind)
	if err != nil {
		return err
	}
	if used != s.Rows-s.Missing {
		return fmt.Errorf("%d usable values do not fit %d rows with %d missing", used, s.Rows, s.Missing)
	}
	return nil
}

// used counts the values of the feature type's own field. No other field may hold any.
func (s Sample) used(kind FeatureType) (int64, error) {
	lengths := map[FeatureType]int{Numeric: len(s.Sorted), Categorical: len(s.Counts), Text: len(s.Texts), Timestamp: len(s.Times), Vector: s.Vectors.numbers()}
	for other, n := range lengths {
		if n > 0 && other != kind && (other != Categorical || kind != Boolean) {
			return 0, fmt.Errorf("%s values in a %s feature", other, kind)
		}
	}
	switch kind {
	case Numeric:
		return int64(len(s.Sorted)), checkOrder(s.Sorted)
	case Categorical, Boolean:
		return s.counted(kind)
	case Text:
		return int64(len(s.Texts)), nil
	case Timestamp:
		if !slices.IsSorted(s.Times) {
			return 0, errors.New("timestamps are not sorted")
		}
		return int64(len(s.Times)), nil
	case Vector:
		return int64(s.Vectors.Rows), s.Vectors.check()
	}
	return 0, nil
}

func (s Sample) counted(kind FeatureType) (used int64, err error) {
	for name, count := range s.Counts {
		if count < 0 || count > maxRows-used {
			return 0, errors.New("category counts are out of range")
		}
		if kind == Boolean && name != "true" && name != "false" {
			return 0, errors.New(`categories other than "true" and "false" in a BOOLEAN feature`)
		}
		used += count
	}
	return used, nil
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
