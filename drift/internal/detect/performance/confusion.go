package performance

import "math"

// confusion counts rows by true and predicted class.
type confusion struct {
	classes int
	cells   []int64 // classes × classes, true class by row
	actual  []int64 // rows of each true class
	chosen  []int64 // rows of each predicted class
	rows    int64
}

func newConfusion(c Classification) confusion {
	f := confusion{
		classes: c.Classes,
		cells:   make([]int64, c.Classes*c.Classes),
		actual:  make([]int64, c.Classes),
		chosen:  make([]int64, c.Classes),
		rows:    int64(len(c.Actual)),
	}
	for i, a := range c.Actual {
		f.cells[int(a)*c.Classes+int(c.Predicted[i])]++
	}
	for a := range c.Classes {
		for p := range c.Classes {
			f.actual[a] += f.cells[a*c.Classes+p]
			f.chosen[p] += f.cells[a*c.Classes+p]
		}
	}
	return f
}

func (f confusion) hits() (hits int64) {
	for k := range f.classes {
		hits += f.cells[k*f.classes+k]
	}
	return hits
}

// measures of the chosen classes. With no row all of them are undefined.
func (f confusion) measures() []Measure {
	measures := []Measure{proportion(Accuracy, f.hits(), f.rows, "no rows")}
	if f.classes == 2 {
		tn, fp, fn, tp := f.cells[0], f.cells[1], f.cells[2], f.cells[3]
		measures = append(measures,
			proportion(Precision, tp, tp+fp, "no row was predicted positive"),
			proportion(Recall, tp, tp+fn, "no row is positive"),
			proportion(Specificity, tn, tn+fp, "no row is negative"),
			f.binaryF1(tp, fp, fn),
		)
	}
	for _, average := range []struct {
		metric   Metric
		of       func(k int) ratio
		weighted bool
	}{
		{PrecisionMacro, f.precision, false},
		{RecallMacro, f.recall, false},
		{SpecificityMacro, f.specificity, false},
		{F1Macro, f.f1, false},
		{PrecisionWeighted, f.precision, true},
		{F1Weighted, f.f1, true},
	} {
		measures = append(measures, f.average(average.metric, average.of, average.weighted))
	}
	micro := measures[0]
	micro.Metric = F1Micro
	return append(measures, micro)
}

func (f confusion) binaryF1(tp, fp, fn int64) Measure {
	if tp+fp+fn == 0 {
		return undefined(F1, "no row is positive or was predicted so")
	}
	r := f.f1(1)
	variance := f.variance(func(a, p int) float64 { return r.slope(a, p, 1) })
	return inUnit(F1, IntervalWilson, r.value, variance, f.rows, tp+fp+fn)
}

// ratio is a metric of one class: a quotient of sums of cells.
type ratio struct {
	defined     bool
	value       float64
	denominator float64 // as a share of all rows
	// What a cell adds to the numerator and to the denominator.
	top, bottom func(hit, actual, chosen bool) float64
}

// slope is the derivative of the ratio of class k by the share of a cell.
func (r ratio) slope(a, p, k int) float64 {
	if !r.defined {
		return 0
	}
	actual, chosen := a == k, p == k
	return (r.top(actual && chosen, actual, chosen) - r.value*r.bottom(actual && chosen, actual, chosen)) / r.denominator
}

func indicator(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func (f confusion) precision(k int) ratio {
	return f.ratio(f.cells[k*f.classes+k], f.chosen[k], 1,
		func(hit, _, _ bool) float64 { return indicator(hit) },
		func(_, _, chosen bool) float64 { return indicator(chosen) })
}

func (f confusion) recall(k int) ratio {
	return f.ratio(f.cells[k*f.classes+k], f.actual[k], 1,
		func(hit, _, _ bool) float64 { return indicator(hit) },
		func(_, actual, _ bool) float64 { return indicator(actual) })
}

func (f confusion) specificity(k int) ratio {
	negative := f.rows - f.actual[k]
	return f.ratio(negative-f.chosen[k]+f.cells[k*f.classes+k], negative, 1,
		func(_, actual, chosen bool) float64 { return indicator(!actual && !chosen) },
		func(_, actual, _ bool) float64 { return indicator(!actual) })
}

func (f confusion) f1(k int) ratio {
	return f.ratio(f.cells[k*f.classes+k], f.actual[k]+f.chosen[k], 2,
		func(hit, _, _ bool) float64 { return 2 * indicator(hit) },
		func(_, actual, chosen bool) float64 { return indicator(actual) + indicator(chosen) })
}

func (f confusion) ratio(top, bottom int64, factor float64, topOf, bottomOf func(hit, actual, chosen bool) float64) ratio {
	if bottom == 0 {
		return ratio{}
	}
	return ratio{
		defined: true, value: factor * float64(top) / float64(bottom), denominator: float64(bottom) / float64(f.rows),
		top: topOf, bottom: bottomOf,
	}
}

// average is the mean of a metric over the classes that occur: among the true
// or the predicted ones. A ratio without a denominator counts 0 there, as in
// scikit-learn (a class that is never predicted has precision 0), so that a class the
// model gave up does not raise the mean. With a single class the mean is undefined.
func (f confusion) average(m Metric, of func(k int) ratio, weighted bool) Measure {
	var classes []int
	least := f.rows
	for k := range f.classes {
		if f.actual[k]+f.chosen[k] > 0 {
			classes = append(classes, k)
			least = min(least, max(f.actual[k], f.chosen[k]))
		}
	}
	if len(classes) < 2 {
		return undefined(m, "fewer than two classes occur")
	}
	n, value, elsewhere := float64(f.rows), 0.0, 0.0
	ratios := make([]ratio, f.classes)
	weights := make([]float64, f.classes)
	for _, k := range classes {
		ratios[k], weights[k] = of(k), 1/float64(len(classes))
		if weighted {
			weights[k] = float64(f.actual[k]) / n
		}
		value += weights[k] * ratios[k].value
		elsewhere += weights[k] * ratios[k].slope(outside, outside, k)
	}
	variance := f.variance(func(a, p int) float64 {
		// All classes but two see the cell as one outside of their row and column.
		sum := elsewhere + weights[a]*(ratios[a].slope(a, p, a)-ratios[a].slope(outside, outside, a))
		if p != a {
			sum += weights[p] * (ratios[p].slope(a, p, p) - ratios[p].slope(outside, outside, p))
		}
		if weighted {
			sum += ratios[a].value
		}
		return sum
	})
	return inUnit(m, IntervalWilson, value, variance, f.rows, least)
}

// outside is no class.
const outside = -1

// variance is that of a function of the shares of the cells, by the delta method: the variance of its
// derivative over the cells, by n.
func (f confusion) variance(slope func(a, p int) float64) float64 {
	mean, square := 0.0, 0.0
	for a := range f.classes {
		for p := range f.classes {
			share := float64(f.cells[a*f.classes+p]) / float64(f.rows)
			if share == 0 {
				continue
			}
			d := slope(a, p)
			mean += share * d
			square += share * d * d
		}
	}
	return math.Max(0, square-mean*mean) / float64(f.rows)
}
