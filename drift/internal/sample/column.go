package sample

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/aumos-enterprise/platform/drift/internal/detect"
	"github.com/aumos-enterprise/platform/pkg/errs"
)

// column gathers one feature's values.
type column struct {
	owner     *Accumulator
	feature   Feature
	missing   int64
	numbers   pieces[float64] // with rows: NaN where one is missing
	index     map[string]int  // category → position in counts
	names     []string        // with rows: of the categories
	counts    []int64
	bools     [2]int64      // false, true
	codes     pieces[int32] // with rows: positions of categories, −1 where one is missing
	texts     pieces[string]
	times     pieces[int64]
	vectors   pieces[float32]
	dimension int // of vectors; 0 before the first
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
		return c.addCategories(batch, at, first)
	case detect.Boolean:
		return c.addBooleans(batch)
	case detect.Text:
		return c.addTexts(batch, at, first)
	case detect.Timestamp:
		return c.addTimes(batch)
	case detect.Vector:
		return c.addVectors(batch, at, first)
	}
	return fmt.Errorf("add column %q: unknown feature type %q", c.feature.Name, c.feature.Type)
}

func (c *column) addNumbers(batch *Column, at int, first int64) error {
	room, err := c.numbers.grow(len(batch.Numbers), c.owner.reserve)
	if err != nil {
		return err
	}
	if c.owner.plain { // and once more for a copy
		if err := c.owner.reserve(int64(len(batch.Numbers)) * 8); err != nil {
			return err
		}
	}
	for i, v := range batch.Numbers {
		switch {
		case !batch.valid(i) || math.IsNaN(v):
			c.missing++
			if c.owner.rowwise {
				*room = append(*room, math.NaN())
			}
		case math.IsInf(v, 0):
			return c.refuseValue(errs.ReasonValueNotFinite, at, i, first, "is infinite: send finite numbers, or NaN where there is none")
		case v == 0:
			*room = append(*room, 0) // −0 equals 0 and must have the same fingerprint
		default:
			*room = append(*room, v)
		}
	}
	return nil
}

func (c *column) addBooleans(batch *Column) error {
	codes, err := c.growCodes(len(batch.Booleans))
	if err != nil {
		return err
	}
	for i, b := range batch.Booleans {
		code := int32(0)
		switch {
		case !batch.valid(i):
			code = -1
			c.missing++
		case b:
			code = 1
			c.bools[1]++
		default:
			c.bools[0]++
		}
		c.owner.keep(codes, code)
	}
	return nil
}

func (c *column) addTimes(batch *Column) error {
	room, err := c.times.grow(len(batch.Times), c.owner.reserve)
	if err != nil {
		return err
	}
	for i, t := range batch.Times {
		if !batch.valid(i) {
			c.missing++
			continue
		}
		*room = append(*room, t)
	}
	return nil
}

// growCodes makes room for n codes, when rows are kept.
func (c *column) growCodes(n int) (*[]int32, error) {
	if !c.owner.rowwise {
		return nil, nil
	}
	if c.owner.plain { // for a copy
		if err := c.owner.reserve(int64(n) * 4); err != nil {
			return nil, err
		}
	}
	return c.codes.grow(n, c.owner.reserve)
}

// keep appends the code of a row, when rows are kept.
func (a *Accumulator) keep(codes *[]int32, code int32) {
	if a.rowwise {
		*codes = append(*codes, code)
	}
}

// refuseValue makes an error about the value at a row of the batch; its metadata counts rows over the whole upload.
func (c *column) refuseValue(reason errs.Reason, at, row int, first int64, format string, args ...any) *errs.Error {
	text := fmt.Sprintf("column %q, row %d: the value ", c.feature.Name, first+int64(row)) + fmt.Sprintf(format, args...)
	return refuse(reason, c.feature.Name, c.valueField(at, row), "%s", text).With("row", strconv.FormatInt(first+int64(row), 10))
}

func (c *column) valueField(at, row int) string {
	return fmt.Sprintf("%s.columns[%d].%s[%d]", c.owner.path, at, valuesField(c.feature.Type), row*max(c.dimension, 1))
}

// sample returns the gathered values in their canonical form.
func (c *column) sample(rows int64) Sample {
	s := Sample{Rows: rows, Missing: c.missing}
	if c.owner.plain {
		return s
	}
	switch c.feature.Type {
	case detect.Numeric:
		if !c.owner.rowwise { // else Settle does it
			s.Sorted = c.numbers.join()
			detect.SortFloat64s(s.Sorted)
		}
	case detect.Categorical, detect.Boolean:
		s.Counts = c.categories()
	case detect.Text:
		s.Texts = c.texts.join()
	case detect.Timestamp:
		s.Times = c.times.join()
		slices.Sort(s.Times)
	case detect.Vector:
		s.Vectors = detect.NewMatrix(c.dimension, c.vectors.list...)
	}
	return s
}
