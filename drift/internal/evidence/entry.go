package evidence

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/pkg/auth"
	"github.com/aumos-enterprise/platform/pkg/requestid"
)

// Kind says what a piece of evidence documents. It is the entry's event type.
type Kind string

// The kinds.
const (
	ModelRegistered   Kind = "drift.model_registered"
	MonitorCreated    Kind = "drift.monitor_created"
	MonitorChanged    Kind = "drift.monitor_changed"
	BaselineUploaded  Kind = "drift.baseline_uploaded"
	BaselineActivated Kind = "drift.baseline_activated"
	BaselineRetired   Kind = "drift.baseline_retired"
	Detection         Kind = "drift.detection"
	StreamCreated     Kind = "drift.stream_created"
	StreamReset       Kind = "drift.stream_reset"
	ConceptDrift      Kind = "drift.concept_drift_detected"
)

// action is the verb that the kind's actor exercised.
func (k Kind) action() string {
	switch k {
	case ModelRegistered:
		return "drift.register_model"
	case MonitorCreated:
		return "drift.create_monitor"
	case BaselineUploaded:
		return "drift.upload_baseline"
	case BaselineActivated, BaselineRetired, MonitorChanged: // all three are of one activation
		return "drift.activate_baseline"
	case Detection:
		return "drift.detect"
	case StreamCreated:
		return "drift.create_stream"
	case StreamReset:
		return "drift.reset_stream"
	case ConceptDrift:
		return "drift.update_stream"
	}
	return "drift.unknown"
}

// Outcome says how the action ended.
type Outcome string

// Success is the outcome of everything that is evidence so far: what fails is rolled back, and leaves none.
const Success Outcome = "SUCCESS"

// Entry is what is recorded. Its JSON is stored as the evidence's payload and never rebuilt, so that every attempt sends the same content.
type Entry struct {
	EntryID       uuid.UUID      `json:"entry_id"`
	EffectiveTime time.Time      `json:"effective_time"`
	Kind          Kind           `json:"event_type"`
	Action        string         `json:"action"`
	Outcome       Outcome        `json:"outcome"`
	Actor         Actor          `json:"actor"`
	Resource      Resource       `json:"resource"`
	RequestID     string         `json:"request_id,omitempty"`
	CorrelationID string         `json:"correlation_id,omitempty"`
	Details       map[string]any `json:"details,omitempty"` // JSON values only
	Digests       []Digest       `json:"digests,omitempty"`
}

// Actor is who acted.
type Actor struct {
	Kind auth.Kind `json:"kind"`
	ID   string    `json:"id"`
}

// Resource is what was acted upon.
type Resource struct {
	Type  string         `json:"type"`
	ID    uuid.UUID      `json:"id"`
	Name  string         `json:"name,omitempty"`
	State map[string]any `json:"state,omitempty"` // after the change; JSON values only
}

// Digest stands for content that is not part of the entry.
type Digest struct {
	Name   string `json:"name"`
	SHA256 SHA256 `json:"sha256"`
}

// SHA256 is a SHA-256, in hexadecimal in JSON.
type SHA256 [32]byte

// MarshalText returns the hexadecimal form.
func (s SHA256) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, s[:]), nil }

// UnmarshalText reads the hexadecimal form.
func (s *SHA256) UnmarshalText(text []byte) error {
	if hex.DecodedLen(len(text)) != len(s) {
		return fmt.Errorf("decode SHA-256: %d characters", len(text))
	}
	_, err := hex.Decode(s[:], text)
	return err
}

// errNoActor is returned outside an authenticated request: an entry without an actor would prove nothing.
var errNoActor = errors.New("make evidence: no principal in context")

// NewEntry returns an entry of the kind about the resource, by the principal of ctx, for the request of ctx.
func NewEntry(ctx context.Context, kind Kind, effective time.Time, resource Resource) (Entry, error) {
	principal, ok := auth.FromContext(ctx)
	if !ok {
		return Entry{}, errNoActor
	}
	id, err := uuid.NewV7()
	if err != nil {
		return Entry{}, fmt.Errorf("make entry id: %w", err)
	}
	return Entry{
		EntryID: id, EffectiveTime: effective.UTC(), Kind: kind, Action: kind.action(), Outcome: Success,
		Actor:    Actor{Kind: principal.Kind, ID: principal.Subject},
		Resource: resource, RequestID: requestid.FromContext(ctx),
	}, nil
}
