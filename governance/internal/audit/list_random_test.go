package audit_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// pick returns one of the values.
func pick[T any](random *rand.Rand, values ...T) T { return values[random.IntN(len(values))] }

// likely returns the value or, once in n times, another one.
func likely(random *rand.Rand, n int, value string, others ...string) string {
	if random.IntN(n) > 0 {
		return value
	}
	return pick(random, others...)
}

// randomEntry is mostly a decision's; the others' words are prefixes of each other.
func randomEntry(t *testing.T, id tenant.ID, random *rand.Rand) auditlog.Entry {
	t.Helper()
	e := newEntry(t, id)
	e.EventType = likely(random, 4, "decision.evaluated", "policy.created", "policyx.created", "policy_x.created", "policy.version.x", "policy.x", "a.b")
	e.Action = likely(random, 4, "decision.evaluate", "policy.create", "policy.create_x", "a.b")
	e.Outcome = pick(random, auditlog.Success, auditlog.Success, auditlog.Success, auditlog.Denied, auditlog.Failure)
	e.Actor.ID = pick(random, "u", "u-1", "U", "ü")
	e.Resource = auditlog.Resource{Type: likely(random, 3, "policy", "pol", "policyx", "model"), ID: pick(random, "r", "r-1", "R", "ñ", "r-2")}
	e.SourceService = likely(random, 3, "governance", "svc-drift", "Gov ernance", "ö")
	e.CorrelationID = pick(random, "", "", "c", "c-1")
	return e
}

// randomFilter has each field now and then, mostly with a value that some entry has.
func randomFilter(random *rand.Rand, entries []auditlog.Entry) (f audit.Filter) {
	e := entries[random.IntN(len(entries))]
	set := func(field *string, value string) {
		if random.IntN(5) == 0 {
			*field = pick(random, value, value, value, value+"x")
		}
	}
	set(&f.EventType, pick(random, e.EventType, strings.SplitAfter(e.EventType, ".")[0], "policy.", "z.", "0."))
	set(&f.Action, e.Action)
	set(&f.ActorID, e.Actor.ID)
	set(&f.ResourceType, e.Resource.Type)
	set(&f.ResourceID, e.Resource.ID)
	set(&f.CorrelationID, pick(random, e.CorrelationID, "c"))
	set(&f.SourceService, e.SourceService)
	if random.IntN(5) == 0 {
		f.Outcome = e.Outcome
	}
	moment := func() time.Time {
		at := entries[random.IntN(len(entries))].RecordedTime
		return at.Add(pick(random, 0, 0, time.Microsecond, -time.Microsecond, -time.Hour, time.Hour))
	}
	if random.IntN(4) == 0 {
		f.RecordedFrom = moment()
	}
	if random.IntN(4) == 0 {
		f.RecordedBefore = moment()
	}
	if random.IntN(4) == 0 {
		f.MinIndex = random.Int64N(int64(len(entries)))
	}
	if random.IntN(4) == 0 {
		f.EndIndex = 1 + random.Int64N(int64(len(entries)+10))
	}
	f.NewestFirst = random.IntN(2) == 0
	return f
}

// matches is what a filter means.
func matches(f audit.Filter, e *auditlog.Entry) bool {
	equal := func(want, got string) bool { return want == "" || want == got }
	return (equal(f.EventType, e.EventType) || strings.HasSuffix(f.EventType, ".") && strings.HasPrefix(e.EventType, f.EventType)) &&
		equal(f.Action, e.Action) && equal(f.ActorID, e.Actor.ID) && equal(f.ResourceType, e.Resource.Type) && equal(f.ResourceID, e.Resource.ID) &&
		equal(f.CorrelationID, e.CorrelationID) && equal(f.SourceService, e.SourceService) && (f.Outcome == 0 || f.Outcome == e.Outcome) &&
		(f.RecordedFrom.IsZero() || !e.RecordedTime.Before(f.RecordedFrom)) && (f.RecordedBefore.IsZero() || e.RecordedTime.Before(f.RecordedBefore)) &&
		e.LeafIndex >= f.MinIndex && (f.EndIndex == 0 || e.LeafIndex < f.EndIndex)
}

// TestListFindsWhatMatches compares random filters over a random log with a look at each entry: page by page none is lost, repeated or out of order.
func TestListFindsWhatMatches(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	wall, _ := startWall(t, db, wallConfig(t))
	id := newTenant(t)
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	const size, batch = 4000, 90 // entries of a batch have the same recorded time
	for _, insert := range audit.PlainInserts(t, size, batch, []tenant.ID{id, newTenant(t)}, func(owner tenant.ID, _ int64) auditlog.Entry {
		return randomEntry(t, owner, random)
	}) {
		if err := insert(t.Context(), db.Writer); err != nil {
			t.Fatal(err)
		}
	}
	var entries []auditlog.Entry
	for _, row := range readRows(t, db.Admin(), id) {
		e, err := auditlog.Unmarshal(row.leaf)
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, e)
	}
	for n := range 400 {
		f := randomFilter(random, entries)
		var want []int64
		for i := range entries {
			if matches(f, &entries[i]) {
				want = append(want, entries[i].LeafIndex)
			}
		}
		if f.NewestFirst {
			slices.Reverse(want)
		}
		what := fmt.Sprintf("seed %d, filter %d, %+v", seed, n, f)
		limit := max(1, len(want)/(1+random.IntN(6)))
		if got := listAll(t, wall, id, f, limit); !slices.Equal(got, want) {
			t.Fatalf("%s: listed %d by %d, want %d: %v, want %v", what, len(got), limit, len(want), got, want)
		}
		s, err := wall.Scan(as(t, id), f, -1, len(want)+1)
		if err != nil || s.More || len(s.Entries) != len(want) || !slices.EqualFunc(s.Entries, want, func(e audit.Scanned, i int64) bool { return e.LeafIndex == i }) {
			t.Fatalf("%s: scanned %d, more %t, %v, want %d", what, len(s.Entries), s.More, err, len(want))
		}
	}
}
