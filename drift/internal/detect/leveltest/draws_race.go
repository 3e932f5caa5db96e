//go:build race

package leveltest

// draws are fewer under the race detector, which slows them by an order of magnitude and says nothing about rates: the lower limits, which leave no
// room for so few, are for the tests without it.
const (
	draws       = 200
	lowerLimits = false
)
