//go:build race

package multivariate

// The race detector makes samples a dozen times as slow; the rates are checked without it.
const trials = 8
