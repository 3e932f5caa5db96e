package quality

import (
	"cmp"
	"fmt"
	"slices"
)

// Split says how many rows of either side have one value.
type Split struct{ Baseline, Current int64 }

// Groups counts how the rows with equal values divide between two sides. The zero value has no rows. Values that divide alike share an entry,
// so that it stays small: a million values of one row each are two entries.
type Groups struct {
	splits map[Split]int64 // number of values by how their rows divide
	n, m   int64           // rows of the baseline and of the current side
}

// Add counts a value. It returns ErrBadCount when a count is negative or the sum of a side above 2^52.
func (g *Groups) Add(baseline, current int64) error {
	const most = maxCount / 2
	if baseline < 0 || current < 0 || baseline > most-g.n || current > most-g.m {
		return fmt.Errorf("count rows of a value: %w", ErrBadCount)
	}
	if baseline == 0 && current == 0 {
		return nil
	}
	if g.splits == nil {
		g.splits = make(map[Split]int64)
	}
	g.splits[Split{baseline, current}]++
	g.n, g.m = g.n+baseline, g.m+current
	return nil
}

// GroupNumbers counts the values of two sides sorted in ascending order. −0 and +0 are one value.
func GroupNumbers(baseline, current []float64) (*Groups, error) {
	g := new(Groups)
	return g, AddSorted(g, baseline, current, cmp.Compare[float64])
}

// AddSorted counts the values of two sides sorted in ascending order, in no more memory. None of them may have been counted before.
func AddSorted[T any](g *Groups, baseline, current []T, compare func(a, b T) int) error {
	for i, j := 0, 0; i < len(baseline) || j < len(current); {
		var value T
		if j == len(current) || i < len(baseline) && compare(baseline[i], current[j]) <= 0 {
			value = baseline[i]
		} else {
			value = current[j]
		}
		first, second := i, j
		for i < len(baseline) && compare(baseline[i], value) <= 0 {
			i++
		}
		for j < len(current) && compare(current[j], value) <= 0 {
			j++
		}
		if err := g.Add(int64(i-first), int64(j-second)); err != nil {
			return err
		}
	}
	return nil
}

// GroupCounts counts the categories of two sides.
func GroupCounts(baseline, current map[string]int64) (*Groups, error) {
	g := new(Groups)
	for name, count := range baseline {
		if err := g.Add(count, current[name]); err != nil {
			return nil, err
		}
	}
	for name, count := range current {
		if _, ok := baseline[name]; ok {
			continue
		}
		if err := g.Add(0, count); err != nil {
			return nil, err
		}
	}
	return g, nil
}

// GroupValues counts values that can be compared, in any order.
func GroupValues[T comparable](baseline, current []T) (*Groups, error) {
	splits := make(map[T]Split, len(baseline))
	for _, v := range baseline {
		s := splits[v]
		s.Baseline++
		splits[v] = s
	}
	for _, v := range current {
		s := splits[v]
		s.Current++
		splits[v] = s
	}
	g := new(Groups)
	for _, s := range splits {
		if err := g.Add(s.Baseline, s.Current); err != nil {
			return nil, err
		}
	}
	return g, nil
}

// class is all values with the same number of pooled rows.
type class struct{ size, values int64 }

// classes returns the sizes of the values in ascending order: all that does not change when the pooled rows are divided anew.
func (g *Groups) classes() []class {
	bySize := make(map[int64]int64, len(g.splits))
	for split, values := range g.splits {
		bySize[split.Baseline+split.Current] += values
	}
	classes := make([]class, 0, len(bySize))
	for size, values := range bySize {
		classes = append(classes, class{size, values})
	}
	slices.SortFunc(classes, func(a, b class) int { return cmp.Compare(a.size, b.size) })
	return classes
}
