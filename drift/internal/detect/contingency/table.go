package contingency

import (
	"cmp"
	"fmt"
	"slices"
)

// minExpected is the smallest number of rows that each side must expect in a
// cell of a tested table. With 2, and the rest pooled, the chi-square
// approximation holds its level for uniform, geometric and Zipf-like
// categories from 30 rows a side on.
const minExpected = 2

// Category is one category with the rows of both sides in it.
type Category struct {
	Name              string
	Baseline, Current int64
}

// Table is a 2×k contingency table.
type Table struct {
	Categories []Category // sorted by name; those with no rows on both sides are left out
	BaselineN  int64
	CurrentN   int64
}

// NewTable lines up the counts of two sides. It returns ErrBadCount when a
// count is negative or a side's sum is above 2^53; an empty side is allowed.
func NewTable(baseline, current map[string]int64) (Table, error) {
	rows := make(map[string]Category, len(baseline))
	var table Table
	for name, count := range baseline {
		if count < 0 || count > maxCount-table.BaselineN {
			return Table{}, fmt.Errorf("count baseline categories: %w", ErrBadCount)
		}
		table.BaselineN += count
		rows[name] = Category{Name: name, Baseline: count}
	}
	for name, count := range current {
		if count < 0 || count > maxCount-table.CurrentN {
			return Table{}, fmt.Errorf("count current categories: %w", ErrBadCount)
		}
		table.CurrentN += count
		row := rows[name]
		row.Name, row.Current = name, count
		rows[name] = row
	}
	for _, row := range rows {
		if row.Baseline > 0 || row.Current > 0 {
			table.Categories = append(table.Categories, row)
		}
	}
	slices.SortFunc(table.Categories, func(a, b Category) int { return cmp.Compare(a.Name, b.Name) })
	return table, nil
}

// Unseen returns the categories that only the current side has, by name.
func (t Table) Unseen() []Category {
	return t.filter(func(c Category) bool { return c.Baseline == 0 })
}

// Vanished returns the categories that only the baseline has, by name.
func (t Table) Vanished() []Category {
	return t.filter(func(c Category) bool { return c.Current == 0 })
}

func (t Table) filter(keep func(Category) bool) []Category {
	var kept []Category
	for _, c := range t.Categories {
		if keep(c) {
			kept = append(kept, c)
		}
	}
	return kept
}

// pooled returns the cells of the table that is tested, and the number of
// categories pooled into its last cell, or into its smallest.
//
// A category is rare when the smaller side expects fewer than minExpected rows
// of it, given the totals. Rare categories become one cell; if even that is
// rare, it joins the smallest other cell, provided two others remain. The rule
// looks at the totals of both sides together and never at which side a row is
// on, so that it does not disturb the null distribution.
func (t Table) pooled() (cells []cell, rare int, err error) {
	if t.BaselineN == 0 || t.CurrentN == 0 {
		return nil, 0, ErrEmpty
	}
	smaller := float64(min(t.BaselineN, t.CurrentN)) / (float64(t.BaselineN) + float64(t.CurrentN))
	isRare := func(c cell) bool {
		return (float64(c.baseline)+float64(c.current))*smaller < minExpected
	}
	var rest cell
	for _, category := range t.Categories {
		c := cell{category.Baseline, category.Current}
		if !isRare(c) {
			cells = append(cells, c)
			continue
		}
		rest.baseline += c.baseline
		rest.current += c.current
		rare++
	}
	switch {
	case rare == 0:
	case isRare(rest) && len(cells) >= 2:
		smallest := 0
		for i, c := range cells {
			if c.baseline+c.current < cells[smallest].baseline+cells[smallest].current {
				smallest = i
			}
		}
		cells[smallest].baseline += rest.baseline
		cells[smallest].current += rest.current
	default:
		cells = append(cells, rest)
	}
	return cells, rare, nil
}

// Pooled returns the rows of both sides in the cells that ChiSquare tests, but at most so many cells, at least 2: the most frequent categories,
// and one cell for all others. It returns ErrEmpty when a side has no rows.
func (t Table) Pooled(most int) (baseline, current []int64, err error) {
	cells, _, err := t.pooled()
	if err != nil {
		return nil, nil, err
	}
	if len(cells) > most {
		// Categories come by name, which the stable sort keeps among equals.
		slices.SortStableFunc(cells, func(a, b cell) int { return cmp.Compare(b.baseline+b.current, a.baseline+a.current) })
		for _, c := range cells[most:] {
			cells[most-1].baseline += c.baseline
			cells[most-1].current += c.current
		}
		cells = cells[:most]
	}
	for _, c := range cells {
		baseline, current = append(baseline, c.baseline), append(current, c.current)
	}
	return baseline, current, nil
}

// Counts returns the rows of both sides in every category.
func (t Table) Counts() (baseline, current []int64) {
	for _, c := range t.Categories {
		baseline, current = append(baseline, c.Baseline), append(current, c.Current)
	}
	return baseline, current
}
