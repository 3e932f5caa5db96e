package audit

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// stretchOf makes a stretch of a log, all leaves of one size.
func stretchOf(id tenant.ID, first int64, leaves int) tailStretch {
	s := tailStretch{id, stretch{first: first}}
	for i := range int64(leaves) {
		s.text += fmt.Sprintf("%32d%10d", 0, first+i)
		s.ends = append(s.ends, int32(len(s.text)))
	}
	return s
}

// TestTails keeps the ends of logs in their order, up to the next leaf that is not known, and lets the oldest go.
func TestTails(t *testing.T) {
	t.Parallel()
	one, two := tenant.ID{1}, tenant.ID{2}
	const batch = 2*(leafOverhead+10) + tailOverhead // of two rows of a log
	tails := newTails(4 * batch)
	add := func(stretches ...tailStretch) { tails.add(stretches) }
	check := func(id tenant.ID, begin, end int64, want ...int64) {
		t.Helper()
		var got []int64
		for index, l := range tails.between(id, begin, end).all() {
			i, err := strconv.ParseInt(strings.TrimSpace(l.leaf), 10, 64)
			if err != nil || i != index {
				t.Fatalf("leaf %d is %q (%v)", index, l.leaf, err)
			}
			got = append(got, i)
		}
		if !slices.Equal(got, want) {
			t.Errorf("from %d: got %v, want %v", begin, got, want)
		}
	}
	add(stretchOf(one, 3, 2), stretchOf(two, 0, 2))
	add(stretchOf(one, 5, 2))
	add(stretchOf(one, 9, 2)) // another replica wrote between
	check(one, 3, 100, 3, 4, 5, 6)
	check(one, 4, 6, 4, 5)
	check(one, 2, 100)
	check(one, 7, 100)
	check(one, 9, 100, 9, 10)
	check(two, 0, 100, 0, 1)
	check(tenant.ID{3}, 0, 100)

	add(stretchOf(two, 2, 2))
	check(one, 4, 100)
	check(one, 5, 100, 5, 6)
	check(two, 0, 100, 0, 1, 2, 3)
	add(stretchOf(tenant.ID{3}, 0, 2))
	check(two, 0, 100)
	check(two, 2, 100, 2, 3)
	for i := range int64(10) {
		add(stretchOf(one, 11+2*i, 2))
	}
	if len(tails.logs) != 1 || len(tails.order) != 4 || tails.bytes != 4*batch {
		t.Errorf("%d logs, %d stretches, %d bytes remain", len(tails.logs), len(tails.order), tails.bytes)
	}
	tails.forget()
	check(one, 29, 100)
	add(stretchOf(one, 31, 2))
	check(one, 31, 100, 31, 32)
}
