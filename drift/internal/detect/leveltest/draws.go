//go:build !race

package leveltest

const (
	// draws is how many a rate is estimated from.
	draws       = 1000
	lowerLimits = true
)
