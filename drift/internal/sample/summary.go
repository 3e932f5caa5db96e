package sample

import "math"

// Summary describes one feature of a set. The moments are nil for features that are not numeric, and where they do not exist.
type Summary struct {
	Values, Missing, Distinct         int64
	Min, Max, Mean, StandardDeviation *float64
}

// Summary describes the feature.
func (s Set) Summary(feature int) Summary {
	sample := &s.Samples[feature]
	sum := Summary{Missing: sample.Missing, Values: sample.Rows - sample.Missing, Distinct: int64(len(sample.Counts))}
	values := sample.Sorted
	if len(values) == 0 {
		return sum
	}
	sum.Min, sum.Max = finite(values[0]), finite(values[len(values)-1])
	// Welford's recurrence: one pass, and no large sums to cancel.
	var mean, squares float64
	for i, v := range values {
		if i == 0 || v != values[i-1] {
			sum.Distinct++
		}
		delta := v - mean
		mean += delta / float64(i+1)
		squares += delta * (v - mean)
	}
	sum.Mean = finite(mean)
	if n := len(values); n > 1 {
		sum.StandardDeviation = finite(math.Sqrt(squares / float64(n-1)))
	}
	return sum
}

// finite returns nil for a moment that overflowed.
func finite(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}
