package decision

import (
	"context"
	"crypto/sha256"
	"sync"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/requestid"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// writer writes the details of one entry after the other: what writes them is on the heap, and the wall has it do so before it takes the entry.
type writer struct {
	decision Decision
	describe func(*auditlog.Object) // the decision's
}

var writers = sync.Pool{New: func() any { return newWriter() }} //nolint:gochecknoglobals // memory alone

func newWriter() *writer {
	w := new(writer)
	w.describe = w.decision.describe
	return w
}

// leave forgets the decision, once its entry is written or is not to be.
func (w *writer) leave() {
	w.decision = Decision{}
	writers.Put(w)
}

// entry says what was decided, by which content, on which input; never the input itself, nor what of it is masked. It is good until the writer is left.
func (w *writer) entry(ctx context.Context, q Question, in seen, decision Decision) auditlog.Entry {
	id, _ := tenant.FromContext(ctx)
	e := auditlog.Entry{
		EntryID: decision.ID, TenantID: id, EffectiveTime: decision.Time,
		EventType: EventType, Action: action, Outcome: outcomes[decision.Outcome], Actor: q.Actor,
		Resource:      auditlog.Resource{Type: resourcePoint, ID: q.DecisionPoint, Name: q.DecisionPoint},
		SourceService: audit.Source, RequestID: requestid.FromContext(ctx), CorrelationID: q.CorrelationID,
		Digests: []auditlog.Digest{{Name: inputDigest, SHA256: decision.InputSHA256}},
	}
	if q.Policy != uuid.Nil {
		e.Resource = auditlog.Resource{Type: resourcePolicy, ID: q.Policy.String(), Name: decision.Results[0].PolicyName}
	}
	if decision.InputHMAC != [sha256.Size]byte{} {
		e.Digests = append(e.Digests, auditlog.Digest{Name: inputHMAC, SHA256: decision.InputHMAC})
	}
	decision.Results = in.redacted(decision.Results)
	w.decision, e.Describe = decision, w.describe
	return e
}

var outcomes = map[rego.Outcome]auditlog.Outcome{ //nolint:gochecknoglobals // a constant table
	rego.Allow: auditlog.Success, rego.Deny: auditlog.Denied, rego.Error: auditlog.Failure,
}

// describe writes the details of the decision's entry.
func (d *Decision) describe(o *auditlog.Object) {
	o.Text("engine_version", d.EngineVersion)
	o.Number("evaluation_us", float64(d.Duration.Microseconds()))
	if d.InputKept {
		o.Truth("input_kept", true)
	}
	if d.MaskedPaths > 0 {
		o.Number("masked_paths", float64(d.MaskedPaths))
	}
	o.Text("outcome", d.Outcome.String())
	if d.Resource != (Resource{}) {
		o.Text("resource_id", d.Resource.ID)
		o.Text("resource_type", d.Resource.Type)
	}
	o.Objects("results", len(d.Results), func(i int, o *auditlog.Object) { d.Results[i].describe(o) })
}

func (r *Result) describe(o *auditlog.Object) {
	o.Hex("content_sha256", r.ContentSHA256[:])
	if r.Reason != rego.NoError {
		o.Text("error_reason", r.Reason.String())
	}
	if len(r.Obligations) > 0 {
		o.Value("obligations", describeObligations(r.Obligations))
	}
	o.Text("outcome", r.Outcome.String())
	o.ID("policy_id", r.PolicyID)
	o.Text("policy_name", r.PolicyName)
	o.ID("policy_version_id", r.VersionID)
	if len(r.Violations) > 0 {
		o.Objects("violations", len(r.Violations), func(i int, o *auditlog.Object) { describeViolation(o, r.Violations[i]) })
	}
}

func describeViolation(o *auditlog.Object, v rego.Violation) {
	for _, field := range [...]struct{ key, value string }{
		{"code", v.Code}, {"control", v.Control}, {"message", v.Message}, {"severity", v.Severity},
	} {
		if field.value != "" {
			o.Text(field.key, field.value)
		}
	}
}

// describeObligations returns them as the policy gave them: a string, or an object that has the id among its parameters.
func describeObligations(obligations []rego.Obligation) []any {
	list := make([]any, len(obligations))
	for i, o := range obligations {
		if list[i] = o.ID; o.Parameters != nil {
			list[i] = o.Parameters
		}
	}
	return list
}
