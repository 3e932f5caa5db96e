//go:build race

package detect_test

// million is less under the race detector, which slows maps by an order of magnitude.
const million = 20_000
