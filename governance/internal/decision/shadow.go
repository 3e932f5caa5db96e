package decision

import (
	"context"

	"github.com/aumos-enterprise/platform/governance/internal/difference"
	"github.com/aumos-enterprise/platform/governance/internal/shadow"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// offer hands a decision that is on the wall to the shadows of the policies that answered: what is masked in the log is masked for them. It does not wait,
// and nothing that becomes of it reaches the caller.
func (d *Decider) offer(ctx context.Context, q Question, in seen, decision Decision) {
	if d.config.Shadows == nil {
		return
	}
	var masked []byte
	if decision.MaskedPaths > 0 {
		masked = in.json
	}
	for _, r := range decision.Results {
		if r.Shadow == nil || !r.Shadow.Takes(decision.ID, decision.Time) {
			continue
		}
		id, _ := tenant.FromContext(ctx)
		d.config.Shadows.Offer(shadow.Question{
			Tenant: id, Sample: r.Shadow, DecisionID: decision.ID, DecideTime: decision.Time, Seed: SeedOf(decision.ID), Input: q.Input, Masked: masked,
			Resource: shadow.Resource(decision.Resource), VersionID: r.VersionID, Answer: difference.AnswerOf(in.redacted([]Result{r})[0].Result),
		})
	}
}
