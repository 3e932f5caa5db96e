// Package auditlog says what an entry of the Audit Wall is, how it becomes a leaf of a tenant's Merkle tree, and how anybody checks a log
// without asking the platform: checkpoints (c2sp.org/tlog-checkpoint), receipts (c2sp.org/tlog-proof) and exports. It keeps nothing and
// calls nothing; governance appends entries, and aumosctl verifies them, with the same code.
//
// The tree is RFC 6962's: a leaf hash is SHA-256(0x00 ‖ leaf), an inner node SHA-256(0x01 ‖ left ‖ right). A leaf is the serialized
// aumos.governance.v1.AuditEntry, byte for byte as it was stored.
package auditlog

import (
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// FormatVersion is the version of the leaf format that this package writes.
const FormatVersion = 1

// Limits of an entry.
const (
	// MaxLeafSize is the size in bytes that a serialized entry may have. It stays under the 65,535 of a C2SP tlog-tiles entry.
	MaxLeafSize = 60_000
	// MaxDigests is the number of digests that an entry may have.
	MaxDigests = 16
	// maxDepth bounds the nesting of details and state.
	maxDepth = 64

	maxTypeLength     = 128 // of event type and action
	maxIDLength       = 255 // of actor and resource ids and names
	maxShortLength    = 64  // of resource types, digest names and service names
	maxRequestLength  = 128 // of request and correlation ids
	positionAllowance = 32  // bytes that leaf index and recorded time add at most
)

// Entry is one event of a tenant's log.
type Entry struct {
	// EntryID is chosen by the writer, once for an event and repeated in retries: it makes appending idempotent.
	EntryID uuid.UUID
	// TenantID is the tenant whose log this is.
	TenantID tenant.ID
	// LeafIndex is the position in the log, gapless from 0; set by the sequencer.
	LeafIndex int64
	// RecordedTime is when the platform recorded the entry, in whole microseconds; set by the sequencer, never decreasing within a log.
	RecordedTime time.Time
	// EffectiveTime is when the event took effect; zero means when it was recorded.
	EffectiveTime time.Time
	// EventType says what happened: dotted lower-case words, for example "policy.version_activated".
	EventType string
	// Action is the verb exercised, in the same form, for example "policy.activate".
	Action string
	// Outcome says how it ended.
	Outcome Outcome
	// Actor is who acted: pseudonymous.
	Actor Actor
	// Resource is what was acted upon.
	Resource Resource
	// SourceService is the service that recorded the entry.
	SourceService string
	// RequestID is the id of the request that caused the entry.
	RequestID string
	// CorrelationID groups the entries of one larger operation.
	CorrelationID string
	// Details holds further facts, small and free of personal data: values that JSON has.
	Details map[string]any
	// Describe writes the details in place of Details. It is called at once, and keeps nothing of what it writes to.
	Describe func(*Object)
	// Digests stand for what is too large or too sensitive to inline.
	Digests []Digest
}

// Effective returns when the event took effect.
func (e Entry) Effective() time.Time {
	if e.EffectiveTime.IsZero() {
		return e.RecordedTime
	}
	return e.EffectiveTime
}

// ChangesState reports whether the entry carries its resource's new state or, when the last word of the event type is "deleted", ends the resource.
func (e Entry) ChangesState() bool { return e.Resource.State != nil || e.Deletes() }

// Deletes reports whether the entry ends its resource. A deletion that was refused or failed does not.
func (e Entry) Deletes() bool {
	return e.Outcome == Success && strings.HasSuffix(e.EventType, ".deleted")
}

// Outcome says how a recorded action ended. The numbers are those of the contract's AuditOutcome.
type Outcome uint8

// The outcomes.
const (
	Success Outcome = 1 // the action took place
	Denied  Outcome = 2 // a rule refused it
	Failure Outcome = 3 // it failed
)

// String returns the name that search columns hold.
func (o Outcome) String() string {
	switch o {
	case Success:
		return "SUCCESS"
	case Denied:
		return "DENIED"
	case Failure:
		return "FAILURE"
	default:
		return "UNSPECIFIED"
	}
}

// ActorKind says what kind of principal acted. The numbers are those of the contract's ActorKind.
type ActorKind uint8

// The kinds of actor.
const (
	ActorUser    ActorKind = 1 // a person
	ActorService ActorKind = 2 // another service
	ActorSystem  ActorKind = 3 // the platform itself, for example a scheduled run
)

// Actor is who did something.
type Actor struct {
	Kind ActorKind
	// ID is the subject claim of the verified token.
	ID string
	// OnBehalfOf is the subject for whom a service acted; empty when it acted for itself.
	OnBehalfOf string
}

// Resource is what an action was done to.
type Resource struct {
	// Type is the kind of resource, for example "policy_version".
	Type string
	ID   string
	// Name is the resource's name at the time; empty where it has none.
	Name string
	// State is the resource's state after the change; nil where nothing changed.
	State map[string]any
}

// Digest is the SHA-256 of something that is not inlined.
type Digest struct {
	Name   string
	SHA256 [32]byte
}
