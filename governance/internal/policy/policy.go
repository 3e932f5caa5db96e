// Package policy owns policies and their versions: immutable, numbered, content-addressed sets of Rego modules, one of which is active. What
// Rego may say belongs to package rego, what decisions follow from it to package decision.
package policy

import (
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/pkg/errs"
)

// Policy is a rule set of a tenant.
type Policy struct {
	ID              uuid.UUID
	Name            string // unique within the tenant
	Description     string
	DecisionPoints  []string  // in the order in which they were given
	ActiveVersionID uuid.UUID // uuid.Nil until a version is activated
	Revision        int64     // grows with every change
	CreateTime      time.Time
	UpdateTime      time.Time
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

// State says where a version stands in its life.
type State string

// The states. A retired version may be activated again.
const (
	Draft   State = "DRAFT"
	Active  State = "ACTIVE"
	Retired State = "RETIRED"
)

// Version is immutable content of a policy.
type Version struct {
	ID            uuid.UUID
	PolicyID      uuid.UUID
	Number        int32 // counts the policy's versions from 1
	State         State
	ContentSHA256 Digest   // of the modules
	Modules       []Module `db:"-"` // nil in lists
	Package       string   // that decisions query, for example "aumos.retrain"
	Author        string   // the subject that created the version
	CreateTime    time.Time
	ActivateTime  *time.Time // when it was last activated; nil if never
}
