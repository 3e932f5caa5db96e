//go:build race

package performance

// levelPermutations are as few as have a p-value of 0.05 under the race detector, which slows them by an order of magnitude.
const levelPermutations = 19
