// Package suite owns the tests of policies: cases that are kept beside the versions, the `test_` rules within them, and what runs of both came to. What
// a run means for activation belongs to package policy.
package suite

import (
	"crypto/sha256"
	"encoding/binary"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/governance/internal/policy"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/errs"
)

// Limits on the cases of one policy.
const (
	MaxCases = 1_000
	MaxBytes = 8 << 20
	// maxSpec is what the schema lets one case take.
	maxSpec = 1 << 20
)

// Spec is what a case asks and expects, as it is stored.
type Spec struct {
	Name    string
	Tags    []string
	Content []byte // in the form of the contract; equal ones are the same bytes
}

// SHA256 returns the digest of the content.
func (s Spec) SHA256() policy.Digest { return sha256.Sum256(s.Content) }

// check refuses what cannot be stored; field is the spec's place in the request.
func (s Spec) check(field string) error {
	if len(s.Content) > maxSpec {
		return errs.InvalidField(field, "%d bytes, at most %d", len(s.Content), maxSpec)
	}
	return nil
}

// Case is a case of a policy.
type Case struct {
	ID       uuid.UUID
	PolicyID uuid.UUID
	Spec
	Revision   int64 // grows with every change
	CreateTime time.Time
	UpdateTime time.Time
}

// ETag changes with every change of the case.
func (c Case) ETag() string { return strconv.FormatInt(c.Revision, 10) }

func (c Case) checkETag(etag string) error {
	if etag != "" && etag != c.ETag() {
		return errs.StaleETag("test case")
	}
	return nil
}

// Digest returns the digest of cases in their order: over each name and content, preceded by its length as 8 bytes, big endian.
func Digest(cases []Case) policy.Digest {
	sum := sha256.New()
	write := func(b []byte) {
		sum.Write(binary.BigEndian.AppendUint64(nil, uint64(len(b))))
		sum.Write(b)
	}
	for _, c := range cases {
		write([]byte(c.Name))
		write(c.Content)
	}
	return policy.Digest(sum.Sum(nil))
}

// Test is a case that can be run.
type Test struct {
	CaseID uuid.UUID // uuid.Nil for one that is not stored
	Name   string
	Input  rego.Input
	Data   *rego.Data // stands in for the version's data document; nil: the version's own
	Now    time.Time  // zero: Clock
	Want   Expectation
}

// Clock is what tests take for now unless they say otherwise, so that none depends on the day.
func Clock() time.Time { return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) }

// Expectation is what a case expects of the answer. The lists are sets.
type Expectation struct {
	Outcome        rego.Outcome
	Violations     []string // codes, or messages where there is no code
	AnyViolations  bool
	Obligations    []string // ids
	AnyObligations bool
}
