package replay

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"github.com/aumos-enterprise/platform/governance/internal/decision"
	"github.com/aumos-enterprise/platform/governance/internal/difference"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
)

// maxCodeBytes bounds what is kept of a rule's name.
const maxCodeBytes = 1024

// batch is what a worker has found since it last wrote.
type batch struct {
	from        int64  // the replay's next index when the batch began
	replay      Replay // as it will be
	differences []row
	resources   map[resourceKey]*difference.Summary
	rules       map[[sha256.Size]byte]*RuleCount
}

// row is a difference that is kept.
type row struct {
	Difference

	detail []byte
}

type resourceKey struct{ kind, id string }

func newBatch(r Replay) *batch {
	return &batch{
		from: r.NextIndex, replay: r,
		resources: make(map[resourceKey]*difference.Summary), rules: make(map[[sha256.Size]byte]*RuleCount),
	}
}

// add compares the recorded decision with what it would have been had the policy said r.
func (b *batch) add(d decision.Decision, r rego.Result) error {
	policyID := b.replay.PolicyID
	before, _ := d.Of(policyID)
	instead := d.Instead(policyID, r)
	after, _ := instead.Of(policyID)
	change := difference.Between(difference.AnswerOf(before.Result), difference.AnswerOf(after.Result))
	b.replay.Summary.Add(change)
	b.replay.DecisionsSummary.Add(difference.Between(whole(d), whole(instead)))
	key := resourceKey{d.Resource.Type, d.Resource.ID}
	if b.resources[key] == nil {
		b.resources[key] = &difference.Summary{}
	}
	b.resources[key].Add(change)
	if change.Kind() == difference.Same {
		return nil
	}
	b.count(change.ViolationsAdded, func(c *RuleCount) { c.Added++ })
	b.count(change.ViolationsRemoved, func(c *RuleCount) { c.Removed++ })
	return b.keep(Difference{
		LeafIndex: d.Position.LeafIndex, DecisionID: d.ID, DecideTime: d.Time, VersionID: before.VersionID,
		Resource: Resource{Type: d.Resource.Type, ID: []byte(d.Resource.ID)}, Difference: change,
	})
}

// whole is what the decision told its caller: the obligations are those of the policies that allowed.
func whole(d decision.Decision) difference.Answer {
	a := difference.Answer{Outcome: d.Outcome}
	for _, r := range d.Results {
		a.Violations = append(a.Violations, r.Violations...)
		if d.Outcome == rego.Allow {
			a.Obligations = append(a.Obligations, r.Obligations...)
		}
	}
	return a
}

// count counts each rule once for an answer, however many violations it has there.
func (b *batch) count(violations []rego.Violation, one func(*RuleCount)) {
	seen := make(map[[sha256.Size]byte]bool, len(violations))
	for _, v := range violations {
		code := v.Code
		if code == "" {
			code = v.Message
		}
		key := sha256.Sum256([]byte(code))
		if seen[key] {
			continue
		}
		seen[key] = true
		if b.rules[key] == nil {
			b.rules[key] = &RuleCount{Code: code[:min(len(code), maxCodeBytes)]}
		}
		one(b.rules[key])
	}
}

// keep keeps the difference while there is room.
func (b *batch) keep(d Difference) error {
	if b.replay.KeptDifferences >= maxKept || b.replay.KeptBytes >= maxKeptBytes {
		return nil
	}
	raw, err := json.Marshal(detail{Resource: d.Resource, Change: d.Difference})
	if err != nil {
		return fmt.Errorf("marshal difference: %w", err)
	}
	b.differences = append(b.differences, row{d, raw})
	b.replay.KeptDifferences++
	b.replay.KeptBytes += int64(len(raw))
	return nil
}
