// Package decision answers whether an action is allowed. It owns the cache of compiled active versions, how the answers of several policies
// combine, and what of a decision stands on the Audit Wall. It answers only what is durably there.
package decision

import (
	"crypto/sha256"
	"time"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/governance/internal/shadow"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
)

// Question asks one policy, or all that are bound to a decision point.
type Question struct {
	// Policy is set, or DecisionPoint.
	Policy        uuid.UUID
	DecisionPoint string
	Input         rego.Input
	// Resource is what the action is done to, for the log; the zero value when the question does not say.
	Resource Resource
	// Request makes retries safe: the same id with the same question gets the first decision. uuid.Nil: not asked for.
	Request       uuid.UUID
	CorrelationID string
	Actor         auditlog.Actor // who asks
	// Explain asks why; its bytes are for all policies together. Explanations are no part of what is recorded.
	Explain *rego.Detail

	turn turn // to be evaluated, among the questions of a batch
}

// Resource is what an action is done to, in the words of whoever asks.
type Resource struct{ Type, ID string }

// Decision is what was decided.
type Decision struct {
	ID            uuid.UUID // also of its entry on the wall
	Outcome       rego.Outcome
	DecisionPoint string
	Resource      Resource
	Subject       string // who asked
	CorrelationID string
	Results       []Result          // in the order of the policies' names
	InputSHA256   [sha256.Size]byte // masked places are null
	// InputHMAC is the digest of the input without masks, which only the tenant's key can make; zero when nothing was masked.
	InputHMAC     [sha256.Size]byte
	MaskedPaths   int           // how many places of the input were masked
	InputKept     bool          // for replays
	Duration      time.Duration // of the evaluation
	EngineVersion string
	Time          time.Time // when it was decided; also the policies' clock
	Position      audit.Position
	// Explanations are in the order of the results; none unless they were asked for and this is the first answer to the request.
	Explanations []rego.Explanation
}

// Result is what one policy said.
type Result struct {
	rego.Result

	PolicyID      uuid.UUID
	PolicyName    string
	VersionID     uuid.UUID
	ContentSHA256 [sha256.Size]byte

	Shadow *shadow.Sample // of the candidate that is asked the same for comparison; nil for none, and in decisions that were read
}

// combine lets a deny override an error and an error override an allow. Nothing combines to an error: without a policy nothing is allowed.
func combine(results []Result) rego.Outcome {
	if len(results) == 0 {
		return rego.Error
	}
	outcome := rego.Allow
	for _, r := range results {
		switch r.Outcome {
		case rego.Deny:
			return rego.Deny
		case rego.Allow:
		default:
			outcome = rego.Error
		}
	}
	return outcome
}

// namespace is that of the ids of decisions with a request id (RFC 9562, section 5.5).
var namespace = uuid.MustParse("5b1a35f1-6f0c-5c0e-9d0e-0b8f1d6f6c55") //nolint:gochecknoglobals // a constant

// newID returns the decision's id: always the same for a tenant and a request id, so that the wall itself recognizes a retry.
func newID(tenantID [16]byte, request uuid.UUID) (uuid.UUID, error) {
	if request == uuid.Nil {
		return uuid.NewV7()
	}
	return idOf(tenantID, request), nil
}

func idOf(tenantID [16]byte, request uuid.UUID) uuid.UUID {
	return uuid.NewSHA1(namespace, append(tenantID[:], request[:]...))
}

// SeedOf makes the policies' randomness a function of the decision's id: whoever replays the decision has it.
func SeedOf(id uuid.UUID) rego.Seed { return sha256.Sum256(id[:]) }
