// Package quality has tests of defects in data: values outside the range that the baseline had, values that repeat, columns that became
// constant, categories that never came before, and values written in another way.
//
// Their null hypothesis is that the rows of both sides are exchangeable: drawn independently from one distribution. What a defect is then
// worth follows from counting the divisions of the pooled rows into two sides, without a word about the distribution itself.
package quality

import (
	"errors"
	"math"
)

// Errors of bad input.
var (
	ErrEmpty    = errors.New("a side has no rows")
	ErrBadCount = errors.New("count out of range")
)

// maxCount keeps counts exact as floats.
const maxCount = 1 << 53

// noneDrawn is the probability that none of some marked rows is among the drawn ones, of total rows: C(total−marked, drawn)/C(total, drawn).
// Products of more than a million factors are taken at their middle one, which is right to 1e-9.
func noneDrawn(total, marked, drawn int64) float64 {
	const long = 1 << 20
	marked, drawn = min(marked, drawn), max(marked, drawn)
	if marked+drawn > total {
		return 0
	}
	if marked > long {
		return math.Exp(float64(marked) * math.Log1p(-float64(drawn)/(float64(total)-float64(marked-1)/2)))
	}
	p := 1.0
	for i := range marked {
		if p *= float64(total-drawn-i) / float64(total-i); p == 0 {
			break
		}
	}
	return p
}
