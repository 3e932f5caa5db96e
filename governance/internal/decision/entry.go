package decision

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
)

// ErrNotDecision is that an entry is no decision of ours.
var ErrNotDecision = errors.New("the entry is not a decision")

// FromEntry returns the decision that an entry of the wall records, and fails with ErrNotDecision when it records none. Of its position it knows all
// but the leaf's hash.
func FromEntry(e auditlog.Entry) (Decision, error) {
	input := slices.IndexFunc(e.Digests, func(d auditlog.Digest) bool { return d.Name == inputDigest })
	if e.EventType != EventType || e.SourceService != audit.Source || input < 0 {
		return Decision{}, ErrNotDecision
	}
	f := fields{values: e.Details}
	d := Decision{
		ID: e.EntryID, Time: e.EffectiveTime.UTC(), InputSHA256: e.Digests[input].SHA256,
		Resource:      Resource{Type: f.text("resource_type"), ID: f.text("resource_id")},
		Subject:       e.Actor.ID,
		CorrelationID: e.CorrelationID,
		Outcome:       f.outcome("outcome"),
		EngineVersion: f.text("engine_version"),
		Duration:      time.Duration(f.number("evaluation_us")) * time.Microsecond,
		Position:      audit.Position{EntryID: e.EntryID, LeafIndex: e.LeafIndex},
	}
	d.readInput(e, &f)
	if e.Resource.Type == resourcePoint {
		d.DecisionPoint = e.Resource.ID
	}
	for _, each := range f.list("results") {
		r := f.within(each)
		d.Results = append(d.Results, r.result())
		f.merge(r)
	}
	if f.err != nil {
		return Decision{}, fmt.Errorf("read decision %s from its entry: %w", e.EntryID, f.err)
	}
	return d, nil
}

// result is the inverse of describe for one policy.
func (f *fields) result() Result {
	result := Result{
		PolicyID: f.id("policy_id"), PolicyName: f.text("policy_name"), VersionID: f.id("policy_version_id"), ContentSHA256: f.digest("content_sha256"),
		Result: rego.Result{Outcome: f.outcome("outcome"), Reason: f.reason("error_reason")},
	}
	for _, v := range f.list("violations") {
		m := f.within(v)
		result.Violations = append(result.Violations, rego.Violation{
			Code: m.text("code"), Message: m.text("message"), Severity: m.text("severity"), Control: m.text("control"),
		})
		f.merge(m)
	}
	for _, v := range f.list("obligations") {
		o := rego.Obligation{}
		switch v := v.(type) {
		case string:
			o.ID = v
		default:
			m := f.within(v)
			o.ID, o.Parameters = m.text("id"), m.values
			f.merge(m)
		}
		if o.ID == "" {
			f.fail("obligations", v)
		}
		result.Obligations = append(result.Obligations, o)
	}
	return result
}
