package quality

import "iter"

// rowSet is a set of rows, as bits where they are few enough and else as a map.
type rowSet struct {
	bits  []uint64
	added []int64
	rows  map[int64]struct{}
}

func newRowSet(total int64) *rowSet {
	const most = 1 << 26 // 8 MiB of bits
	if total > most {
		return &rowSet{rows: make(map[int64]struct{})}
	}
	return &rowSet{bits: make([]uint64, total/64+1)}
}

// add tells whether the row is new to the set.
func (s *rowSet) add(row int64) bool {
	if s.bits == nil {
		before := len(s.rows)
		s.rows[row] = struct{}{}
		return len(s.rows) > before
	}
	word, bit := &s.bits[row/64], uint64(1)<<(row%64)
	if *word&bit != 0 {
		return false
	}
	*word |= bit
	s.added = append(s.added, row)
	return true
}

func (s *rowSet) clear() {
	clear(s.rows)
	for _, row := range s.added {
		s.bits[row/64] = 0
	}
	s.added = s.added[:0]
}

// counter counts by value, and forgets in the time that counting took.
type counter struct {
	counts  []int32
	touched []int64
}

func newCounter(values int64) *counter { return &counter{counts: make([]int32, values)} }

func (c *counter) add(value int64) {
	if c.counts[value] == 0 {
		c.touched = append(c.touched, value)
	}
	c.counts[value]++ // at most maxDrawn
}

// all yields the values with a count.
func (c *counter) all() iter.Seq2[int64, int64] {
	return func(yield func(value, count int64) bool) {
		for _, value := range c.touched {
			if !yield(value, int64(c.counts[value])) {
				return
			}
		}
	}
}

func (c *counter) clear() {
	for _, value := range c.touched {
		c.counts[value] = 0
	}
	c.touched = c.touched[:0]
}
