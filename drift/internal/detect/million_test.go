//go:build !race

package detect_test

// million is how many categories an identifier has.
const million = 1_000_000
