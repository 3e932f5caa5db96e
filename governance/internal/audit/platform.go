package audit

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
)

const (
	// sourceService is what the wall's own entries name as the service that recorded them, and as who acted.
	sourceService = "governance"
	// resourceLog is the kind of resource that a log is.
	resourceLog = "audit_log"
)

// RecordPlatform appends an entry about the wall itself to the platform's log and returns once it is durable. Its errors are Append's. The wall
// must be running, or about to.
func (w *Wall) RecordPlatform(ctx context.Context, eventType, action string, details map[string]any) error {
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("make entry id: %w", err)
	}
	_, err = w.Append(ctx, ownEntry(auditlog.Entry{
		EntryID: id, TenantID: auditlog.PlatformTenant, EventType: eventType, Action: action, Details: details,
		Resource: auditlog.Resource{Type: resourceLog, ID: auditlog.PlatformTenant.String()},
	}))
	return err
}

// ownEntry completes an entry that the wall itself writes.
func ownEntry(e auditlog.Entry) auditlog.Entry {
	e.Outcome = auditlog.Success
	e.Actor = auditlog.Actor{Kind: auditlog.ActorSystem, ID: sourceService}
	e.SourceService = sourceService
	return e
}
