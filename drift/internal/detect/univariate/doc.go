// Package univariate holds the two-sample tests that compare one feature's
// baseline with its current values.
//
// Each test states its null hypothesis, returns a p-value in [0,1] that is
// never NaN, and an effect that does not grow with the sample sizes. Deciding
// whether an effect matters, correcting for many tests, and telling it to
// someone belong to the package detect. All functions are pure and safe for
// concurrent use.
package univariate

import "errors"

var (
	// ErrEmpty says that a side has no observations, so that there is nothing
	// to compare.
	ErrEmpty = errors.New("sample is empty")

	// ErrNotSorted says that a sample is not in ascending order, or holds NaN
	// or an infinity.
	ErrNotSorted = errors.New("sample is not finite and sorted")

	// ErrBadCount says that a count is negative, larger than its total, or
	// larger than 2^53.
	ErrBadCount = errors.New("count is out of range")
)

// maxCount keeps counts and their sums exact, as integers and as floats.
const maxCount = 1 << 53

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

// clip forces a probability that rounding moved out of [0,1] back into it.
func clip(p float64) float64 {
	return min(max(p, 0), 1)
}
