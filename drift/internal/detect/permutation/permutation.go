// Package permutation makes p-values from re-labelled samples: under the null hypothesis that both sides come from one distribution, every
// division of the pooled rows into two sides of the same sizes is as likely as the one at hand.
package permutation

import (
	"hash/fnv"
	"math/rand/v2"
)

// PValue returns (exceed+1)/(draws+1), where exceed counts the draws whose statistic is at least as extreme as the observed one. The data at
// hand count as one of the draws, so that the p-value is never 0 and the test holds its level exactly (B. Phipson and G. K. Smyth, 2010).
func PValue(exceed, draws int) float64 { return float64(exceed+1) / float64(draws+1) }

// Draws say how the p-value of a test is made.
type Draws struct {
	Count int        // re-labelled samples
	Rand  *rand.Rand // used by one goroutine
	Alpha float64    // the p-value of the critical statistic

	// Ended is asked before each, and now and then by what else takes long, unless it is nil; once it is true, no more are made, and what is
	// returned is of no use.
	Ended func() bool
}

// Over tells whether no more are to be made.
func (d Draws) Over() bool { return d.Ended != nil && d.Ended() }

// Rand returns the source of one test's draws. Each test of each feature has its own, so that a result does not depend on which other tests
// are made, or in what order.
func Rand(seed uint64, names ...string) *rand.Rand {
	h := fnv.New64a()
	for _, name := range names {
		_, _ = h.Write([]byte(name)) // never fails
		_, _ = h.Write([]byte{0})
	}
	return rand.New(rand.NewPCG(seed, h.Sum64()))
}
