package decisionlog_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/governance/internal/audittest"
	"github.com/aumos-enterprise/platform/governance/internal/decision"
	"github.com/aumos-enterprise/platform/governance/internal/decisionlog"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// Names go when they are old, of every tenant, and the counts stay: also those of what is counted again later.
func TestNamesExpire(t *testing.T) {
	t.Parallel()
	b := setup(t)
	log, p := b.log(nil), uuid.Must(uuid.NewV7())
	now := time.Now().UTC().Truncate(time.Hour)
	tenants := []tenant.ID{tenant.ID(uuid.Must(uuid.NewV7())), tenant.ID(uuid.Must(uuid.NewV7()))}
	query := decisionlog.Query{From: now.Add(-80 * 24 * time.Hour), Until: now.Add(time.Hour), Top: 100}
	denied := func(age time.Duration, what string) decision.Decision {
		d := about(decide(now.Add(-age), p, rego.Deny), what)
		d.Results[0].Violations = []rego.Violation{{Code: what}}
		return d
	}
	look := func(id tenant.ID) decisionlog.Statistics {
		t.Helper()
		s, err := log.Statistics(in(t.Context(), id), query)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for _, id := range tenants {
		var all []decision.Decision
		for i := range 3 {
			all = append(all, denied(50*24*time.Hour, fmt.Sprint("old", i)), denied(time.Hour, fmt.Sprint("new", i)))
		}
		b.record(id, append(all, denied(30*24*time.Hour-30*time.Minute, "of an hour that is not over"))...)
		if s := look(id); len(s.Denied) != 7 || len(s.Violated) != 7 {
			t.Fatalf("counted %+v", s)
		}
	}
	expiry := decisionlog.NewExpiry(decisionlog.ExpiryConfig{
		Pool: b.governance.App, After: time.Since(now) + 30*24*time.Hour, Every: time.Millisecond, Log: audittest.Quiet(),
	})
	if err := expiry.Round(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, id := range tenants {
		s := look(id)
		if len(s.Denied) != 4 || len(s.Violated) != 4 || s.Counts.Denied != 7 {
			t.Errorf("kept %+v", s)
		}
		for _, r := range s.Denied {
			if r.ID[:3] == "old" {
				t.Errorf("%s is still there", r.ID)
			}
		}
	}

	// What comes late is counted and goes with the next round.
	b.record(tenants[0], denied(40*24*time.Hour, "late"))
	if s := look(tenants[0]); s.Counts.Denied != 8 || len(s.Denied) != 5 {
		t.Errorf("counted late: %+v", s)
	}
	stop := audittest.Run(t, expiry.Run)
	for tick := time.NewTicker(5 * time.Millisecond); len(look(tenants[0]).Denied) != 4; {
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatal("what came late stays")
		}
	}
	stop()
	if s := look(tenants[0]); s.Counts.Denied != 8 {
		t.Errorf("counts %+v", s)
	}
}
