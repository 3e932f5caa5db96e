package sample

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/aumos-enterprise/platform/drift/internal/detect"
	"github.com/aumos-enterprise/platform/pkg/errs"
)

// categoryOverhead is what a category costs beside its name: map cell, string header, count.
const categoryOverhead = 64

// column gathers one feature's values.
type column struct {
	owner   *Accumulator
	feature Feature
	missing int64
	numbers []float64
	index   map[string]int // category → position in counts
	counts  []int64
	bools   [2]int64 // false, true
}

func newColumn(owner *Accumulator, f Feature) column {
	c := column{owner: owner, feature: f}
	if f.Type == detect.Categorical {
		c.index = make(map[string]int)
	}
	return c
}

// add takes the values of a batch's column that stands at the given place; first is the number of rows before the batch.
func (c *column) add(batch *Column, at int, first int64) error {
	switch c.feature.Type {
	case detect.Numeric:
		return c.addNumbers(batch, at, first)
	case detect.Categorical:
		return c.addTexts(batch, at, first)
	case detect.Boolean:
		c.addBooleans(batch)
		return nil
	}
	return fmt.Errorf("add column %q: unknown feature type %q", c.feature.Name, c.feature.Type)
}

func (c *column) addNumbers(batch *Column, at int, first int64) error {
	if err := c.grow(len(batch.Numbers)); err != nil {
		return err
	}
	for i, v := range batch.Numbers {
		switch {
		case !batch.valid(i) || math.IsNaN(v):
			c.missing++
		case math.IsInf(v, 0):
			return c.refuseValue(errs.ReasonValueNotFinite, at, i, first, "is infinite: send finite numbers, or NaN where there is none")
		case v == 0:
			c.numbers = append(c.numbers, 0) // −0 equals 0 and must have the same fingerprint
		default:
			c.numbers = append(c.numbers, v)
		}
	}
	return nil
}

func (c *column) addTexts(batch *Column, at int, first int64) error {
	for i, text := range batch.Texts {
		if !batch.valid(i) {
			c.missing++
			continue
		}
		if position, known := c.index[text]; known {
			c.counts[position]++
			continue
		}
		if err := c.addCategory(text, at, i, first); err != nil {
			return err
		}
	}
	return nil
}

// addCategory takes a category that was not seen before.
func (c *column) addCategory(name string, at, row int, first int64) error {
	switch {
	case len(name) > MaxCategoryBytes:
		return c.refuseValue(errs.ReasonValueTooLong, at, row, first, "has %d bytes, a category has at most %d", len(name), MaxCategoryBytes)
	case !utf8.ValidString(name):
		return c.refuseValue(errs.ReasonValueTooLong, at, row, first, "is not UTF-8")
	case len(c.counts) == MaxCategories:
		return refuse(errs.ReasonCardinalityTooHigh, c.feature.Name, fmt.Sprintf("batch.columns[%d].texts.values[%d]", at, row),
			"column %q has more than %d distinct categories", c.feature.Name, MaxCategories)
	case c.owner.names+int64(len(name)) > MaxNameBytes:
		return tooLarge("bytes of category names", MaxNameBytes)
	}
	if err := c.owner.reserve(int64(len(name)) + categoryOverhead); err != nil {
		return err
	}
	c.owner.names += int64(len(name))
	c.index[strings.Clone(name)] = len(c.counts) // the message that name is part of shall not stay in memory
	c.counts = append(c.counts, 1)
	return nil
}

func (c *column) addBooleans(batch *Column) {
	for i, b := range batch.Booleans {
		switch {
		case !batch.valid(i):
			c.missing++
		case b:
			c.bools[1]++
		default:
			c.bools[0]++
		}
	}
}

// grow makes room for n more numbers, doubling, and charges the budget for it.
func (c *column) grow(n int) error {
	need := len(c.numbers) + n
	if need <= cap(c.numbers) {
		return nil
	}
	room := max(need, min(2*cap(c.numbers), MaxRows))
	if err := c.owner.reserve(int64(room-cap(c.numbers)) * 8); err != nil {
		return err
	}
	c.numbers = append(make([]float64, 0, room), c.numbers...)
	return nil
}

// sample returns the gathered values in their canonical form.
func (c *column) sample(rows int64) Sample {
	s := Sample{Rows: rows, Missing: c.missing}
	switch c.feature.Type {
	case detect.Numeric:
		detect.SortFloat64s(c.numbers)
		s.Sorted = c.numbers
	case detect.Categorical:
		s.Counts = make(map[string]int64, len(c.index))
		for name, position := range c.index {
			s.Counts[name] = c.counts[position]
		}
	case detect.Boolean:
		s.Counts = make(map[string]int64, 2)
		for position, name := range []string{"false", "true"} {
			if c.bools[position] > 0 {
				s.Counts[name] = c.bools[position]
			}
		}
	}
	return s
}

// refuseValue makes an error about the value at a row of the batch; its metadata counts rows over the whole upload.
func (c *column) refuseValue(reason errs.Reason, at, row int, first int64, format string, args ...any) *errs.Error {
	text := fmt.Sprintf("column %q, row %d: the value ", c.feature.Name, first+int64(row)) + fmt.Sprintf(format, args...)
	field := fmt.Sprintf("batch.columns[%d].%s.values[%d]", at, valuesField(c.feature.Type), row)
	return refuse(reason, c.feature.Name, field, "%s", text).With("row", strconv.FormatInt(first+int64(row), 10))
}
