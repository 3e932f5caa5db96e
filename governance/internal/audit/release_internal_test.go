package audit

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// An entry that is durable needs its draft no longer, whose memory other drafts then have. One that is yet to be written needs it.
func TestCommitReleasesDrafts(t *testing.T) {
	t.Parallel()
	id := tenant.ID(uuid.New())
	s := newSequencer(Config{}, newQueue(1, 1), nil, newSizes(), func(tenant.ID) {}, newMetrics(), nil)
	written, waiting := pendingOf(t, id), pendingOf(t, id)
	rows := newRows([]*pending{written})
	rows.place(headCache{id: {}}, positionTime(time.Now()))
	s.commit(rows)
	if written.err != nil || len(written.positions) != 1 || written.positions[0].LeafHash == [32]byte{} {
		t.Fatalf("%v, %v", written.positions, written.err)
	}
	for p, want := range map[*pending]bool{written: true, waiting: false} {
		released := func() (released bool) {
			defer func() { released = recover() != nil }()
			p.drafts[0].Leaf(0, time.Now())
			return
		}()
		if released != want {
			t.Errorf("released: %v, want %v", released, want)
		}
	}
}
