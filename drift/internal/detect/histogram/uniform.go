package histogram

import "math"

// Grid counts values that need not be sorted in bins of equal width, by arithmetic in place of a search.
type Grid struct {
	edges  []float64 // −∞, the edges, +∞
	low    float64
	span   float64 // from the first to the last
	bins   float64
	counts [lanes][]int64
}

// lanes is the number of values counted at a time, each in its own row of counts: with one row, the count of a frequent bin would be read
// before the last increment of it is written.
const lanes = 4

// NewGrid returns a grid without values for edges that Edges, Sturges or Doane made.
func NewGrid(edges []float64) *Grid {
	bins := len(edges) - 1
	g := &Grid{edges: make([]float64, 0, bins+3), low: edges[0], span: edges[bins] - edges[0], bins: float64(bins)}
	g.edges = append(g.edges, math.Inf(-1))
	g.edges = append(g.edges, edges...)
	// The last bin holds its upper edge, so that what lies outside begins with the next float.
	g.edges[bins+1] = math.Nextafter(edges[bins], math.Inf(1))
	g.edges = append(g.edges, math.Inf(1))
	for i := range g.counts {
		g.counts[i] = make([]int64, bins+2)
	}
	return g
}

// Add counts finite values in any order. The counts are those of Count, to the last value: the bin that arithmetic finds is corrected by the
// edges themselves, which rounding can put it one off. There are no branches that depend on the values, and no allocation.
func (g *Grid) Add(values []float64) {
	edges := g.edges
	c0, c1, c2, c3 := g.counts[0], g.counts[1], g.counts[2], g.counts[3]
	for ; len(values) >= lanes; values = values[lanes:] {
		c0[g.bin(values[0], edges)]++
		c1[g.bin(values[1], edges)]++
		c2[g.bin(values[2], edges)]++
		c3[g.bin(values[3], edges)]++
	}
	for _, v := range values {
		c0[g.bin(v, edges)]++
	}
}

// bin returns the bin of v: 0 is below the edges, and the last one above.
func (g *Grid) bin(v float64, edges []float64) int {
	// To divide is as fast as to multiply by the inverse, which overflows for a subnormal span.
	i := int(min(max((v-g.low)/g.span*g.bins+1, 0), g.bins+1))
	down, up := 0, 0
	if v < edges[i] {
		down = 1
	}
	if v >= edges[i+1] {
		up = 1
	}
	return i - down + up
}

// Counts returns the number of values in each bin, and of those outside all.
func (g *Grid) Counts() (counts []int64, outside int64) {
	bins := len(g.edges) - 3
	counts = make([]int64, bins)
	for _, lane := range g.counts {
		outside += lane[0] + lane[bins+1]
		for i := range counts {
			counts[i] += lane[i+1]
		}
	}
	return counts, outside
}
