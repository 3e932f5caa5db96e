package audit_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// TestListUsesIndexes looks at the plans over a log that is large enough to matter: every filter reads about what it shows, in both directions, and
// also where everything that it matches stands at the far end of the log.
func TestListUsesIndexes(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	id := newTenant(t)
	const size, limit = 50_000, 50
	entries := func(owner tenant.ID, n int64) auditlog.Entry {
		e := newEntry(t, owner)
		e.EventType, e.Action, e.CorrelationID = "decision.evaluated", "decision.evaluate", ""
		e.Actor.ID = fmt.Sprintf("user-%d", n%101)
		e.Resource = auditlog.Resource{Type: "policy", ID: fmt.Sprintf("p-%d", n%997)}
		switch {
		case n < 600: // the beginning of the log is unlike the rest
			e.EventType, e.Action = fmt.Sprintf("drift.kind_%d", n%7), "detection.run"
			e.Resource, e.SourceService = auditlog.Resource{Type: "detection", ID: fmt.Sprintf("d-%d", n%7)}, "svc-drift"
			e.CorrelationID = "run-1"
		case n > size/2:
			e.Actor.ID, e.Resource.ID = "service", "busy"
			if n%2500 == 0 {
				e.Action = "policy.update"
			}
		case n%500 == 0:
			e.Outcome = auditlog.Denied
		}
		return e
	}
	for _, insert := range audit.PlainInserts(t, size, 2000, []tenant.ID{id}, entries) {
		if err := insert(t.Context(), db.Writer); err != nil {
			t.Fatal(err)
		}
	}
	admin := db.Admin()
	if _, err := admin.Exec(t.Context(), `VACUUM (ANALYZE) gov_audit_trail_entries`); err != nil {
		t.Fatal(err)
	}
	recorded := func(index int64) (at time.Time) {
		t.Helper()
		err := admin.QueryRow(t.Context(), `SELECT recorded_at FROM gov_audit_trail_entries WHERE tenant_id = $1 AND leaf_index = $2`,
			[16]byte(id), index).Scan(&at)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	early, middle := recorded(2000), recorded(20_000)
	// A page of 51 rows takes a few pages of the table when they stand together, and about one each when they are scattered.
	for name, tc := range map[string]struct {
		filter  audit.Filter
		index   string // part of its name
		buffers int    // that may be touched
	}{
		"everything":           {audit.Filter{}, "pkey", 60},
		"index range":          {audit.Filter{MinIndex: 30_000, EndIndex: 40_000}, "pkey", 60},
		"event type":           {audit.Filter{EventType: "drift.kind_3"}, "event_type", 250},
		"event type prefix":    {audit.Filter{EventType: "drift."}, "event_type", 500},
		"no such prefix":       {audit.Filter{EventType: "policy."}, "event_type", 20},
		"the usual prefix":     {audit.Filter{EventType: "decision."}, "event_type", 250},
		"action":               {audit.Filter{Action: "detection.run"}, "event_type_action", 250},
		"outcome":              {audit.Filter{Outcome: auditlog.Denied}, "outcome", 130},
		"no such outcome":      {audit.Filter{Outcome: auditlog.Failure}, "outcome", 20},
		"success":              {audit.Filter{Outcome: auditlog.Success}, "pkey", 60},
		"actor":                {audit.Filter{ActorID: "user-13"}, "actor_id", 130},
		"no such actor":        {audit.Filter{ActorID: "nobody"}, "actor_id", 20},
		"resource":             {audit.Filter{ResourceType: "policy", ResourceID: "p-77"}, "resource_type_resource_id", 130},
		"resource id":          {audit.Filter{ResourceID: "d-3"}, "resource_type_resource_id", 200},
		"resource type":        {audit.Filter{ResourceType: "detection"}, "event_type_action", 250},
		"usual resource type":  {audit.Filter{ResourceType: "policy"}, "event_type_action", 250},
		"correlation":          {audit.Filter{CorrelationID: "run-1"}, "correlation_id", 130},
		"source service":       {audit.Filter{SourceService: "svc-drift"}, "event_type_action", 250},
		"recorded time":        {audit.Filter{RecordedFrom: middle, RecordedBefore: middle.Add(time.Microsecond)}, "pkey", 250},
		"since":                {audit.Filter{RecordedFrom: middle}, "pkey", 250},
		"actor in a time":      {audit.Filter{ActorID: "user-13", RecordedFrom: early, RecordedBefore: middle}, "actor_id", 300},
		"prefix before a time": {audit.Filter{EventType: "drift.", RecordedBefore: middle}, "event_type", 500},
		"no such action":       {audit.Filter{Action: "policy.create"}, "event_type_action", 60},
		"type and action":      {audit.Filter{EventType: "decision.evaluated", Action: "detection.run"}, "event_type_action", 60},
		"type and actor":       {audit.Filter{EventType: "drift.kind_3", ActorID: "user-13"}, "event_type", 300},
		// Who did almost everything did also what is rare.
		"busy actor, rare action":           {audit.Filter{ActorID: "service", Action: "policy.update"}, "event_type_action", 300},
		"busy actor, usual action":          {audit.Filter{ActorID: "service", Action: "decision.evaluate"}, "actor_id", 300},
		"rare action of a busy resource id": {audit.Filter{ResourceID: "busy", Action: "policy.update"}, "event_type_action", 300},
	} {
		for _, newest := range []bool{false, true} {
			tc.filter.NewestFirst = newest
			sql, args := audit.ListQuery(tc.filter, id, limit)
			text, buffers := analyze(t, db, id, sql, args)
			if !strings.Contains(text, tc.index) || strings.Contains(text, "Seq Scan") {
				t.Errorf("%s (newest first: %t) does not use an index over %s:\n%s", name, newest, tc.index, text)
			}
			if buffers > tc.buffers {
				t.Errorf("%s (newest first: %t) touches %d buffers, more than %d:\n%s", name, newest, buffers, tc.buffers, text)
			}
		}
	}
	ids := make([]uuid.UUID, 500)
	for i := range ids {
		ids[i] = uuid.New()
	}
	sql, args := audit.CorrectionsQuery(id, ids)
	if text, buffers := analyze(t, db, id, sql, args); strings.Contains(text, "Seq Scan") || buffers > 2500 {
		t.Errorf("the corrections of a page touch %d buffers:\n%s", buffers, text)
	}
}

// analyze runs a statement as the reader and returns its plan with the number of buffers that it touched.
func analyze(t *testing.T, db postgrestest.AuditDB, id tenant.ID, sql string, args pgx.NamedArgs) (text string, buffers int) {
	t.Helper()
	tx, err := db.Reader.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(t.Context()) }()
	if _, err := tx.Exec(t.Context(), `SELECT set_config('aumos.tenant_id', $1, true)`, id.String()); err != nil {
		t.Fatal(err)
	}
	var raw []byte
	if err := tx.QueryRow(t.Context(), `EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF, FORMAT JSON) `+sql, args).Scan(&raw); err != nil {
		t.Fatal(err)
	}
	var plans []struct {
		Plan struct {
			Hit  int `json:"Shared Hit Blocks"`
			Read int `json:"Shared Read Blocks"`
		}
	}
	if err := json.Unmarshal(raw, &plans); err != nil || len(plans) != 1 {
		t.Fatalf("%d plans: %v", len(plans), err)
	}
	return outline(t, raw), plans[0].Plan.Hit + plans[0].Plan.Read
}

// outline is what of a plan was run, in a few lines.
func outline(t *testing.T, raw []byte) string {
	t.Helper()
	type node map[string]any
	var plans []struct{ Plan node }
	if err := json.Unmarshal(raw, &plans); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	var write func(n map[string]any, depth int)
	write = func(n map[string]any, depth int) {
		if n["Actual Loops"] == 0.0 {
			return // never run
		}
		fmt.Fprintf(&b, "%s%v %v rows=%v removed=%v hit=%v read=%v\n", strings.Repeat("  ", depth), n["Node Type"], n["Index Name"], n["Actual Rows"],
			n["Rows Removed by Filter"], n["Shared Hit Blocks"], n["Shared Read Blocks"])
		children, _ := n["Plans"].([]any)
		for _, child := range children {
			if c, ok := child.(map[string]any); ok {
				write(c, depth+1)
			}
		}
	}
	write(plans[0].Plan, 0)
	return b.String()
}
