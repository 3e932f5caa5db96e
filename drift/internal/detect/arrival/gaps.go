package arrival

import (
	"math"
	"slices"
	"sort"

	"github.com/aumos-enterprise/platform/drift/internal/detect/permutation"
)

const (
	// maxEdges is the number of gaps at which the distribution functions are compared at most: the pooled percentiles.
	maxEdges = 100
	// maxBlocks is the number of blocks of a side at most; of more, as many evenly spaced ones are taken.
	maxBlocks = 2_000
	// minBlocks is the number of blocks that each side needs: of twice four, any division has a p-value of 1/70 at least.
	minBlocks = 4
)

// Gaps is the outcome of comparing the gaps between rows.
type Gaps struct {
	D            float64 // the largest distance of the distribution functions, in [0,1]
	Above, Below float64 // by how much the baseline's function lies above the current one at most, and below: above when gaps grew
	Location     float64 // the gap at which they lie farthest apart, in microseconds
	Critical     float64 // D at p = alpha; NaN where there is none
	P            float64
}

// CompareGaps compares the distributions of the gaps between neighbouring instants by the Kolmogorov–Smirnov distance at the pooled percentiles.
//
// Gaps that follow each other are seldom independent, since rows come in bursts. So P does not come from gaps but from blocks of ⌈√g⌉
// neighbouring gaps, where g is the number of gaps of the smaller side, that are given to the sides anew: right where gaps farther apart than a
// block are independent and where rows come at no other rate at other hours, or both sides cover the same hours. Gaps that fill no block are left
// out.
//
// It returns ErrTooFew when a side has no four blocks, for which it takes 21 instants.
func CompareGaps(baseline, current []int64, d permutation.Draws) (Gaps, error) {
	size := max(1, int(math.Ceil(math.Sqrt(float64(min(len(baseline), len(current))-1)))))
	before, after := blocks(baseline, size), blocks(current, size)
	if len(before) < minBlocks || len(after) < minBlocks {
		return Gaps{}, ErrTooFew
	}
	n := len(before)
	all := append(before, after...)
	edges := percentiles(all)
	counted := make([]counts, len(all))
	for i, block := range all {
		for _, gap := range block {
			counted[i][sort.Search(len(edges), func(k int) bool { return edges[k] >= gap })]++
		}
	}
	pooled := make([]*counts, len(all))
	for i := range counted {
		pooled[i] = &counted[i]
	}
	total, first := add(pooled), add(pooled[:n])
	var g Gaps
	var place int
	g.Above, g.Below, place = first.distances(&total)
	g.D, g.Location = max(g.Above, g.Below), float64(edges[place])
	side := min(n, len(all)-n)
	drawn, exceed := make([]float64, d.Count), 0
	for i := range drawn {
		for j := range side { // the first ones of a shuffle
			k := j + d.Rand.IntN(len(pooled)-j)
			pooled[j], pooled[k] = pooled[k], pooled[j]
		}
		own := add(pooled[:side])
		above, below, _ := own.distances(&total)
		drawn[i] = max(above, below)
		if drawn[i] >= g.D-1e-12 {
			exceed++
		}
	}
	g.P, g.Critical = permutation.PValue(exceed, d.Count), permutation.Critical(drawn, d.Alpha)
	return g, nil
}

// blocks cuts the gaps between instants into blocks of one size, in order.
func blocks(times []int64, size int) [][]uint64 {
	if len(times) < 2 {
		return nil
	}
	count := (len(times) - 1) / size
	taken := min(count, maxBlocks)
	list := make([][]uint64, taken)
	for i := range list {
		start := i * count / taken * size
		block := make([]uint64, size)
		for j := range block {
			block[j] = uint64(times[start+j+1]) - uint64(times[start+j]) // ascending: right even where the difference overflows
		}
		list[i] = block
	}
	return list
}

// percentiles returns the distinct ones of all gaps, in ascending order.
func percentiles(blocks [][]uint64) []uint64 {
	sorted := slices.Sorted(func(yield func(uint64) bool) {
		for _, block := range blocks {
			for _, gap := range block {
				if !yield(gap) {
					return
				}
			}
		}
	})
	edges := make([]uint64, 0, maxEdges)
	for i := 1; i <= maxEdges; i++ {
		edges = append(edges, sorted[(i*len(sorted)+maxEdges-1)/maxEdges-1])
	}
	return slices.Compact(edges)
}

// counts are gaps by the smallest percentile that they do not exceed.
type counts [maxEdges]int64

func add(blocks []*counts) (sum counts) {
	for _, b := range blocks {
		for i, count := range b {
			sum[i] += count
		}
	}
	return sum
}

// distances returns the largest differences of the distribution function of these gaps to that of the others of total, both ways, and the
// place of the larger one.
func (c *counts) distances(total *counts) (above, below float64, place int) {
	var own, all, n, m int64
	for i := range c {
		own += c[i]
		all += total[i]
	}
	for i := range c {
		n, m = n+c[i], m+total[i]-c[i]
		difference := float64(n)/float64(own) - float64(m)/float64(all-own)
		if math.Abs(difference) > max(above, below) {
			place = i
		}
		above, below = max(above, difference), max(below, -difference)
	}
	return above, below, place
}
