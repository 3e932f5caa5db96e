package assessment

import (
	"fmt"
	"math"
	"slices"

	"github.com/aumos-enterprise/platform/drift/internal/detect/performance"
	"github.com/aumos-enterprise/platform/drift/internal/model"
	"github.com/aumos-enterprise/platform/pkg/errs"
)

// rows is one side as a performance sample, without the rows that lack something.
type rows struct {
	sample  performance.Sample
	usable  []int32 // their places among all rows
	skipped int64
	known   bool // every usable row has its truth
}

// read makes samples of both sides. The truth of the second may be missing where truthOptional.
func (o Output) read(baseline, current side, truthOptional bool) (before, after rows, classes []string, err error) {
	if o.Task == model.Regression {
		if before, err = o.regression(baseline, false); err == nil {
			after, err = o.regression(current, truthOptional)
		}
		return before, after, nil, err
	}
	first, err := o.outputs(baseline, false)
	if err != nil {
		return rows{}, rows{}, nil, err
	}
	second, err := o.outputs(current, truthOptional)
	if err != nil {
		return rows{}, rows{}, nil, err
	}
	if classes, err = o.classes(first, second); err != nil {
		return rows{}, rows{}, nil, err
	}
	before, after = first.rows(classes), second.rows(classes)
	for _, s := range []struct {
		name string
		rows
	}{{"baseline", before}, {"current", after}} {
		if err := s.sample.Validate(); err != nil {
			return rows{}, rows{}, nil, errs.InvalidField("header.output", "%s: %v", s.name, err).With("side", s.name)
		}
	}
	return before, after, classes, nil
}

func (o Output) regression(s side, truthOptional bool) (rows, error) {
	predicted, err := s.numbers(o.Predicted, "header.output.predicted")
	if err != nil {
		return rows{}, err
	}
	var actual []float64
	if _, ok := s.at[o.Actual]; ok || !truthOptional {
		if actual, err = s.numbers(o.Actual, "header.output.actual"); err != nil {
			return rows{}, err
		}
	}
	r := rows{known: actual != nil}
	sample := performance.Regression{Actual: make([]float64, 0, len(predicted)), Predicted: make([]float64, 0, len(predicted))}
	for i, p := range predicted {
		if math.IsNaN(p) || !truthOptional && math.IsNaN(actual[i]) {
			r.skipped++
			continue
		}
		y := 0.0
		if actual != nil {
			y = actual[i]
		}
		if math.IsNaN(y) {
			r.known, y = false, 0
		}
		r.usable = append(r.usable, int32(i))
		sample.Actual, sample.Predicted = append(sample.Actual, y), append(sample.Predicted, p)
	}
	r.sample = sample
	return r, nil
}

// outputs are a classifier's columns on one side.
type outputs struct {
	actual, predicted       labels
	hasActual, hasPredicted bool
	needsActual             bool
	scores                  [][]float64
	scoreOf                 []string
	length                  int
}

func (o Output) outputs(s side, truthOptional bool) (c outputs, err error) {
	c.needsActual, c.length = !truthOptional, int(s.set.Rows)
	if _, ok := s.at[o.Actual]; ok || !truthOptional {
		if c.actual, err = s.labels(o.Actual, "header.output.actual"); err != nil {
			return c, err
		}
		c.hasActual = true
	}
	if o.Predicted != "" {
		if c.predicted, err = s.labels(o.Predicted, "header.output.predicted"); err != nil {
			return c, err
		}
		c.hasPredicted = true
	}
	for i, score := range o.Scores {
		numbers, err := s.numbers(score.Column, fmt.Sprintf("header.output.scores[%d].column", i))
		if err != nil {
			return c, err
		}
		c.scores, c.scoreOf = append(c.scores, numbers), append(c.scoreOf, score.Class)
	}
	return c, nil
}

// classes are those of both sides in order of their names, the positive one of a binary classifier last.
func (o Output) classes(sides ...outputs) ([]string, error) {
	var names []string
	for _, s := range o.Scores {
		names = append(names, s.Class)
	}
	for _, c := range sides {
		names = append(append(names, c.actual.used()...), c.predicted.used()...)
	}
	if o.Positive != "" {
		names = append(names, o.Positive)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if o.Task == model.BinaryClassification {
		return o.binary(names)
	}
	switch {
	case len(names) < 2:
		return nil, errs.InvalidField("header.output.actual", "only one class occurs")
	case len(names) > performance.MaxClasses:
		return nil, errs.InvalidField("header.output.actual", "more than %d classes occur", performance.MaxClasses)
	case len(o.Scores) > 0 && len(o.Scores) != len(names):
		return nil, errs.InvalidField("header.output.scores", "%d classes occur, and %d have a score: %q", len(names), len(o.Scores), names[:min(len(names), 10)])
	case len(o.Scores) == 2: // two classes have one score
		return nil, errs.InvalidField("header.output.task", "is binary classification: there are two classes")
	}
	return names, nil
}

func (o Output) binary(names []string) ([]string, error) {
	if len(names) > 2 {
		return nil, errs.InvalidField("header.output.task", "is binary, and %d classes occur: %q", len(names), names[:min(len(names), 10)])
	}
	positive := o.Positive
	for _, candidate := range []string{"true", "1"} {
		if positive == "" && len(o.Scores) == 1 {
			positive = o.Scores[0].Class
		}
		if positive == "" && slices.Contains(names, candidate) {
			positive = candidate
		}
	}
	if positive == "" {
		return nil, errs.InvalidField("header.output.positive_class", "is needed: the classes are %q", names)
	}
	negative := "not " + positive // never seen
	for _, name := range names {
		if name != positive {
			negative = name
		}
	}
	return []string{negative, positive}, nil
}

// rows makes a performance sample of the rows that lack nothing.
func (c outputs) rows(classes []string) rows {
	index := make(map[string]int32, len(classes))
	for i, name := range classes {
		index[name] = int32(i)
	}
	r := rows{known: c.hasActual}
	actual, predicted := c.actual.recode(index), c.predicted.recode(index)
	for i := range c.length {
		if !c.complete(i) {
			r.skipped++
			continue
		}
		r.known = r.known && actual[i] >= 0
		r.usable = append(r.usable, int32(i))
	}
	sample := performance.Classification{Classes: len(classes), Actual: make([]int32, len(r.usable))}
	if c.hasPredicted {
		sample.Predicted = at(predicted, r.usable)
	}
	if r.known {
		sample.Actual = at(actual, r.usable)
	}
	if len(c.scores) > 0 {
		sample.Scores = make([][]float64, len(c.scores))
		for k, column := range c.scores {
			place := 0
			if len(c.scores) > 1 {
				place = int(index[c.scoreOf[k]])
			}
			sample.Scores[place] = at(column, r.usable)
		}
	}
	r.sample = sample
	return r
}

// complete tells whether a row has all that is needed.
func (c outputs) complete(i int) bool {
	if c.needsActual && c.actual.codes[i] < 0 || c.hasPredicted && c.predicted.codes[i] < 0 {
		return false
	}
	for _, column := range c.scores {
		if math.IsNaN(column[i]) {
			return false
		}
	}
	return true
}

// at returns the values at some rows, in order: the column itself where these are all.
func at[T any](column []T, rows []int32) []T {
	if len(rows) == len(column) {
		return column
	}
	picked := make([]T, len(rows))
	for i, row := range rows {
		picked[i] = column[row]
	}
	return picked
}
