package decision

import (
	"context"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
)

// explain says of each result why it is what it is, by evaluations of their own with the same clock and randomness: what decides is not slowed down
// by being watched. An explanation that the tenant's share of the engine has no room for is empty and says that it is not whole.
func (d *Decider) explain(ctx context.Context, found resolved, ev rego.Evaluation, detail rego.Detail) ([]rego.Explanation, error) {
	detail.MaxBytes /= len(found.policies)
	list := make([]rego.Explanation, len(found.policies))
	each(found.policies, func(i int, p active) {
		if p.broken || p.quarantined { // nothing is asked
			return
		}
		var err error
		if list[i], err = d.config.Engine.Explain(ctx, found.put(ev, i), detail); err != nil {
			list[i].Truncated = true
		}
	})
	return list, context.Cause(ctx)
}
