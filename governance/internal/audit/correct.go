package audit

import (
	"context"
	"fmt"
	"reflect"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// correctionNamespace is that of the ids of corrections (RFC 9562, section 5.5).
var correctionNamespace = uuid.MustParse("9c1f7c52-3a7e-5d0b-8a34-5be2c7e1d7a4") //nolint:gochecknoglobals // a constant

const actionCorrect = "audit.correct"

// CorrectionRequest asks for a correction.
type CorrectionRequest struct {
	// Entry is the entry to correct.
	Entry     uuid.UUID
	Reason    string
	Corrected map[string]any
	// Actor is who corrects.
	Actor auditlog.Actor
	// Request makes a repetition safe: the same actor's same request gets the first position.
	Request uuid.UUID
	// RequestID is that of the call, for the entry.
	RequestID string
}

// Correct appends a correction of an entry of the tenant in ctx. It fails with NOT_FOUND when there is no such entry, and with REQUEST_ID_REUSED when the
// actor has corrected something else, or otherwise, under the same request.
func (w *Wall) Correct(ctx context.Context, r CorrectionRequest) (Position, error) {
	id, _ := tenant.FromContext(ctx)
	if err := RefusePlatform(id); err != nil {
		return Position{}, err
	}
	corrected, err := w.Get(ctx, r.Entry)
	if err != nil {
		return Position{}, err
	}
	e := r.entry(id, corrected.LeafIndex)
	position, err := w.Append(ctx, e)
	if errs.ReasonOf(err) == errs.ReasonEntryIDReused { // the calls' own ids differ
		return w.repeatCorrection(ctx, e)
	}
	if err != nil {
		return Position{}, fmt.Errorf("correct audit entry: %w", err)
	}
	return position, nil
}

// entry is the correction. Its id is a function of who asks and for what, so that the wall itself recognizes a repetition.
func (r CorrectionRequest) entry(id tenant.ID, leafIndex int64) auditlog.Entry {
	name := append(id[:], r.Request[:]...)
	e := auditlog.Entry{
		EntryID: uuid.NewSHA1(correctionNamespace, append(name, r.Actor.ID...)), TenantID: id,
		EventType: EventCorrection, Action: actionCorrect, Outcome: auditlog.Success, Actor: r.Actor,
		Resource:      auditlog.Resource{Type: ResourceEntry, ID: r.Entry.String()},
		SourceService: Source, RequestID: r.RequestID,
		Details: map[string]any{detailLeafIndex: float64(leafIndex), detailReason: r.Reason},
	}
	if len(r.Corrected) > 0 {
		e.Details[detailCorrected] = r.Corrected
	}
	return e
}

// repeatCorrection returns the position of the correction that the wall has under the id of this one, if it is the same.
func (w *Wall) repeatCorrection(ctx context.Context, e auditlog.Entry) (Position, error) {
	found, err := w.Get(ctx, e.EntryID)
	if err != nil {
		return Position{}, fmt.Errorf("read the first correction: %w", err)
	}
	first, err := auditlog.Unmarshal(found.Leaf)
	if err != nil {
		return Position{}, fmt.Errorf("read the first correction: %w", err)
	}
	if first.EventType != e.EventType || first.Resource.ID != e.Resource.ID || first.Actor != e.Actor || !reflect.DeepEqual(first.Details, e.Details) {
		return Position{}, errs.New(errs.InvalidArgument, errs.ReasonRequestIDReused,
			"the request id was used before with another request: use a new one")
	}
	return Position{EntryID: e.EntryID, LeafIndex: found.LeafIndex, LeafHash: auditlog.LeafHash(found.Leaf)}, nil
}
