package decisionlog_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/governance/internal/audittest"
	"github.com/aumos-enterprise/platform/governance/internal/decisionlog"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// day is all of the first day.
func day() decisionlog.Query {
	return decisionlog.Query{From: begin, Until: begin.Add(24 * time.Hour), Top: 10}
}

func (b *bundle) statistics(l *decisionlog.Log, id tenant.ID, q decisionlog.Query) decisionlog.Statistics {
	b.t.Helper()
	s, err := l.Statistics(in(b.t.Context(), id), q)
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

func TestGet(t *testing.T) {
	t.Parallel()
	b := setup(t)
	l, id := b.log(nil), audittest.NewTenant(t)
	d := about(atPoint(decide(begin, policies[0], rego.Deny), points[0]), "m-1")
	other := audittest.NewEntry(t, id)
	audittest.Append(t, b.wall, other)
	b.record(id, d)
	got, err := l.Get(in(t.Context(), id), d.ID)
	if err != nil || got.ID != d.ID || got.Outcome != rego.Deny || got.Resource.ID != "m-1" || got.Position.LeafIndex != 1 || got.Position.LeafHash == [32]byte{} {
		t.Errorf("got %+v, %v", got, err)
	}
	for name, ask := range map[string]struct {
		tenant tenant.ID
		id     uuid.UUID
	}{"unknown": {id, uuid.New()}, "no decision": {id, other.EntryID}, "another tenant's": {audittest.NewTenant(t), d.ID}} {
		_, err := l.Get(in(t.Context(), ask.tenant), ask.id)
		if want := errs.ResourceNotFound("decision", ask.id.String()).Error(); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", name, err, want)
		}
	}
}

func TestQueryIsChecked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for field, q := range map[string]decisionlog.Query{
		"time_range.start_time": {Until: begin},
		"time_range.end_time":   {From: begin, Until: begin.Add(90 * time.Minute)},
		"time_range":            {From: begin, Until: begin.Add(decisionlog.MaxRange + time.Hour)},
	} {
		_, err := b.log(nil).Statistics(in(t.Context(), audittest.NewTenant(t)), q)
		if e, ok := errors.AsType[*errs.Error](err); !ok || e.Reason != errs.ReasonInvalidField || e.Violations[0].Field != field {
			t.Errorf("%s: got %v", field, err)
		}
	}
}

// TestBackground counts without being asked, what it was left with and what comes, of many logs.
func TestBackground(t *testing.T) {
	t.Parallel()
	b := setup(t)
	l := b.log(func(c *decisionlog.Config) { c.CountEvery, c.Batch = time.Millisecond, 3 })
	tenants := []tenant.ID{audittest.NewTenant(t), audittest.NewTenant(t)}
	for _, id := range tenants {
		for range 10 {
			b.record(id, decide(begin, policies[0], rego.Allow))
		}
	}
	idle := audittest.NewTenant(t) // nothing is counted for other entries
	audittest.Append(t, b.wall, audittest.NewEntry(t, idle))
	stop := audittest.Run(t, l.Run)
	b.awaitCounted(20)
	b.record(tenants[0], decide(begin, policies[0], rego.Allow))
	b.awaitCounted(21)
	stop()
	var cursors int
	if err := b.governance.Admin().QueryRow(t.Context(), `SELECT count(*) FROM gov_decision_cursors`).Scan(&cursors); err != nil || cursors != len(tenants) {
		t.Errorf("%d logs are counted, %v; want those with decisions", cursors, err)
	}
	b.record(tenants[1], decide(begin, policies[0], rego.Allow))
	if s := b.statistics(b.log(nil), tenants[1], day()); s.Allowed != 11 || s.Position != 11 {
		t.Errorf("what a stopped replica left is not counted: %+v", s)
	}
}

// awaitCounted waits until so many entries are counted, of all tenants.
func (b *bundle) awaitCounted(want int) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 20*time.Second)
	defer cancel()
	for n := -1; n != want; {
		if err := b.governance.Admin().QueryRow(ctx, `SELECT coalesce(sum(position), 0) FROM gov_decision_cursors`).Scan(&n); err != nil {
			b.t.Fatalf("%d entries are counted, want %d: %v", n, want, err)
		}
	}
}

// TestCatchUpIsBounded answers with what is counted so far, and says how far that is.
func TestCatchUpIsBounded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := audittest.NewTenant(t)
	for range 5 {
		b.record(id, decide(begin, policies[0], rego.Allow))
	}
	l := b.log(func(c *decisionlog.Config) { c.CatchUp, c.Batch = time.Nanosecond, 2 })
	for _, want := range []int64{2, 4, 5} {
		if s := b.statistics(l, id, day()); s.Position != want || s.Total() != want {
			t.Errorf("%d counted up to %d, want %d", s.Total(), s.Position, want)
		}
	}
}

// TestMadeAgain throws the counts of one tenant away, as an operator would, and gets the same.
func TestMadeAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	l, id, other := b.log(nil), audittest.NewTenant(t), audittest.NewTenant(t)
	for _, of := range []tenant.ID{id, other} {
		v := about(atPoint(decide(begin, policies[0], rego.Deny), points[0]), "m-1")
		v.Results[0].Violations = []rego.Violation{{Code: "A", Control: "C-1"}}
		b.record(of, v, decide(begin.Add(time.Hour), policies[1], rego.Allow))
	}
	want := b.statistics(l, id, day())
	if want.Total() != 2 || len(want.Denied) != 1 || len(want.Violated) != 1 {
		t.Fatalf("got %+v", want)
	}
	b.statistics(l, other, day())
	_, err := b.governance.Admin().Exec(t.Context(), strings.ReplaceAll(`
		BEGIN;
		DELETE FROM gov_decision_cursors WHERE tenant_id = 'TENANT';
		DELETE FROM gov_decision_rollups WHERE tenant_id = 'TENANT';
		DELETE FROM gov_decision_denials WHERE tenant_id = 'TENANT';
		DELETE FROM gov_decision_violations WHERE tenant_id = 'TENANT';
		COMMIT`, "TENANT", id.String()))
	if err != nil {
		t.Fatal(err)
	}
	for _, of := range []tenant.ID{id, other} {
		if diff := gocmp.Diff(want, b.statistics(l, of, day())); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// TestAlteredEntry counts, lists and shows nothing that rests on an entry that somebody has altered.
func TestAlteredEntry(t *testing.T) {
	t.Parallel()
	b := setup(t)
	l, id := b.log(nil), audittest.NewTenant(t)
	d := decide(begin, policies[0], rego.Deny)
	b.record(id, d)
	for _, table := range []string{"", "_p0", "_p1", "_p2", "_p3"} {
		audittest.Lift(t, b.audit, `ALTER TABLE gov_audit_trail_entries`+table+` DISABLE TRIGGER ALL`)
	}
	audittest.Lift(t, b.audit, `UPDATE gov_audit_trail_entries SET entry = set_byte(entry, octet_length(entry) - 1, get_byte(entry, octet_length(entry) - 1) # 1)`)
	_, gotten := l.Get(in(t.Context(), id), d.ID)
	_, listed := l.List(in(t.Context(), id), decisionlog.Filter{}, math.MaxInt64, 10)
	_, counted := l.Statistics(in(t.Context(), id), day())
	for name, err := range map[string]error{"Get": gotten, "List": listed, "Statistics": counted} {
		if errs.ReasonOf(err) != errs.ReasonLogInconsistent {
			t.Errorf("%s: got %v, want LOG_INCONSISTENT", name, err)
		}
	}
}

// TestRestoredLog refuses to add to counts of a log that has lost entries, also when others stand in their places.
func TestRestoredLog(t *testing.T) {
	t.Parallel()
	for name, update := range map[string]string{
		"shorter": `UPDATE gov_decision_cursors SET position = 3`,
		"another": `UPDATE gov_decision_cursors SET position = 1`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			l, id := b.log(nil), audittest.NewTenant(t)
			b.record(id, decide(begin, policies[0], rego.Deny), decide(begin, policies[0], rego.Deny))
			b.statistics(l, id, day())
			if _, err := b.governance.Admin().Exec(t.Context(), update); err != nil {
				t.Fatal(err)
			}
			if _, err := l.Statistics(in(t.Context(), id), day()); errs.ReasonOf(err) != errs.ReasonLogInconsistent {
				t.Errorf("got %v, want LOG_INCONSISTENT", err)
			}
		})
	}
}

// TestNewestViolation keeps the newest control, and cuts what is long without taking two texts for one.
func TestNewestViolation(t *testing.T) {
	t.Parallel()
	b := setup(t)
	l, id := b.log(nil), audittest.NewTenant(t)
	long := strings.Repeat("ż", 600)
	for i, v := range [][]rego.Violation{
		{{Code: "A", Control: "new"}, {Message: long + "1"}},
		{{Code: "A", Control: "newer"}, {Message: long + "2"}},
		{{Code: "A", Control: "first"}, {Code: "A", Control: "newest"}},
	} {
		d := decide(begin.Add(time.Duration(2-i)*time.Hour), policies[0], rego.Deny) // the newest is the last on the wall
		d.Results[0].Violations = v
		b.record(id, d)
		b.statistics(l, id, day())
	}
	want := []decisionlog.ViolatedRule{
		{Policy: policies[0], Code: "A", Control: "newest", Decisions: 3},
		{Policy: policies[0], Code: strings.Repeat("ż", 512), Decisions: 1},
		{Policy: policies[0], Code: strings.Repeat("ż", 512), Decisions: 1},
	}
	if diff := gocmp.Diff(want, b.statistics(l, id, day()).Violated); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
