package sample

import (
	"strings"
	"unicode/utf8"

	"github.com/aumos-enterprise/platform/drift/internal/detect"
	"github.com/aumos-enterprise/platform/pkg/errs"
)

// categoryOverhead is what a category costs beside its name: map cell, string header, count.
const categoryOverhead = 64

func (c *column) addCategories(batch *Column, at int, first int64) error {
	codes, err := c.growCodes(len(batch.Texts))
	if err != nil {
		return err
	}
	for i, text := range batch.Texts {
		if !batch.valid(i) {
			c.missing++
			c.owner.keep(codes, -1)
			continue
		}
		position, known := c.index[text]
		if known {
			c.counts[position]++
		} else {
			position = len(c.counts)
			if err := c.addCategory(text, at, i, first); err != nil {
				return err
			}
		}
		c.owner.keep(codes, int32(position)) // under MaxCategories
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
		return refuse(errs.ReasonCardinalityTooHigh, c.feature.Name, c.valueField(at, row),
			"column %q has more than %d distinct categories", c.feature.Name, MaxCategories)
	case c.owner.names+int64(len(name)) > MaxNameBytes:
		return c.owner.tooLarge("bytes of category names", MaxNameBytes)
	}
	if err := c.owner.reserve(int64(len(name)) + categoryOverhead); err != nil {
		return err
	}
	c.owner.names += int64(len(name))
	name = strings.Clone(name) // the message that name is part of shall not stay in memory
	c.index[name] = len(c.counts)
	c.counts = append(c.counts, 1)
	if c.owner.rowwise {
		c.names = append(c.names, name)
	}
	return nil
}

// addTexts takes free texts, every one of them.
func (c *column) addTexts(batch *Column, at int, first int64) error {
	room, err := c.texts.grow(len(batch.Texts), c.owner.reserve)
	if err != nil {
		return err
	}
	for i, text := range batch.Texts {
		switch {
		case !batch.valid(i):
			c.missing++
			continue
		case len(text) > MaxTextBytes:
			return c.refuseValue(errs.ReasonValueTooLong, at, i, first, "has %d bytes, a text has at most %d", len(text), MaxTextBytes)
		case !utf8.ValidString(text):
			return c.refuseValue(errs.ReasonValueTooLong, at, i, first, "is not UTF-8")
		case c.owner.textBytes+int64(len(text)) > MaxTextsBytes:
			return c.owner.tooLarge("bytes of texts", MaxTextsBytes)
		}
		if err := c.owner.reserve(int64(len(text))); err != nil {
			return err
		}
		c.owner.textBytes += int64(len(text))
		*room = append(*room, text)
	}
	return nil
}

// Categories of booleans, in the order of their codes.
var booleanNames = []string{"false", "true"} //nolint:gochecknoglobals // a constant table

// categories returns the gathered counts.
func (c *column) categories() map[string]int64 {
	if c.feature.Type == detect.Categorical {
		counts := make(map[string]int64, len(c.index))
		for name, position := range c.index {
			counts[name] = c.counts[position]
		}
		return counts
	}
	counts := make(map[string]int64, 2)
	for position, name := range booleanNames {
		if c.bools[position] > 0 {
			counts[name] = c.bools[position]
		}
	}
	return counts
}
