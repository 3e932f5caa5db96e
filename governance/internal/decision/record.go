package decision

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/requestid"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// EventType is that of the entries that record decisions.
const EventType = "decision.evaluated"

const (
	action      = "decision.evaluate"
	inputDigest = "input"
	inputHMAC   = "input_hmac"

	resourcePolicy = "policy"
	resourcePoint  = "decision_point"
)

// record puts the decision on the wall. When the wall has a decision of this id, the request is a retry and that one is the answer.
func (d *Decider) record(ctx context.Context, q Question, in seen, decision Decision) (Decision, error) {
	var err error
	decision.Position, err = d.config.Wall.Append(ctx, newEntry(ctx, q, in, decision))
	if q.Request != uuid.Nil && errs.ReasonOf(err) == errs.ReasonEntryIDReused {
		return d.repeat(ctx, q, decision.ID)
	}
	if err != nil {
		return Decision{}, fmt.Errorf("record decision: %w", err)
	}
	d.offer(ctx, q, in, decision)
	return decision, nil
}

// newEntry says what was decided, by which content, on which input; never the input itself, nor what of it is masked.
func newEntry(ctx context.Context, q Question, in seen, decision Decision) auditlog.Entry {
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
	e.Describe = decision.describe
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

// repeat returns the decision of an earlier request with the same id, as the wall has it. Another question under that id is refused.
func (d *Decider) repeat(ctx context.Context, q Question, id uuid.UUID) (Decision, error) {
	found, err := d.config.Wall.Get(ctx, id)
	if err != nil {
		return Decision{}, fmt.Errorf("read the first decision: %w", err)
	}
	e, err := auditlog.Unmarshal(found.Leaf)
	if err != nil {
		return Decision{}, fmt.Errorf("read the first decision: %w", err)
	}
	decision, err := FromEntry(e)
	if errors.Is(err, ErrNotDecision) {
		return Decision{}, errs.New(errs.InvalidArgument, errs.ReasonRequestIDReused, "the request id is in use: use a new one").Because(err)
	}
	if err != nil {
		return Decision{}, err
	}
	kind, resource := resourcePoint, q.DecisionPoint
	if q.Policy != uuid.Nil {
		kind, resource = resourcePolicy, q.Policy.String()
	}
	same, err := d.sameInput(ctx, decision, q.Input)
	if err != nil {
		return Decision{}, err
	}
	if e.Resource.Type != kind || e.Resource.ID != resource || decision.Resource != q.Resource || !same {
		return Decision{}, errs.New(errs.InvalidArgument, errs.ReasonRequestIDReused,
			"the request id was used before with another request: use a new one")
	}
	decision.Position.LeafHash = auditlog.LeafHash(found.Leaf)
	return decision, nil
}
