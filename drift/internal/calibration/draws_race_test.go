//go:build race

package calibration

// quickDraws are fewer under the race detector, which slows them by an order of magnitude and says nothing about rates.
const quickDraws = 16
