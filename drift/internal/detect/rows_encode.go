package detect

import (
	"cmp"
	"math"
	"slices"

	"github.com/aumos-enterprise/platform/drift/internal/detect/multivariate"
	"github.com/aumos-enterprise/platform/drift/internal/detect/permutation"
)

// maxLevels is the number of categories of a column that tests of rows tell apart; the rarer ones count as one.
const maxLevels = 32

// rowEncoder turns the columns of both tables into numbers. What it fits, it fits to both sides together and without their labels, so that
// permutations of the sides stay exact.
type rowEncoder struct {
	tables [2]Table // baseline, current
	ended  ended
	places []places // of the columns' categories; empty for numbers
}

// places numbers the categories of a column by their rows on both sides, the most frequent first, and equal ones by name.
type places struct {
	of     [2][]int32 // by side and code
	levels int
	shares []float64 // of the baseline's rows that have a category, by place
}

func newRowEncoder(baseline, current Table, ended ended) *rowEncoder {
	e := &rowEncoder{tables: [2]Table{baseline, current}, ended: ended, places: make([]places, len(baseline.Columns))}
	for k, column := range baseline.Columns {
		if column.Type != Numeric {
			e.places[k] = placeCategories([2]TableColumn{column, current.Columns[k]})
		}
	}
	return e
}

func placeCategories(sides [2]TableColumn) places {
	type category struct {
		name string
		rows [2]int
	}
	index := map[string]int{}
	var categories []category
	var known [2][]int // by side and code, the place in categories
	for side, c := range sides {
		known[side] = make([]int, len(c.Names))
		for code, name := range c.Names {
			at, ok := index[name]
			if !ok {
				at = len(categories)
				index[name] = at
				categories = append(categories, category{name: name})
			}
			known[side][code] = at
		}
		for _, code := range c.Codes {
			if code >= 0 {
				categories[known[side][code]].rows[side]++
			}
		}
	}
	order := make([]int, len(categories))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		x, y := categories[a], categories[b]
		return cmp.Or(cmp.Compare(y.rows[0]+y.rows[1], x.rows[0]+x.rows[1]), cmp.Compare(x.name, y.name))
	})
	place := make([]int32, len(categories))
	p := places{shares: make([]float64, len(categories))}
	total := 0
	for i, at := range order {
		place[at] = int32(i)
		p.shares[i] = float64(categories[at].rows[0])
		total += categories[at].rows[0]
		if categories[at].rows[0]+categories[at].rows[1] > 0 {
			p.levels++
		}
	}
	for i := range p.shares {
		p.shares[i] /= float64(max(total, 1))
	}
	for side := range sides {
		p.of[side] = make([]int32, len(known[side]))
		for code, at := range known[side] {
			p.of[side][code] = place[at]
		}
	}
	return p
}

// value returns a cell as a number: a category's place, and NaN for a missing value.
func (e *rowEncoder) value(side, column, row int) float64 {
	c := &e.tables[side].Columns[column]
	if c.Type == Numeric {
		return c.Numbers[row]
	}
	if c.Codes[row] < 0 {
		return math.NaN()
	}
	return float64(e.places[column].of[side][c.Codes[row]])
}

// columns returns the chosen rows of one side column by column.
func (e *rowEncoder) columns(side int, rows []int) [][]float64 {
	columns := make([][]float64, len(e.places))
	for k := range columns {
		columns[k] = make([]float64, len(rows))
		for i, row := range rows {
			columns[k][i] = e.value(side, k, row)
		}
	}
	return columns
}

// width is the number of columns that encode makes at most.
func (e *rowEncoder) width() int {
	width := 0
	for k := range e.places {
		if e.tables[0].Columns[k].Type == Numeric {
			width += 2
		} else {
			width += min(e.places[k].levels, maxLevels) + 1
		}
	}
	return width
}

// encode makes a matrix of each side for tests of distances: a number becomes its score by the given function of both sides' values together,
// which puts NaN at 0; a category a column of its own that is 1, up to 31 and one for the others. So two categories are as far apart as two
// numbers are on average. Missing values have a column of their own.
func (e *rowEncoder) encode(rows [2][]int, score func(values []float64)) (baseline, current multivariate.Matrix) {
	n := len(rows[0]) + len(rows[1])
	var encoded [][]float64
	for k := range e.places {
		if e.ended.now() {
			break
		}
		values := make([]float64, 0, n)
		for side := range rows {
			for _, row := range rows[side] {
				values = append(values, e.value(side, k, row))
			}
		}
		if missing := indicator(values, math.IsNaN); missing != nil {
			encoded = append(encoded, missing)
		}
		if e.tables[0].Columns[k].Type == Numeric {
			score(values)
			encoded = append(encoded, values)
			continue
		}
		for level := range min(e.places[k].levels, maxLevels) {
			is := func(v float64) bool { return v == float64(level) || level == maxLevels-1 && v > float64(level) }
			if column := indicator(values, is); column != nil {
				encoded = append(encoded, column)
			}
		}
	}
	sides := [2]multivariate.Matrix{multivariate.NewMatrix(len(rows[0]), len(encoded)), multivariate.NewMatrix(len(rows[1]), len(encoded))}
	for k, values := range encoded {
		for i, v := range values {
			if i < len(rows[0]) {
				sides[0].Row(i)[k] = v
			} else {
				sides[1].Row(i - len(rows[0]))[k] = v
			}
		}
	}
	return sides[0], sides[1]
}

// indicator returns a column of ones where the condition holds; nil when it holds nowhere.
func indicator(values []float64, holds func(v float64) bool) []float64 {
	var column []float64
	for i, v := range values {
		if holds(v) {
			if column == nil {
				column = make([]float64, len(values))
			}
			column[i] = 1
		}
	}
	return column
}

// components returns the chosen rows of one side for PCA: numbers as they are, NaN for missing ones, and categories as their share of the
// baseline's rows; a missing one counts as the most frequent.
func (e *rowEncoder) components(side int, rows []int) multivariate.Matrix {
	m := multivariate.NewMatrix(len(rows), len(e.places))
	for k, p := range e.places {
		most := 0.0
		if len(p.shares) > 0 {
			most = slices.Max(p.shares)
		}
		for i, row := range rows {
			v := e.value(side, k, row)
			switch {
			case e.tables[0].Columns[k].Type == Numeric:
			case v != v:
				v = most
			default:
				v = p.shares[int(v)]
			}
			m.Row(i)[k] = v
		}
	}
	return m
}

// sampled draws the rows of each side that a test looks at.
func sampled(seed uint64, name string, baseline, current, most int) [2][]int {
	rng := permutation.Rand(seed, name, "sample")
	return [2][]int{multivariate.Sample(rng, baseline, most), multivariate.Sample(rng, current, most)}
}
