// Package ks is the two-sample Kolmogorov–Smirnov test: the largest difference
// between two distribution functions, where it is, and its p-value, exact for
// small samples. All functions are pure and safe for concurrent use.
package ks

import "errors"

var (
	// ErrEmpty says that a side has no observations, so that there is nothing
	// to compare.
	ErrEmpty = errors.New("sample is empty")

	// ErrNotSorted says that a sample is not in ascending order, or holds NaN
	// or an infinity.
	ErrNotSorted = errors.New("sample is not finite and sorted")
)

// checkSorted returns an error unless values is non-empty, finite and in
// ascending order.
func checkSorted(values []float64) error {
	if len(values) == 0 {
		return ErrEmpty
	}
	if !isFinite(values[0]) || !isFinite(values[len(values)-1]) {
		return ErrNotSorted
	}
	previous := values[0]
	for _, v := range values {
		// The negated form also refuses a NaN, for which no comparison holds.
		if !(previous <= v) {
			return ErrNotSorted
		}
		previous = v
	}
	return nil
}

func isFinite(v float64) bool {
	return v-v == 0
}
