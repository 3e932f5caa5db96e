package audit

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// RecordPlatform appends an entry about the wall itself to the platform's log and returns once it is durable. Its errors are Append's. The wall
// must be running, or about to.
func (w *Wall) RecordPlatform(ctx context.Context, eventType, action string, details map[string]any) error {
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("make entry id: %w", err)
	}
	_, err = w.Append(ctx, auditlog.NewPlatformEntry(id, auditlog.PlatformTenant, eventType, action, auditlog.PlatformTenant, details))
	return err
}

// RefusePlatform fails for the tenant that owns the platform's log: nobody else writes there, nor acts as that tenant.
func RefusePlatform(id tenant.ID) error {
	if id == auditlog.PlatformTenant {
		return errs.New(errs.PermissionDenied, errs.ReasonPlatformLog, "the platform's own log takes no entries of others")
	}
	return nil
}

// record appends an entry of the wall's own. The queue lets it in when it turns others away: while it is full, and after it was closed, until
// the last heads are signed.
func (w *Wall) record(ctx context.Context, e auditlog.Entry) (Position, error) {
	draft, err := auditlog.NewDraft(e)
	if err != nil {
		return Position{}, err
	}
	p := newPending(draft)
	p.own = true
	positions, err := w.enqueue(ctx, p)
	if len(positions) == 0 {
		return Position{}, err
	}
	return positions[0], err
}
