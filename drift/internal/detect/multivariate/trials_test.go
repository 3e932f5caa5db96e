//go:build !race

package multivariate

// trials is the number of samples behind a rate.
const trials = 250
