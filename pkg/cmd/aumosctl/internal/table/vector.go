package table

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// embedding appends the cell's numbers to vector: those of a list of a Parquet file, or of a text such as [0.12, -3, 4e-5].
func (c cell) embedding(vector []float32) ([]float32, error) {
	switch c.kind {
	case cellVector:
		for _, x := range c.vector {
			if math.IsInf(float64(x), 0) {
				return vector, errors.New("infinite values cannot be compared")
			}
		}
		vector = append(vector, c.vector...)
	case cellText:
		inner, opened := strings.CutPrefix(c.text, "[")
		inner, closed := strings.CutSuffix(inner, "]")
		if !opened || !closed {
			return vector, fmt.Errorf("%s is no vector as [0.12, -3, 4e-5]", excerpt(c.text))
		}
		for text := range strings.SplitSeq(inner, ",") {
			x, err := parseNumber(strings.TrimSpace(text))
			if err != nil {
				return vector, fmt.Errorf("%s is no vector as [0.12, -3, 4e-5]: %w", excerpt(c.text), err)
			}
			if math.IsInf(float64(float32(x)), 0) {
				return vector, fmt.Errorf("%s is beyond the range of a vector's 32-bit numbers", strconv.FormatFloat(x, 'g', -1, 64))
			}
			vector = append(vector, float32(x))
		}
	case cellMissing, cellNumber, cellBoolean, cellInstant:
		return vector, fmt.Errorf("%s is no vector as [0.12, -3, 4e-5]", c.excerpt())
	}
	if len(vector) > MaxVector {
		return vector, fmt.Errorf("the vector has %d numbers: at most %d can be compared", len(vector), MaxVector)
	}
	return vector, nil
}

// otherDimension is the error of a vector among those of another dimension.
func otherDimension(n, dimension int) error {
	return fmt.Errorf("the vector has %d numbers, those before it have %d", n, dimension)
}

// tryVector reports why the cell is no vector of the dimension of those before it.
func (e *evidence) tryVector(c cell) (err error) {
	if e.vector, err = c.embedding(e.vector[:0]); err != nil {
		return err
	}
	if e.dimension == 0 {
		e.dimension = len(e.vector)
	}
	if len(e.vector) != e.dimension {
		return otherDimension(len(e.vector), e.dimension)
	}
	return nil
}
