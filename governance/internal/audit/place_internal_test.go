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
	for i := range 3*maxRecent + 100 {
		key := entryKey{entry: uuid.New()}
		keys = append(keys, key)
		r.add(key, answered{position: Position{LeafIndex: int64(i)}})
		r.add(key, answered{}) // adding again changes nothing
		if oldest := keys[max(0, i-maxRecent+1)]; !remembered(r, oldest, int64(max(0, i-maxRecent+1))) {
			t.Fatalf("entry %d is forgotten after %d others", i-maxRecent+1, maxRecent-1)
		}
	}
	if n := len(r.newer) + len(r.older); n > 2*maxRecent {
		t.Errorf("%d positions, want %d at most", n, 2*maxRecent)
	}
	for i, key := range keys {
		if want := i >= 2*maxRecent; remembered(r, key, int64(i)) != want {
			t.Fatalf("position %d is remembered: %v", i, !want)
		}
	}
}

func remembered(r *recentPositions, key entryKey, index int64) bool {
	a, ok := r.of(key)
	return ok && a.position.LeafIndex == index
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
