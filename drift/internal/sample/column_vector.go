package sample

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/aumos-enterprise/platform/pkg/errs"
)

// addVectors takes the vectors that are whole, in single precision, as they came.
func (c *column) addVectors(batch *Column, at int, first int64) error {
	if c.dimension == 0 {
		c.dimension = batch.Dimension
	}
	if batch.Dimension != c.dimension {
		return refuse(errs.ReasonColumnType, c.feature.Name, fmt.Sprintf("%s.columns[%d].vectors.dimension", c.owner.path, at), "column %q has vectors of %d numbers, before they had %d",
			c.feature.Name, batch.Dimension, c.dimension).With("expected", strconv.Itoa(c.dimension)).With("actual", strconv.Itoa(batch.Dimension))
	}
	room, err := c.vectors.grow(len(batch.Vectors), c.owner.reserve)
	if err != nil {
		return err
	}
	for i := range batch.Rows() {
		vector := batch.Vectors[i*c.dimension : (i+1)*c.dimension]
		if !batch.valid(i) || slices.ContainsFunc(vector, func(v float32) bool { return v != v }) {
			c.missing++
			continue
		}
		for _, v := range vector {
			if math.IsInf(float64(v), 0) {
				return c.refuseValue(errs.ReasonValueNotFinite, at, i, first, "is infinite: send finite numbers, or NaN where there is none")
			}
		}
		*room = append(*room, vector...)
	}
	return nil
}
