package audit_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// past is a log of changes of few resources, in memory: what the wall's answers are compared with.
type past []auditlog.Entry

// appendPast appends n entries in random order of their effective times: states, deletions, and what is neither.
func appendPast(t *testing.T, wall *audit.Wall, id tenant.ID, n int, random *rand.Rand) past {
	t.Helper()
	began := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	var p past
	for i := range n {
		e := newEntry(t, id)
		e.Resource = auditlog.Resource{
			Type: []string{"policy", "policy", "policies"}[random.IntN(3)], ID: []string{"a", "a/b", "B", "ä", "z", "\u0001"}[random.IntN(6)],
			State: map[string]any{"i": float64(i)},
		}
		if random.IntN(4) > 0 {
			e.EffectiveTime = began.Add(time.Duration(random.IntN(n)) * time.Second)
		}
		switch random.IntN(8) {
		case 0:
			e.EventType, e.Resource.State = "policy.deleted", nil
		case 1:
			e.EventType, e.Outcome = "policy.deleted", auditlog.Denied // which deletes nothing
			if random.IntN(2) == 0 {
				e.Resource.State = nil
			}
		case 2:
			e.EventType, e.Resource.State = "decision.evaluated", nil
		}
		p = append(p, e)
		mustAppend(t, wall, e)
	}
	for after, more := int64(-1), true; more; {
		var entries []audit.LogEntry
		var err error
		if entries, more, err = wall.List(as(t, id), audit.Filter{}, after, 500); err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			leaf, err := auditlog.Unmarshal(e.Leaf)
			if err != nil {
				t.Fatal(err)
			}
			p[e.LeafIndex], after = leaf, e.LeafIndex
		}
	}
	return p
}

// at returns the index of the entry that says the state of a resource, as the definition has it; -1: none does.
func (p past) at(r audit.Resource, m audit.Moment) int64 {
	found := int64(-1)
	for i, e := range p {
		switch {
		case e.Resource.Type != r.Type || e.Resource.ID != r.ID || !e.ChangesState():
		case m.LeafIndex != nil && int64(i) > *m.LeafIndex:
		case !m.RecordedTime.IsZero() && e.RecordedTime.After(m.RecordedTime):
		case !m.EffectiveTime.IsZero() && e.Effective().After(m.EffectiveTime):
		case found >= 0 && !m.EffectiveTime.IsZero() && e.Effective().Before(p[found].Effective()):
		default:
			found = int64(i)
		}
	}
	return found
}

// list returns the indexes of the entries of all resources of a kind, in the order of their ids.
func (p past) list(kind string, m audit.Moment, deleted bool) []int64 {
	var ids []string
	for _, e := range p {
		ids = append(ids, e.Resource.ID)
	}
	slices.Sort(ids)
	indexes := []int64{}
	for _, id := range slices.Compact(ids) {
		if i := p.at(audit.Resource{Type: kind, ID: id}, m); i >= 0 && (deleted || !p[i].Deletes()) {
			indexes = append(indexes, i)
		}
	}
	return indexes
}

// moments are all kinds of moment, at the ends and in between.
func (p past) moments(random *rand.Rand) []audit.Moment {
	last := int64(len(p) - 1)
	moments := []audit.Moment{{}, {LeafIndex: new(last + 5)}, {LeafIndex: new(int64(0))}, {RecordedTime: p[0].RecordedTime.Add(-time.Microsecond)}}
	for range 40 {
		index, one, other := random.Int64N(last), p[random.IntN(len(p))], p[random.IntN(len(p))]
		moments = append(moments,
			audit.Moment{LeafIndex: &index}, audit.Moment{RecordedTime: one.RecordedTime}, audit.Moment{EffectiveTime: other.Effective()},
			audit.Moment{LeafIndex: &index, EffectiveTime: other.Effective()},
			audit.Moment{RecordedTime: one.RecordedTime, EffectiveTime: other.Effective().Add(-time.Microsecond)})
	}
	return moments
}

func TestStatesAgreeWithTheirDefinition(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	wall, _ := startWall(t, db, wallConfig(t))
	id, other := newTenant(t), newTenant(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	p := appendPast(t, wall, id, 300, random)
	ctx := as(t, id)
	for _, m := range p.moments(random) {
		for _, r := range []audit.Resource{{Type: "policy", ID: "a"}, {Type: "policy", ID: "ä"}, {Type: "policies", ID: "a/b"}, {Type: "policy", ID: "absent"}} {
			states, err := wall.States(ctx, audit.ResourceAt{Resource: r, At: m}, audit.ResourceAt{Resource: r})
			if err != nil {
				t.Fatal(err)
			}
			if got, want := indexOf(states[0]), p.at(r, m); got != want {
				t.Errorf("%v at %s: entry %d, want %d", r, describe(m), got, want)
			}
			if got, want := indexOf(states[1]), p.at(r, audit.Moment{}); got != want {
				t.Errorf("%v now: entry %d, want %d", r, got, want)
			}
		}
		for _, deleted := range []bool{false, true} {
			for _, limit := range []int{1 + random.IntN(2), 500} {
				if got, want := listStates(t, wall, id, audit.StateList{ResourceType: "policy", At: m, Deleted: deleted, Limit: limit}), p.list("policy", m, deleted); !slices.Equal(got, want) {
					t.Errorf("list at %s, deleted %t, pages of %d: %v, want %v", describe(m), deleted, limit, got, want)
				}
			}
		}
	}
	states, err := wall.States(as(t, other), audit.ResourceAt{Resource: audit.Resource{Type: "policy", ID: "a"}})
	if err != nil || states[0] != nil || len(listStates(t, wall, other, audit.StateList{ResourceType: "policy", Limit: 500})) != 0 {
		t.Errorf("another tenant sees %v, %v", states, err)
	}
}

func indexOf(e *audit.LogEntry) int64 {
	if e == nil {
		return -1
	}
	return e.LeafIndex
}

func describe(m audit.Moment) string {
	index := "none"
	if m.LeafIndex != nil {
		index = strconv.FormatInt(*m.LeafIndex, 10)
	}
	return fmt.Sprintf("index %s, recorded %s, effective %s", index, m.RecordedTime, m.EffectiveTime)
}

// listStates follows all pages.
func listStates(t *testing.T, wall *audit.Wall, id tenant.ID, l audit.StateList) []int64 {
	t.Helper()
	indexes := []int64{}
	for {
		page, err := wall.ListStates(as(t, id), l)
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Entries) > l.Limit {
			t.Fatalf("a page of %d", len(page.Entries))
		}
		for _, e := range page.Entries {
			indexes = append(indexes, e.LeafIndex)
		}
		if page.Next == nil {
			return indexes
		}
		l.After = page.Next
	}
}

func TestHistory(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	wall, _ := startWall(t, db, wallConfig(t))
	id := newTenant(t)
	p := appendPast(t, wall, id, 120, rand.New(rand.NewPCG(7, 7)))
	r := audit.Resource{Type: "policy", ID: "a"}
	var want []int64
	for i, e := range p {
		if e.Resource.Type == r.Type && e.Resource.ID == r.ID && e.ChangesState() {
			want = append(want, int64(i))
		}
	}
	for _, newest := range []bool{false, true} {
		for _, limit := range []int{1, 3, len(want), 500} {
			var got []int64
			h := audit.StateHistory{Resource: r, NewestFirst: newest, Limit: limit}
			for more := true; more; {
				var entries []audit.LogEntry
				var earlier *audit.LogEntry
				var err error
				if entries, earlier, more, err = wall.History(as(t, id), h); err != nil {
					t.Fatal(err)
				}
				if len(entries) > limit {
					t.Fatalf("a page of %d", len(entries))
				}
				for _, e := range entries {
					got = append(got, e.LeafIndex)
				}
				h.After = &got[len(got)-1]
				oldest := slices.MinFunc(entries, func(a, b audit.LogEntry) int { return int(a.LeafIndex - b.LeafIndex) }).LeafIndex
				if before := p.at(r, audit.Moment{LeafIndex: new(oldest - 1)}); indexOf(earlier) != before {
					t.Errorf("before entry %d: %d, want %d", oldest, indexOf(earlier), before)
				}
			}
			if newest {
				slices.Reverse(got)
			}
			if !slices.Equal(got, want) {
				t.Errorf("newest first %t, pages of %d: %v, want %v", newest, limit, got, want)
			}
		}
	}
	if entries, earlier, more, err := wall.History(as(t, id), audit.StateHistory{Resource: audit.Resource{Type: "policy", ID: "absent"}, Limit: 5}); err != nil ||
		len(entries) != 0 || earlier != nil || more {
		t.Errorf("history of nothing: %d entries, %v, %t, %v", len(entries), earlier, more, err)
	}
}

// TestStatePagesAreBounded lists large states, and more deleted resources than one page passes over.
func TestStatePagesAreBounded(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	wall, _ := startWall(t, db, wallConfig(t))
	large, gone := newTenant(t), newTenant(t)
	for i := range 40 {
		e := newEntry(t, large)
		e.Resource = auditlog.Resource{Type: "policy", ID: fmt.Sprintf("p-%02d", i%20), State: map[string]any{"x": strings.Repeat("x", 55_000)}}
		mustAppend(t, wall, e)
		e = newEntry(t, large)
		e.Resource = auditlog.Resource{Type: "model", ID: "m", State: map[string]any{"x": strings.Repeat("x", 55_000)}}
		mustAppend(t, wall, e)
	}
	bounded := func(entries []audit.LogEntry) int {
		bytes := 0
		for _, e := range entries {
			bytes += len(e.Leaf)
		}
		if bytes > 1<<20+60_000 {
			t.Errorf("a page of %d bytes", bytes)
		}
		return len(entries)
	}
	var next *audit.StatePlace
	total := 0
	for pages := 1; pages == 1 || next != nil; pages++ {
		page, err := wall.ListStates(as(t, large), audit.StateList{ResourceType: "policy", Limit: 500, After: next})
		if err != nil {
			t.Fatal(err)
		}
		total += bounded(page.Entries)
		next = page.Next
	}
	if total != 20 {
		t.Errorf("%d resources on bounded pages, want 20", total)
	}
	h := audit.StateHistory{Resource: audit.Resource{Type: "model", ID: "m"}, Limit: 500}
	total = 0
	for more := true; more; {
		var entries []audit.LogEntry
		var err error
		if entries, _, more, err = wall.History(as(t, large), h); err != nil {
			t.Fatal(err)
		}
		total += bounded(entries)
		h.After = &entries[len(entries)-1].LeafIndex
	}
	if total != 40 {
		t.Errorf("%d states on bounded pages, want 40", total)
	}

	const resources = 4500
	audit.Fill(t, db.Writer, gone, resources+1, func(id tenant.ID, n int64) auditlog.Entry {
		e := newEntry(t, id)
		e.EventType, e.Resource = "policy.deleted", auditlog.Resource{Type: "policy", ID: fmt.Sprintf("p-%05d", n)}
		if n == resources {
			e.EventType, e.Resource.State = "policy.created", map[string]any{}
		}
		return e
	})
	if got := listStates(t, wall, gone, audit.StateList{ResourceType: "policy", Limit: 500}); !slices.Equal(got, []int64{resources}) {
		t.Errorf("among the deleted: %v", got)
	}
	page, err := wall.ListStates(as(t, gone), audit.StateList{ResourceType: "policy", Limit: 500})
	if err != nil || len(page.Entries) != 0 || page.Next == nil {
		t.Errorf("the first page: %d entries, next %v, %v", len(page.Entries), page.Next, err)
	}
}

// TestStatesRestOnIntactEntries alters the entry that says a state, and its columns.
func TestStatesRestOnIntactEntries(t *testing.T) {
	t.Parallel()
	for name, sql := range map[string]string{
		"bytes":     `UPDATE gov_audit_trail_entries SET entry = set_byte(entry, 200, get_byte(entry, 200) # 1) WHERE leaf_index = 1`,
		"effective": `UPDATE gov_audit_trail_entries SET effective_at = effective_at - interval '1 day' WHERE leaf_index = 1`,
		"actor":     `UPDATE gov_audit_trail_entries SET actor_id = 'somebody' WHERE leaf_index = 1`,
		"resource":  `UPDATE gov_audit_trail_entries SET resource_id = 'p-1' WHERE leaf_index = 2`,
		"hash":      `UPDATE gov_audit_trail_entries SET hashes = set_byte(hashes, 0, get_byte(hashes, 0) # 1) WHERE leaf_index = 1`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := postgrestest.Audit(t)
			wall, _ := startWall(t, db, wallConfig(t))
			id := newTenant(t)
			appendMany(t, wall, id, 3)
			withoutGuards(t, db, sql)
			r := audit.Resource{Type: "policy", ID: "p-1"}
			_, stateErr := wall.States(as(t, id), audit.ResourceAt{Resource: r})
			_, listErr := wall.ListStates(as(t, id), audit.StateList{ResourceType: "policy", Limit: 5})
			_, _, _, historyErr := wall.History(as(t, id), audit.StateHistory{Resource: r, Limit: 5})
			for _, err := range []error{stateErr, listErr, historyErr} {
				if errs.ReasonOf(err) != errs.ReasonLogInconsistent {
					t.Errorf("got %v", err)
				}
			}
			if states, err := wall.States(as(t, id), audit.ResourceAt{Resource: audit.Resource{Type: "policy", ID: "p-0"}}); err != nil || indexOf(states[0]) != 0 {
				t.Errorf("another resource: %v, %v", states, err)
			}
		})
	}
}
