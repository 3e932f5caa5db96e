//go:build race

package detect

// Fewer under the race detector, which slows what is between two looks by an order of magnitude and says nothing about time.
const largeRows, largeVectors = 6_000, 1_500
