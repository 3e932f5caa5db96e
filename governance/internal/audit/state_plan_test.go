package audit_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/audittest"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// pastEntry makes entry n of a log of which half are decisions, a quarter changes of policies, five of each far apart, and a quarter changes of
// one monitor. Every eighth policy ends deleted.
func pastEntry(policies int64) func(tenant.ID, int64) auditlog.Entry {
	return func(id tenant.ID, n int64) auditlog.Entry {
		e := benchEntry(id, n)
		policy := n / 4 % policies
		switch n % 4 {
		case 0:
			e.EventType, e.Resource = "policy.changed", auditlog.Resource{Type: "policy", ID: fmt.Sprintf("p-%07d", policy)}
			e.Resource.State = map[string]any{"name": "limits", "revision": float64(n), "decision_points": []any{"loan"}}
			if policy%8 == 0 && n/4/policies == 4 {
				e.EventType, e.Resource.State = "policy.deleted", nil
			}
		case 1:
			e.EventType, e.Resource = "drift.monitor_changed", auditlog.Resource{Type: "monitor", ID: "m-1", State: map[string]any{"revision": float64(n)}}
		}
		e.EffectiveTime = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(n) * time.Second)
		return e
	}
}

// fill inserts n entries of pastEntry.
func fill(tb testing.TB, writer *pgxpool.Pool, admin *pgx.Conn, id tenant.ID, n int) {
	tb.Helper()
	audit.Fill(tb, writer, id, int64(n), pastEntry(int64(n/20)))
	if _, err := admin.Exec(tb.Context(), `ANALYZE gov_audit_trail_entries`); err != nil {
		tb.Fatal(err)
	}
}

// TestStatesUseIndexes looks at the plans, and at how much of a log of 50,000 entries they read.
func TestStatesUseIndexes(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	id := newTenant(t)
	const n = 50_000
	fill(t, db.Writer, db.Admin(), id, n)
	policy, monitor := audit.Resource{Type: "policy", ID: "p-0001234"}, audit.Resource{Type: "monitor", ID: "m-1"}
	middle := audit.Moment{EffectiveTime: time.Date(2026, 1, 1, 6, 0, 0, 0, time.UTC)}
	place := func(last, resource int64) *audit.StatePlace { return &audit.StatePlace{Last: last, Resource: resource} }
	for name, tc := range map[string]struct {
		index   string
		buffers int
		sql     func() (string, pgx.NamedArgs)
	}{
		"state now":    {"state", 12, func() (string, pgx.NamedArgs) { return audit.StateQuery(audit.ResourceAt{Resource: policy}, id, n) }},
		"state before": {"state", 12, func() (string, pgx.NamedArgs) { return audit.StateQuery(audit.ResourceAt{Resource: monitor}, id, n/2) }},
		"effective state": {"effect", 12, func() (string, pgx.NamedArgs) {
			return audit.StateQuery(audit.ResourceAt{Resource: monitor, At: middle}, id, n)
		}},
		"bitemporal state": {"effect", 12, func() (string, pgx.NamedArgs) {
			return audit.StateQuery(audit.ResourceAt{Resource: policy, At: middle}, id, n/2)
		}},
		"list now": {"state", 900, func() (string, pgx.NamedArgs) {
			return audit.ListStatesQuery(audit.StateList{ResourceType: "policy", Limit: 50, After: place(n, 8000)}, id)
		}},
		"list before": {"state", 900, func() (string, pgx.NamedArgs) {
			return audit.ListStatesQuery(audit.StateList{ResourceType: "policy", Limit: 50, After: place(n/2, -1)}, id)
		}},
		"effective list": {"effect", 900, func() (string, pgx.NamedArgs) {
			return audit.ListStatesQuery(audit.StateList{ResourceType: "policy", Limit: 50, At: middle, After: place(n, 8000)}, id)
		}},
		"list of one with many states": {"state", 30, func() (string, pgx.NamedArgs) {
			return audit.ListStatesQuery(audit.StateList{ResourceType: "monitor", Limit: 50, After: place(n, -1)}, id)
		}},
		"history": {"state", 70, func() (string, pgx.NamedArgs) {
			return audit.HistoryQuery(audit.StateHistory{Resource: monitor, After: new(int64(n / 2)), NewestFirst: true, Limit: 50}, id)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			sql, args := tc.sql()
			plan, touched := analyze(t, db, id, sql, args)
			used := slices.ContainsFunc(partitionsOf(t, db.Admin(), "gov_audit_trail_entries_"+tc.index+"_idx"), func(index string) bool {
				return strings.Contains(plan, " "+index+" ")
			})
			if !used || strings.Contains(plan, "Seq Scan on gov") || touched > tc.buffers {
				t.Errorf("%d buffers, at most %d wanted, with the index %s (%t):\n%s", touched, tc.buffers, tc.index, used, plan)
			}
		})
	}
}

func partitionsOf(t *testing.T, admin *pgx.Conn, index string) []string {
	t.Helper()
	rows, err := admin.Query(t.Context(), `SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = $1::regclass`, index)
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(names) == 0 {
		t.Fatalf("%s: %v, %v", index, names, err)
	}
	return names
}

// BenchmarkTimeMachine reads past states of a log of a million entries.
func BenchmarkTimeMachine(b *testing.B) {
	dbs, admin := durableServer(b)
	wall, _ := audittest.Start(b, dbs, wallConfig(b))
	id := newTenant(b)
	const n = 1_000_000
	fill(b, dbs.Writer, admin, id, n)
	var recorded time.Time
	if err := admin.QueryRow(b.Context(), `SELECT recorded_at FROM gov_audit_trail_entries WHERE leaf_index = $1`, n/2).Scan(&recorded); err != nil {
		b.Fatal(err)
	}
	effective := time.Date(2026, 1, 1, 0, 0, n/3, 0, time.UTC)
	moments := []struct {
		name string
		at   audit.Moment
	}{
		{"now", audit.Moment{}},
		{"index", audit.Moment{LeafIndex: new(int64(n / 2))}},
		{"recorded", audit.Moment{RecordedTime: recorded}},
		{"effective", audit.Moment{EffectiveTime: effective}},
		{"both", audit.Moment{RecordedTime: recorded, EffectiveTime: effective}},
		// All changes that took effect up to the time and were recorded after the index are passed over.
		{"both-apart", audit.Moment{LeafIndex: new(int64(n / 4)), EffectiveTime: effective.AddDate(1, 0, 0)}},
	}
	// measure reports the latencies besides the mean.
	measure := func(name string, call func(i int) error) {
		b.Run(name, func(b *testing.B) {
			var latencies []time.Duration
			for i := 0; b.Loop(); i++ {
				start := time.Now()
				if err := call(i); err != nil {
					b.Fatal(err)
				}
				latencies = append(latencies, time.Since(start))
			}
			slices.Sort(latencies)
			b.ReportMetric(float64(latencies[len(latencies)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(latencies[len(latencies)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
	policy := func(i int) audit.Resource {
		return audit.Resource{Type: "policy", ID: fmt.Sprintf("p-%07d", i*7919%(n/20))}
	}
	for _, m := range moments {
		measure("state/"+m.name, func(i int) error {
			_, err := wall.States(as(b, id), audit.ResourceAt{Resource: policy(i), At: m.at})
			return err
		})
	}
	for _, m := range moments {
		measure("state-of-250000/"+m.name, func(int) error {
			_, err := wall.States(as(b, id), audit.ResourceAt{Resource: audit.Resource{Type: "monitor", ID: "m-1"}, At: m.at})
			return err
		})
	}
	for _, m := range moments {
		measure("list-50/"+m.name, func(i int) error {
			page, err := wall.ListStates(as(b, id), audit.StateList{
				ResourceType: "policy", At: m.at, Limit: 50, After: &audit.StatePlace{Last: n / 2, Resource: int64(i * 7919 % (n / 20) * 4)},
			})
			if err == nil && len(page.Entries) == 0 {
				return errors.New("an empty page")
			}
			return err
		})
	}
	measure("list-50/of-the-first-1000", func(int) error { // nearly no resource was there
		_, err := wall.ListStates(as(b, id), audit.StateList{ResourceType: "policy", At: audit.Moment{LeafIndex: new(int64(100))}, Limit: 50})
		return err
	})
	measure("history-50", func(i int) error {
		_, _, _, err := wall.History(as(b, id), audit.StateHistory{
			Resource: audit.Resource{Type: "monitor", ID: "m-1"}, After: new(int64(i * 7919 % n)), NewestFirst: true, Limit: 50,
		})
		return err
	})
}
