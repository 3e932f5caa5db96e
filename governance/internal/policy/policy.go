// Package policy owns policies and their versions: immutable, numbered, content-addressed sets of Rego modules, reviewed by somebody other than
// their author and tested before one of them is active. What Rego may say belongs to package rego, what decisions follow from it to package decision.
package policy

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/pkg/errs"
)

// Policy is a rule set of a tenant.
type Policy struct {
	ID                   uuid.UUID
	Name                 string // unique within the tenant
	Description          string
	DecisionPoints       []string          // in the order in which they were given
	Labels               map[string]string // nil when there are none
	RegulationReferences []string          // the requirements that it implements; nil when there are none
	MinCoveragePercent   int32             // that the suite must reach before a version is activated
	ActiveVersionID      uuid.UUID         // uuid.Nil while none is active
	SuiteRevision        int64             // grows with every change of the policy's test cases
	Revision             int64             // grows with every change
	CreateTime           time.Time
	UpdateTime           time.Time
	ArchiveTime          *time.Time // nil while the policy is in use
}

// ETag changes with every change of the policy.
func (p Policy) ETag() string { return strconv.FormatInt(p.Revision, 10) }

// CheckETag fails with STALE_ETAG when etag is set and not the policy's.
func (p Policy) CheckETag(etag string) error {
	if etag != "" && etag != p.ETag() {
		return errs.StaleETag("policy")
	}
	return nil
}

// CheckInUse fails with POLICY_ARCHIVED when the policy was taken out of use.
func (p Policy) CheckInUse() error {
	if p.ArchiveTime != nil {
		return errs.New(errs.FailedPrecondition, errs.ReasonPolicyArchived, "the policy is archived: take it back into use first").
			With("policy_id", p.ID.String())
	}
	return nil
}

// State says where a version stands in its life.
type State string

// The states.
const (
	Draft    State = "DRAFT"     // created, or sent back by a reviewer
	InReview State = "IN_REVIEW" // waits for somebody other than its author
	Approved State = "APPROVED"  // may be activated
	Active   State = "ACTIVE"    // the one version that decisions use
	Retired  State = "RETIRED"   // was active; Rollback makes it so again
)

// Version is immutable content of a policy.
type Version struct {
	ID            uuid.UUID
	PolicyID      uuid.UUID
	Number        int32 // counts the policy's versions from 1
	State         State
	ContentSHA256 Digest        // of the modules and the data
	Modules       []Module      `db:"-"` // nil in lists
	Data          []byte        `db:"-"` // the data document as canonical JSON; nil when there is none, and in lists
	Package       string        // that decisions query, for example "aumos.retrain"
	Description   string        // in the author's words
	Author        string        // the subject that created the version
	Submitter     string        // the subject that sent it to review; empty for drafts
	Approver      string        // the subject that accepted it; empty until then
	TestRunID     uuid.NullUUID // the run on which it was first activated
	CreateTime    time.Time
	ActivateTime  *time.Time  // when it was last activated; nil if never
	RetireTime    *time.Time  // nil unless it is retired
	Quarantine    *Quarantine `db:"-"` // nil unless it is quarantined
	Reviews       []Review    `db:"-"` // oldest first; nil in lists
}

// checkState fails with POLICY_VERSION_STATE unless the version is in one of the states.
func (v Version) checkState(states ...State) error {
	if slices.Contains(states, v.State) {
		return nil
	}
	names := make([]string, len(states))
	for i, s := range states {
		names[i] = string(s)
	}
	return stateError(v.State, "the version is %s, and must be %s", v.State, strings.Join(names, " or "))
}

func stateError(s State, format string, args ...any) error {
	return errs.New(errs.FailedPrecondition, errs.ReasonPolicyVersionState, format, args...).With("state", string(s))
}
