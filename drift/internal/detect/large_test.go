//go:build !race

package detect

// What tests of rows and of vectors are given to be left in.
const largeRows, largeVectors = 60_000, 15_000
