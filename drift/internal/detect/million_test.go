//go:build !race

package detect_test

// million is how many categories an identifier has.
const million = 1_000_000

// oddDraws is how many permutations are made of input that only has to have an answer.
const oddDraws = 99
