//go:build !race

package performance

// levelPermutations are those of one null draw.
const levelPermutations = 99
