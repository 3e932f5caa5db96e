package quality

import "github.com/aumos-enterprise/platform/drift/internal/detect/tail"

// Constant is the outcome of looking for a column that has one value only.
type Constant struct {
	Constant bool    // all current values are one
	Variety  float64 // share of the baseline's values that were others, in [0,1]; 0 unless Constant
	P        float64 // one-sided, exact
}

// BecameConstant tests whether the current side has one value only though the rows of both sides come from one distribution. Of all divisions
// of the pooled rows, those count that leave one value to the current side,
//
//	P = Σ C(g, m)/C(N, m)  over the values with g of the N pooled rows,
//
// where m is the number of current rows. P is 1 when the current side has several values.
//
// It returns ErrEmpty when a side has no rows.
func BecameConstant(g *Groups) (Constant, error) {
	if g.n == 0 || g.m == 0 {
		return Constant{}, ErrEmpty
	}
	result := Constant{P: 1}
	for split := range g.splits {
		if split.Current == g.m {
			result.Constant = true
			result.Variety = 1 - float64(split.Baseline)/float64(g.n)
		}
	}
	if !result.Constant {
		return result, nil
	}
	result.P = 0
	total := g.n + g.m
	for _, c := range g.classes() {
		result.P += float64(c.values) * noneDrawn(total, total-c.size, g.m)
	}
	result.P = tail.Clip(result.P)
	return result, nil
}
