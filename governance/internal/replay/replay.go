// Package replay puts a candidate to the decisions that stand on the Audit Wall, with the inputs that were kept, the decisions' own time and seed, and
// says what would have been answered otherwise. Replays are jobs in the database: a worker of any replica takes one for a while, and writes what it found
// in one transaction with how far it has come. So each decision counts once, whichever workers die.
package replay

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/governance/internal/difference"
	"github.com/aumos-enterprise/platform/governance/internal/policy"
)

const (
	// maxOpen is the number of replays of a tenant that are not done.
	maxOpen = 4
	// MaxListed is the number of resources and of rules that a report names.
	MaxListed = 100
	// maxKept and maxKeptBytes bound the differences of a replay that are kept: the first ones.
	maxKept      = 10_000
	maxKeptBytes = 64 << 20
)

// State says where a replay stands in its life.
type State string

// The states.
const (
	Pending   State = "PENDING"
	Running   State = "RUNNING"
	Succeeded State = "SUCCEEDED"
	Failed    State = "FAILED"
	Cancelled State = "CANCELLED" // what was compared until then stands
)

// Done reports whether nothing more will be compared.
func (s State) Done() bool { return s != Pending && s != Running }

// Request is what to replay.
type Request struct {
	PolicyID      uuid.UUID
	Candidate     Candidate
	From, Before  time.Time // of the decisions' time
	DecisionPoint string    // only its decisions; "": all of the policy's
	Span          Span
	Subject       string // of the caller
}

// Candidate is a version of the policy, or modules that are not stored.
type Candidate struct {
	VersionID     uuid.UUID // uuid.Nil: Modules and Data are the candidate
	ContentSHA256 policy.Digest
	Modules       []policy.Module
	Data          []byte // canonical JSON; nil for none
}

// stored is a candidate as its column holds it.
type stored struct {
	Modules []policy.Module `json:"modules"`
	Data    json.RawMessage `json:"data,omitempty"`
}

// column returns what is stored of the candidate: nothing of one that is a version.
func (c Candidate) column() ([]byte, error) {
	if c.VersionID != uuid.Nil {
		return nil, nil
	}
	b, err := json.Marshal(stored{Modules: c.Modules, Data: c.Data})
	if err != nil {
		return nil, fmt.Errorf("marshal candidate: %w", err)
	}
	return b, nil
}

// Replay is a replay and what it has found until now.
type Replay struct {
	ID               uuid.UUID
	PolicyID         uuid.UUID
	VersionID        uuid.UUID // uuid.Nil: modules that are not stored
	ContentSHA256    policy.Digest
	From             time.Time `db:"range_start"`
	Before           time.Time `db:"range_end"`
	DecisionPoint    string
	State            State
	FirstIndex       int64
	EndIndex         int64
	NextIndex        int64 // of the first entry that was not looked at
	InputsMissing    int64
	InputsMasked     int64
	Overruns         int // decisions at which the candidate came to no end
	Summary          difference.Summary
	DecisionsSummary difference.Summary
	KeptDifferences  int
	KeptBytes        int64
	Error            string
	Subject          string
	CreateTime       time.Time
	StartTime        *time.Time
	EndTime          *time.Time
}

// Scanned returns how many entries of the log were looked at.
func (r Replay) Scanned() int64 { return r.NextIndex - r.FirstIndex }

// Total returns how many there are.
func (r Replay) Total() int64 { return r.EndIndex - r.FirstIndex }

// Resource is what a decision was about; the zero value: it named nothing.
type Resource struct {
	Type string `json:"type,omitempty"`
	ID   []byte `json:"id,omitempty"`
}

// ResourceCount counts the differences about a resource.
type ResourceCount struct {
	Resource Resource
	Summary  difference.Summary
}

// RuleCount counts in how many answers only the candidate finds a violation (Added), and in how many only the recorded answer had it.
type RuleCount struct {
	Code           string // of the violation, or its message where it has none; at most 1,024 bytes
	Added, Removed int64
}

// Report is what a replay found, by resource and by rule: those with most differences first.
type Report struct {
	Resources []ResourceCount
	Rules     []RuleCount
}

// Difference is a decision to which the candidate gives another answer.
type Difference struct {
	LeafIndex  int64
	DecisionID uuid.UUID
	DecideTime time.Time
	VersionID  uuid.UUID // that answered
	Resource   Resource
	Difference difference.Difference
}

// detail is the part of a difference that its column holds as JSON.
type detail struct {
	Resource Resource              `json:"resource"`
	Change   difference.Difference `json:"change"`
}
