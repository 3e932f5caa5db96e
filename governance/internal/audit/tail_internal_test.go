package audit

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// rowsOf makes rows of a log, all of one size.
func rowsOf(id tenant.ID, indexes ...int64) (rows []placedRow) {
	for _, i := range indexes {
		d := &auditlog.Draft{Entry: auditlog.Entry{TenantID: id}}
		rows = append(rows, placedRow{draft: d, index: i, leaf: fmt.Appendf(nil, "%10d", i), hashes: make([]byte, 64)})
	}
	return rows
}

// TestTails keeps the ends of logs in their order, up to the next leaf that is not known, and lets the oldest go.
func TestTails(t *testing.T) {
	t.Parallel()
	one, two := tenant.ID{1}, tenant.ID{2}
	const batch = 2*(leafOverhead+10) + tailOverhead // of two rows of a log
	tails := newTails(4 * batch)
	check := func(id tenant.ID, begin, end int64, want ...int64) {
		t.Helper()
		var got []int64
		for _, l := range tails.between(id, begin, end) {
			i, err := strconv.ParseInt(strings.TrimSpace(string(l.leaf)), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, i)
		}
		if !slices.Equal(got, want) {
			t.Errorf("from %d: got %v, want %v", begin, got, want)
		}
	}
	tails.add(append(rowsOf(one, 3, 4), rowsOf(two, 0, 1)...))
	tails.add(rowsOf(one, 5, 6))
	tails.add(rowsOf(one, 9, 10)) // another replica wrote between
	check(one, 3, 100, 3, 4, 5, 6)
	check(one, 4, 6, 4, 5)
	check(one, 2, 100)
	check(one, 7, 100)
	check(one, 9, 100, 9, 10)
	check(two, 0, 100, 0, 1)
	check(tenant.ID{3}, 0, 100)

	tails.add(rowsOf(two, 2, 3))
	check(one, 4, 100)
	check(one, 5, 100, 5, 6)
	check(two, 0, 100, 0, 1, 2, 3)
	tails.add(rowsOf(tenant.ID{3}, 0, 1))
	check(two, 0, 100)
	check(two, 2, 100, 2, 3)
	for i := range int64(10) {
		tails.add(rowsOf(one, 11+2*i, 12+2*i))
	}
	if len(tails.logs) != 1 || len(tails.order) != 4 || tails.bytes != 4*batch {
		t.Errorf("%d logs, %d stretches, %d bytes remain", len(tails.logs), len(tails.order), tails.bytes)
	}
	tails.forget()
	check(one, 29, 100)
	tails.add(rowsOf(one, 31, 32))
	check(one, 31, 100, 31, 32)
}
