// Package shadow tries candidates on live traffic. While a shadow runs, the decider hands over a sample of the decisions that are on the wall already; the
// candidate is asked the same question, with the decision's own time and seed, by an engine of its own, and what it would have answered is compared and
// counted. A candidate cannot change an answer, and what it costs is bounded: decisions that it cannot keep up with are skipped and counted.
package shadow

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"time"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/governance/internal/difference"
)

// State says where a shadow stands in its life.
type State string

// The states.
const (
	Running State = "RUNNING"
	Stopped State = "STOPPED" // somebody stopped it, or another took its place
	Expired State = "EXPIRED" // its time is over
)

// Shadow is a candidate that is asked beside the active version, and what was found until now.
type Shadow struct {
	ID           uuid.UUID
	PolicyID     uuid.UUID
	VersionID    uuid.UUID
	SamplingRate float64
	State        State
	Summary      difference.Summary
	Skipped      int64
	Subject      string // of who started it
	CreateTime   time.Time
	ExpireTime   time.Time
	EndTime      *time.Time // nil while it runs
}

// Request is what to shadow.
type Request struct {
	VersionID    uuid.UUID
	SamplingRate float64
	Duration     time.Duration
	Subject      string // of the caller
}

// Resource is what a decision was about, in the words of who asked; the zero value: it named nothing.
type Resource struct {
	Type string `json:"type,omitempty"`
	ID   string `json:"id,omitempty"`
}

// Difference is a live decision to which the candidate gives another answer.
type Difference struct {
	DecisionID uuid.UUID
	DecideTime time.Time
	VersionID  uuid.UUID // that answered
	Resource   Resource
	Change     difference.Difference
}

// Sample is a running shadow as the decider knows it. It is immutable.
type Sample struct {
	ShadowID  uuid.UUID
	VersionID uuid.UUID // of the candidate
	until     time.Time
	below     uint64 // of the hashes of those decisions that are sampled
	all       bool
}

// NewSample returns the sample that a shadow takes.
func NewSample(s Shadow) *Sample {
	return &Sample{
		ShadowID: s.ID, VersionID: s.VersionID, until: s.ExpireTime,
		below: uint64(s.SamplingRate * math.MaxUint64), all: s.SamplingRate >= 1,
	}
}

// Takes reports whether the candidate is asked about the decision: a function of the two ids, so that every replica and every retry agrees, and that no
// shadow's sample says anything of another's.
func (s *Sample) Takes(decisionID uuid.UUID, decided time.Time) bool {
	if !decided.Before(s.until) {
		return false
	}
	if s.all {
		return true
	}
	var key [2 * len(uuid.UUID{})]byte
	copy(key[:], s.ShadowID[:])
	copy(key[len(uuid.UUID{}):], decisionID[:])
	sum := sha256.Sum256(key[:])
	return binary.BigEndian.Uint64(sum[:]) < s.below
}
