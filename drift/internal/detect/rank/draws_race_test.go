//go:build race

package rank

// levelDraws are fewer under the race detector, which slows them by an order of magnitude and says nothing about rates.
const levelDraws = 60
