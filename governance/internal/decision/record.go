package decision

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/requestid"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// EventType is that of the entries that record decisions.
const EventType = "decision.evaluated"

const (
	action        = "decision.evaluate"
	sourceService = "governance"
	inputDigest   = "input"
	inputHMAC     = "input_hmac"

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
		SourceService: sourceService, RequestID: requestid.FromContext(ctx), CorrelationID: q.CorrelationID,
		Details: map[string]any{
			"outcome":        decision.Outcome.String(),
			"engine_version": decision.EngineVersion,
			"evaluation_us":  float64(decision.Duration.Microseconds()),
			"results":        describe(in.redacted(decision.Results)),
		},
		Digests: []auditlog.Digest{{Name: inputDigest, SHA256: decision.InputSHA256}},
	}
	if q.Policy != uuid.Nil {
		e.Resource = auditlog.Resource{Type: resourcePolicy, ID: q.Policy.String(), Name: decision.Results[0].PolicyName}
	}
	if decision.Resource != (Resource{}) {
		e.Details["resource_type"], e.Details["resource_id"] = decision.Resource.Type, decision.Resource.ID
	}
	describeInput(&e, decision)
	return e
}

var outcomes = map[rego.Outcome]auditlog.Outcome{ //nolint:gochecknoglobals // a constant table
	rego.Allow: auditlog.Success, rego.Deny: auditlog.Denied, rego.Error: auditlog.Failure,
}

func describe(results []Result) []any {
	list := make([]any, len(results))
	for i, r := range results {
		m := map[string]any{
			"policy_id":         r.PolicyID.String(),
			"policy_name":       r.PolicyName,
			"policy_version_id": r.VersionID.String(),
			"content_sha256":    hex.EncodeToString(r.ContentSHA256[:]),
			"outcome":           r.Outcome.String(),
		}
		if r.Reason != rego.NoError {
			m["error_reason"] = r.Reason.String()
		}
		if len(r.Violations) > 0 {
			violations := make([]any, len(r.Violations))
			for j, v := range r.Violations {
				violations[j] = describeViolation(v)
			}
			m["violations"] = violations
		}
		if len(r.Obligations) > 0 {
			m["obligations"] = describeObligations(r.Obligations)
		}
		list[i] = m
	}
	return list
}

func describeViolation(v rego.Violation) map[string]any {
	m := make(map[string]any, 4)
	for key, value := range map[string]string{"code": v.Code, "message": v.Message, "severity": v.Severity, "control": v.Control} {
		if value != "" {
			m[key] = value
		}
	}
	return m
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
