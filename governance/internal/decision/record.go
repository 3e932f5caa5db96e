package decision

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/errs"
)

// EventType is that of the entries that record decisions.
const EventType = "decision.evaluated"

const (
	action      = "decision.evaluate"
	inputDigest = "input"
	inputHMAC   = "input_hmac"

	resourcePolicy = "policy"
	resourcePoint  = "decision_point"
)

// record puts the decision on the wall. When the wall has a decision of this id, the request is a retry and that one is the answer.
func (d *Decider) record(ctx context.Context, q Question, in seen, decision Decision) (Decision, error) {
	var err error
	w := writers.Get().(*writer)
	decision.Position, err = d.config.Wall.Append(ctx, w.entry(ctx, q, in, decision))
	w.leave()
	if q.Request != uuid.Nil && errs.ReasonOf(err) == errs.ReasonEntryIDReused {
		return d.repeat(ctx, q, decision.ID)
	}
	if err != nil {
		return Decision{}, fmt.Errorf("record decision: %w", err)
	}
	d.offer(ctx, q, in, decision)
	return decision, nil
}

// repeat returns the decision of an earlier request with the same id, as the wall has it. Another question under that id is refused.
func (d *Decider) repeat(ctx context.Context, q Question, id uuid.UUID) (Decision, error) {
	found, err := d.config.Wall.Get(ctx, id)
	if err != nil {
		return Decision{}, fmt.Errorf("read the first decision: %w", err)
	}
	e, err := auditlog.Unmarshal(found.Leaf)
	if err != nil {
		return Decision{}, fmt.Errorf("read the first decision: %w", err)
	}
	decision, err := FromEntry(e)
	if errors.Is(err, ErrNotDecision) {
		return Decision{}, errs.New(errs.InvalidArgument, errs.ReasonRequestIDReused, "the request id is in use: use a new one").Because(err)
	}
	if err != nil {
		return Decision{}, err
	}
	kind, resource := resourcePoint, q.DecisionPoint
	if q.Policy != uuid.Nil {
		kind, resource = resourcePolicy, q.Policy.String()
	}
	same, err := d.sameInput(ctx, decision, q.Input)
	if err != nil {
		return Decision{}, err
	}
	if e.Resource.Type != kind || e.Resource.ID != resource || decision.Resource != q.Resource || !same {
		return Decision{}, errs.New(errs.InvalidArgument, errs.ReasonRequestIDReused,
			"the request id was used before with another request: use a new one")
	}
	decision.Position.LeafHash = auditlog.LeafHash(found.Leaf)
	return decision, nil
}
