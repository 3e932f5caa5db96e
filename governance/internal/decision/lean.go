package decision

import (
	"encoding/hex"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
)

// FromLean is FromEntry for an entry whose details were not read: it reads them as describe writes them, without a map, and leaves to FromEntry what is
// written otherwise.
func FromLean(l *auditlog.Lean) (Decision, error) {
	if l.EventType != EventType {
		return Decision{}, ErrNotDecision
	}
	if d, ok := readLean(l); ok {
		return d, nil
	}
	e, err := l.Whole()
	if err != nil {
		return Decision{}, err
	}
	return FromEntry(e)
}

func readLean(l *auditlog.Lean) (d Decision, ok bool) {
	input := slices.IndexFunc(l.Digests, func(d auditlog.Digest) bool { return d.Name == inputDigest })
	if l.SourceService != audit.Source || input < 0 {
		return d, false
	}
	d = Decision{
		ID: l.EntryID, Time: l.EffectiveTime.UTC(), InputSHA256: l.Digests[input].SHA256, Subject: l.Actor.ID, CorrelationID: l.CorrelationID,
		Position: audit.Position{EntryID: l.EntryID, LeafIndex: l.LeafIndex},
	}
	for _, digest := range l.Digests {
		if digest.Name == inputHMAC {
			d.InputHMAC = digest.SHA256
		}
	}
	if l.Resource.Type == resourcePoint {
		d.DecisionPoint = l.Resource.ID
	}
	timed := false
	ok = l.Read(func(f auditlog.Fields) {
		for f.Next() {
			switch f.Key {
			case "engine_version":
				d.EngineVersion = f.Text()
			case "evaluation_us":
				d.Duration, timed = time.Duration(f.Number())*time.Microsecond, true
			case "input_kept":
				d.InputKept = f.Truth()
			case "masked_paths":
				d.MaskedPaths = int(f.Number())
			case "outcome":
				d.Outcome = leanOutcome(&f.Value)
			case "resource_id":
				d.Resource.ID = f.Text()
			case "resource_type":
				d.Resource.Type = f.Text()
			case "results":
				for each := f.List(); each.Next(); {
					d.Results = append(d.Results, leanResult(each.Object()))
				}
			default:
				f.Refuse()
			}
		}
	})
	ok = ok && timed && d.Outcome != 0 && !slices.ContainsFunc(d.Results, func(r Result) bool { return r.Outcome == 0 })
	return d, ok
}

// leanResult is the inverse of describe for one policy; its outcome is 0 if it is none.
func leanResult(f auditlog.Fields) (r Result) {
	const policy, version, content, all = 1, 2, 4, 7 // what every result has
	seen := 0
	for f.Next() {
		switch f.Key {
		case "content_sha256":
			text := f.Text()
			if hex.DecodedLen(len(text)) != len(r.ContentSHA256) || len(text)%2 != 0 {
				f.Refuse()
			} else if _, err := hex.Decode(r.ContentSHA256[:], []byte(text)); err != nil {
				f.Refuse()
			}
			seen |= content
		case "error_reason":
			reason, known := rego.ParseErrorReason(f.Text())
			if !known {
				f.Refuse()
			}
			r.Reason = reason
		case "obligations":
			for each := f.List(); each.Next(); {
				r.Obligations = append(r.Obligations, leanObligation(&each.Value))
			}
		case "outcome":
			r.Outcome = leanOutcome(&f.Value)
		case "policy_id":
			r.PolicyID = leanID(&f.Value)
			seen |= policy
		case "policy_name":
			r.PolicyName = f.Text()
		case "policy_version_id":
			r.VersionID = leanID(&f.Value)
			seen |= version
		case "violations":
			for each := f.List(); each.Next(); {
				r.Violations = append(r.Violations, leanViolation(each.Object()))
			}
		default:
			f.Refuse()
		}
	}
	if seen != all {
		r.Outcome = 0
	}
	return r
}

func leanViolation(f auditlog.Fields) (v rego.Violation) {
	for f.Next() {
		switch f.Key {
		case "code":
			v.Code = f.Text()
		case "control":
			v.Control = f.Text()
		case "message":
			v.Message = f.Text()
		case "severity":
			v.Severity = f.Text()
		default:
			f.Refuse()
		}
	}
	return v
}

func leanObligation(v *auditlog.Value) (o rego.Obligation) {
	switch whole := v.Any().(type) {
	case string:
		o.ID = whole
	case map[string]any:
		o.ID, _ = whole["id"].(string)
		o.Parameters = whole
	}
	if o.ID == "" {
		v.Refuse()
	}
	return o
}

func leanID(v *auditlog.Value) uuid.UUID {
	id, err := uuid.Parse(v.Text())
	if err != nil {
		v.Refuse()
	}
	return id
}

func leanOutcome(v *auditlog.Value) rego.Outcome {
	switch text := v.Text(); text {
	case rego.Allow.String():
		return rego.Allow
	case rego.Deny.String():
		return rego.Deny
	case rego.Error.String():
		return rego.Error
	}
	v.Refuse()
	return 0
}
