package decisionlog_test

import (
	"cmp"
	"context"
	"encoding/hex"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/audittest"
	"github.com/aumos-enterprise/platform/governance/internal/decision"
	"github.com/aumos-enterprise/platform/governance/internal/decisionlog"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// bundle is what a test works with.
type bundle struct {
	t          testing.TB
	governance postgrestest.GovernanceDB
	audit      postgrestest.AuditDB
	wall       *audit.Wall
}

func setup(t testing.TB) *bundle {
	t.Helper()
	b := &bundle{t: t, governance: postgrestest.Governance(t), audit: postgrestest.Audit(t)}
	b.wall, _ = audittest.Start(t, audittest.Databases(b.audit), audittest.Config(t))
	return b
}

// log returns the log of another replica. What it answers counts everything, however slow the machine, unless the change says otherwise.
func (b *bundle) log(change func(*decisionlog.Config)) *decisionlog.Log {
	cfg := decisionlog.Config{Pool: b.governance.App, Wall: b.wall, CatchUp: time.Hour}
	if change != nil {
		change(&cfg)
	}
	return decisionlog.New(cfg)
}

// record puts decisions on the wall, one after the other.
func (b *bundle) record(id tenant.ID, decisions ...decision.Decision) {
	b.t.Helper()
	for len(decisions) > 0 {
		n := min(len(decisions), audit.MaxBatch)
		entries := make([]auditlog.Entry, n)
		for i, d := range decisions[:n] {
			entries[i] = entryOf(id, d)
		}
		if _, err := b.wall.AppendBatch(b.t.Context(), entries); err != nil {
			b.t.Fatal(err)
		}
		decisions = decisions[n:]
	}
}

func in(ctx context.Context, id tenant.ID) context.Context { return tenant.NewContext(ctx, id) }

// entryOf is a decision's entry as package decision writes it; a test of package api makes sure of that.
func entryOf(id tenant.ID, d decision.Decision) auditlog.Entry {
	e := auditlog.Entry{
		EntryID: d.ID, TenantID: id, EffectiveTime: d.Time, EventType: "decision.evaluated", Action: "decision.evaluate",
		Outcome:  map[rego.Outcome]auditlog.Outcome{rego.Allow: auditlog.Success, rego.Deny: auditlog.Denied, rego.Error: auditlog.Failure}[d.Outcome],
		Actor:    auditlog.Actor{Kind: auditlog.ActorUser, ID: d.Subject},
		Resource: auditlog.Resource{Type: "decision_point", ID: d.DecisionPoint, Name: d.DecisionPoint}, SourceService: "governance",
		CorrelationID: d.CorrelationID, Digests: []auditlog.Digest{{Name: "input", SHA256: d.InputSHA256}},
		Details: map[string]any{
			"outcome": d.Outcome.String(), "engine_version": d.EngineVersion, "evaluation_us": float64(d.Duration.Microseconds()),
		},
	}
	if d.DecisionPoint == "" {
		e.Resource = auditlog.Resource{Type: "policy", ID: d.Results[0].PolicyID.String()}
	}
	if d.Resource != (decision.Resource{}) {
		e.Details["resource_type"], e.Details["resource_id"] = d.Resource.Type, d.Resource.ID
	}
	results := make([]any, len(d.Results))
	for i, r := range d.Results {
		violations := make([]any, len(r.Violations))
		for j, v := range r.Violations {
			violations[j] = map[string]any{"code": v.Code, "message": v.Message, "control": v.Control}
		}
		results[i] = map[string]any{
			"policy_id": r.PolicyID.String(), "policy_name": r.PolicyName, "policy_version_id": r.VersionID.String(),
			"content_sha256": hex.EncodeToString(r.ContentSHA256[:]), "outcome": r.Outcome.String(), "violations": violations,
		}
	}
	e.Details["results"] = results
	return e
}

// decide returns a decision of one policy that was asked by itself.
func decide(at time.Time, policy uuid.UUID, outcome rego.Outcome) decision.Decision {
	return decision.Decision{
		ID: uuid.Must(uuid.NewV7()), Time: at, Outcome: outcome, Subject: "ann", Duration: time.Millisecond,
		Results: []decision.Result{{PolicyID: policy, VersionID: policy, Result: rego.Result{Outcome: outcome}}},
	}
}

// atPoint makes it one of a decision point.
func atPoint(d decision.Decision, point string) decision.Decision {
	d.DecisionPoint = point
	return d
}

// about makes it one about a resource.
func about(d decision.Decision, id string) decision.Decision {
	d.Resource = decision.Resource{Type: "model", ID: id}
	return d
}

// ids are those of decisions, to compare.
func ids(decisions []decision.Decision) []string {
	list := make([]string, len(decisions))
	for i, d := range decisions {
		list[i] = cmp.Or(d.ID.String(), "none")
	}
	return list
}
