package decision

import (
	"slices"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
)

// Instead returns the decision that would have been made if the policy had said r. A policy that was not asked changes nothing.
func (d Decision) Instead(policyID uuid.UUID, r rego.Result) Decision {
	d.Results = slices.Clone(d.Results)
	for i := range d.Results {
		if d.Results[i].PolicyID == policyID {
			d.Results[i].Result = r
		}
	}
	fit(d.Results)
	d.Outcome = combine(d.Results)
	return d
}

// Of returns what the policy said.
func (d Decision) Of(policyID uuid.UUID) (Result, bool) {
	i := slices.IndexFunc(d.Results, func(r Result) bool { return r.PolicyID == policyID })
	if i < 0 {
		return Result{}, false
	}
	return d.Results[i], true
}
