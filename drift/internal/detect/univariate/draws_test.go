//go:build !race

package univariate

const (
	// draws is how many a rate is estimated from.
	draws       = 1000
	lowerLimits = true
)
