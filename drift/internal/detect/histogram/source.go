package histogram

// Source tells where the rows of two samples lie on the line. A Pair is what was observed; a permutation test makes others up.
type Source interface {
	Sizes() (baseline, current int)

	// Value returns the value of a rank of the baseline, from 1 for its smallest to its size.
	Value(rank int) float64

	// Below and UpTo return how many rows of the baseline and of the current sample are below v, or at most v.
	Below(v float64) [2]int
	UpTo(v float64) [2]int
}

// Pair is two samples as they are: finite and sorted.
type Pair struct {
	Baseline, Current []float64
}

// Sizes returns the numbers of rows.
func (p Pair) Sizes() (baseline, current int) { return len(p.Baseline), len(p.Current) }

// Value returns the order statistic of a rank of the baseline.
func (p Pair) Value(rank int) float64 { return p.Baseline[rank-1] }

// Below counts the rows below v.
func (p Pair) Below(v float64) [2]int { return [2]int{Below(p.Baseline, v), Below(p.Current, v)} }

// UpTo counts the rows that are at most v.
func (p Pair) UpTo(v float64) [2]int { return [2]int{UpTo(p.Baseline, v), UpTo(p.Current, v)} }

// CountSource returns the rows of both sides between ascending edges, as Count does, with a last bin for those outside. Both slices are
// appended to.
func CountSource(s Source, edges []float64, baseline, current []int64) (a, b []int64) {
	from := s.Below(edges[0])
	outside := from
	for i, edge := range edges[1:] {
		to := s.Below(edge)
		if i == len(edges)-2 {
			to = s.UpTo(edge)
		}
		baseline, current = append(baseline, int64(to[0]-from[0])), append(current, int64(to[1]-from[1]))
		from = to
	}
	n, m := s.Sizes()
	return append(baseline, int64(outside[0]+n-from[0])), append(current, int64(outside[1]+m-from[1]))
}
