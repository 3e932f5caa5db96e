package stream

import (
	"encoding/binary"
	"math"
)

// codec writes a state or reads one, with the same calls in the same order, so that the two directions cannot come apart. Numbers are eight bytes in
// little-endian order. Reading stops at the first thing that is wrong.
type codec struct {
	buffer  []byte // what is written; what is still to be read
	reading bool
	bad     bool
}

func (c *codec) word(v *uint64) {
	if !c.reading {
		c.buffer = binary.LittleEndian.AppendUint64(c.buffer, *v)
		return
	}
	if c.bad || len(c.buffer) < 8 {
		c.bad = true
		return
	}
	*v, c.buffer = binary.LittleEndian.Uint64(c.buffer), c.buffer[8:]
}

// octet exchanges one byte.
func (c *codec) octet(v *byte) {
	if !c.reading {
		c.buffer = append(c.buffer, *v)
		return
	}
	if c.bad || len(c.buffer) < 1 {
		c.bad = true
		return
	}
	*v, c.buffer = c.buffer[0], c.buffer[1:]
}

// flag exchanges a truth value.
func (c *codec) flag(v *bool) {
	var b byte
	if *v {
		b = 1
	}
	c.octet(&b)
	c.require(b <= 1)
	*v = b == 1
}

// float exchanges a number that may be infinite, but not NaN.
func (c *codec) float(v *float64) {
	word := math.Float64bits(*v)
	c.word(&word)
	if c.reading {
		f := math.Float64frombits(word)
		c.require(f == f)
		*v = f
	}
}

// finite exchanges a number of at most the limit's magnitude.
func (c *codec) finite(v *float64, limit float64) {
	c.float(v)
	c.require(math.Abs(*v) <= limit)
}

// count exchanges a number of values.
func (c *codec) count(v *int64) { c.between(v, 0, maxCount) }

// between exchanges an integer of a range.
func (c *codec) between(v *int64, low, high int64) {
	word := uint64(*v)
	c.word(&word)
	if c.reading {
		n := int64(word)
		c.require(low <= n && n <= high)
		if !c.bad {
			*v = n
		}
	}
}

// bits exchanges zeros and ones, eight to a byte.
func (c *codec) bits(values []byte) {
	for i := 0; i < len(values); i += 8 {
		part := values[i:min(i+8, len(values))]
		var b byte
		for j, v := range part {
			b |= v & 1 << j
		}
		c.octet(&b)
		for j := range part {
			part[j] = b >> j & 1
		}
	}
}

// require says what must hold of a state that is read.
func (c *codec) require(holds bool) {
	if c.reading && !holds {
		c.bad = true
	}
}
