// Package performance measures how good a model's predictions were, once the
// truth is known, and whether they got better or worse since a baseline.
//
// A measure has a value, the rows that it is of, and a 95 % confidence
// interval; a comparison of two samples has a two-sided p-value for the null
// hypothesis that the metric is the same for both. What cannot be computed,
// such as an area under the curve where only one class occurs, says why and has no number:
// it never reads as 0. All functions are pure, safe for concurrent use, and do not depend on
// the order of the rows.
package performance

import (
	"errors"
	"fmt"
	"math"
)

// ErrBadSample says that a sample cannot be used: columns of different
// lengths, a class that does not exist, or a number that is not finite.
var ErrBadSample = errors.New("sample is not usable")

// MaxClasses bounds the confusion matrix.
const MaxClasses = 1000

// Sample is what a model said about rows and what turned out to be true:
// Classification or Regression.
type Sample interface {
	// Rows returns the number of rows.
	Rows() int

	// Validate returns an error that wraps ErrBadSample when the sample cannot
	// be used. An empty sample can be.
	Validate() error

	// Measure returns all metrics of the sample, in a fixed order. The sample must be valid.
	Measure() []Measure

	// Pick returns the sample of the rows with these indices.
	Pick(rows []int32) Sample

	// join returns the rows of both samples, and whether they are of one kind.
	join(other Sample) (Sample, bool)
}

// Classification is a classifier's output beside the true classes. A class is
// its number, from 0; of two classes, 1 is the positive one.
type Classification struct {
	Classes   int     // 2 to MaxClasses
	Actual    []int32 // the true classes
	Predicted []int32 // the classes that the model chose; nil without

	// Scores are the model's probabilities in [0,1], a column for each class, or
	// with two classes one column: that of class 1. Nil without.
	Scores [][]float64
}

// Rows returns the number of rows.
func (c Classification) Rows() int { return len(c.Actual) }

// Validate returns an error that wraps ErrBadSample for a sample that cannot be used.
func (c Classification) Validate() error {
	if c.Classes < 2 || c.Classes > MaxClasses {
		return fmt.Errorf("%d classes, want 2 to %d: %w", c.Classes, MaxClasses, ErrBadSample)
	}
	if c.Predicted == nil && c.Scores == nil {
		return fmt.Errorf("neither predictions nor scores: %w", ErrBadSample)
	}
	if err := c.checkClasses("actual", c.Actual); err != nil {
		return err
	}
	if c.Predicted != nil {
		if err := c.checkClasses("predicted", c.Predicted); err != nil {
			return err
		}
	}
	columns := c.Classes
	if c.Classes == 2 {
		columns = 1
	}
	if c.Scores != nil && len(c.Scores) != columns {
		return fmt.Errorf("%d columns of scores for %d classes, want %d: %w", len(c.Scores), c.Classes, columns, ErrBadSample)
	}
	for k, column := range c.Scores {
		if len(column) != len(c.Actual) {
			return fmt.Errorf("scores: %d rows, want %d: %w", len(column), len(c.Actual), ErrBadSample)
		}
		for i, s := range column {
			if !(s >= 0 && s <= 1) { // also NaN
				return fmt.Errorf("score %v of class %d in row %d is not in [0,1]: %w", s, k, i, ErrBadSample)
			}
		}
	}
	return nil
}

func (c Classification) checkClasses(name string, codes []int32) error {
	if len(codes) != len(c.Actual) {
		return fmt.Errorf("%s: %d rows, want %d: %w", name, len(codes), len(c.Actual), ErrBadSample)
	}
	for i, code := range codes {
		if code < 0 || int(code) >= c.Classes {
			return fmt.Errorf("%s class %d in row %d is not in [0,%d): %w", name, code, i, c.Classes, ErrBadSample)
		}
	}
	return nil
}

// Pick returns the sample of the rows with these indices.
func (c Classification) Pick(rows []int32) Sample {
	picked := Classification{Classes: c.Classes, Actual: pick(c.Actual, rows)}
	if c.Predicted != nil {
		picked.Predicted = pick(c.Predicted, rows)
	}
	for _, column := range c.Scores {
		picked.Scores = append(picked.Scores, pick(column, rows))
	}
	return picked
}

func (c Classification) join(other Sample) (Sample, bool) {
	o, ok := other.(Classification)
	if !ok || o.Classes != c.Classes || len(o.Scores) != len(c.Scores) || (o.Predicted == nil) != (c.Predicted == nil) {
		return nil, false
	}
	joined := Classification{Classes: c.Classes, Actual: joinColumns(c.Actual, o.Actual)}
	if c.Predicted != nil {
		joined.Predicted = joinColumns(c.Predicted, o.Predicted)
	}
	for k := range c.Scores {
		joined.Scores = append(joined.Scores, joinColumns(c.Scores[k], o.Scores[k]))
	}
	return joined, true
}

// Regression is a model's predictions beside the true values.
type Regression struct {
	Actual, Predicted []float64 // finite
}

// Rows returns the number of rows.
func (r Regression) Rows() int { return len(r.Actual) }

// Validate returns an error that wraps ErrBadSample for a sample that cannot be used.
func (r Regression) Validate() error {
	if len(r.Actual) != len(r.Predicted) {
		return fmt.Errorf("%d predictions for %d rows: %w", len(r.Predicted), len(r.Actual), ErrBadSample)
	}
	for i := range r.Actual {
		if !isFinite(r.Actual[i]) || !isFinite(r.Predicted[i]) {
			return fmt.Errorf("row %d is not finite: %w", i, ErrBadSample)
		}
	}
	return nil
}

// Pick returns the sample of the rows with these indices.
func (r Regression) Pick(rows []int32) Sample {
	return Regression{Actual: pick(r.Actual, rows), Predicted: pick(r.Predicted, rows)}
}

func (r Regression) join(other Sample) (Sample, bool) {
	o, ok := other.(Regression)
	if !ok {
		return nil, false
	}
	return Regression{Actual: joinColumns(r.Actual, o.Actual), Predicted: joinColumns(r.Predicted, o.Predicted)}, true
}

func pick[T any](column []T, rows []int32) []T {
	picked := make([]T, len(rows))
	for i, row := range rows {
		picked[i] = column[row]
	}
	return picked
}

func joinColumns[T any](a, b []T) []T {
	joined := make([]T, 0, len(a)+len(b))
	return append(append(joined, a...), b...)
}

func isFinite(v float64) bool { return v-v == 0 }

// clip forces a probability that rounding moved out of [0,1] back into it.
func clip(p float64) float64 { return math.Min(math.Max(p, 0), 1) }
