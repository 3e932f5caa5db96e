package audit

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

func pendingOf(t *testing.T, id tenant.ID) *pending {
	t.Helper()
	draft, err := auditlog.NewDraft(auditlog.Entry{
		EntryID: uuid.New(), TenantID: id, EventType: "a.b", Action: "a.b", Outcome: auditlog.Success,
		Actor: auditlog.Actor{Kind: auditlog.ActorSystem, ID: "x"}, Resource: auditlog.Resource{Type: "x", ID: "x"}, SourceService: "x",
	})
	if err != nil {
		t.Fatal(err)
	}
	return newPending(draft)
}

// TestRecordedTimeNeverFalls places entries after a head whose time is ahead of the clock, as another replica's may be.
func TestRecordedTimeNeverFalls(t *testing.T) {
	t.Parallel()
	now := positionTime(time.Now())
	ahead := now.Add(time.Minute)
	late, early := tenant.ID(uuid.New()), tenant.ID(uuid.New())
	known := headCache{late: {last: ahead}, early: {last: now.Add(-time.Minute)}}
	rows := newRows([]*pending{pendingOf(t, late), pendingOf(t, early), pendingOf(t, late)})
	rows.place(known, now)
	for i, p := range rows.pending {
		want := now
		if p.tenant() == late {
			want = ahead
		}
		e, err := auditlog.Unmarshal([]byte(rows.rows[i].leaf))
		if err != nil || !e.RecordedTime.Equal(want) || !rows.rows[i].recorded.Equal(want) {
			t.Errorf("recorded %s and %s, want %s (%v)", e.RecordedTime, rows.rows[i].recorded, want, err)
		}
	}
	if known[late].tree.Size() != 0 {
		t.Error("placing changed the known heads")
	}
}

func TestRecentPositionsAreBounded(t *testing.T) {
	t.Parallel()
	r := newRecentPositions()
	var keys []entryKey
	for range maxRecent + 100 {
		key := entryKey{entry: uuid.New()}
		keys = append(keys, key)
		r.add(key, answered{})
		r.add(key, answered{}) // adding again changes nothing
	}
	if len(r.positions) != maxRecent || len(r.ring) != maxRecent {
		t.Errorf("%d positions, %d in the ring, want %d", len(r.positions), len(r.ring), maxRecent)
	}
	for i, key := range keys {
		if _, ok := r.positions[key]; ok != (i >= 100) {
			t.Fatalf("position %d is remembered: %v", i, ok)
		}
	}
}

func TestSizesAreBoundedAndNeverFall(t *testing.T) {
	t.Parallel()
	s := newSizes()
	kept := tenant.ID(uuid.New())
	for i := range int64(3 * maxSizes) {
		s.learn(map[tenant.ID]int64{tenant.ID(uuid.New()): 1})
		if i%1000 == 0 {
			s.learn(map[tenant.ID]int64{kept: 7})
			s.learn(map[tenant.ID]int64{kept: 3})
			if got := s.of(kept); got != 7 {
				t.Fatalf("a size in use is %d, want 7", got)
			}
		}
	}
	if n := len(s.newer) + len(s.older); n > 2*maxSizes {
		t.Errorf("%d sizes, want %d at most", n, 2*maxSizes)
	}
	if s.forget(); s.of(kept) != 0 {
		t.Error("a size outlived forget")
	}
}
