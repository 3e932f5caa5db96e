package posture

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
)

// maxMigrationError bounds the text of a failure in its entry.
const maxMigrationError = 1000

// MigrationRecord puts one run of migrations on the platform's log: its entries share a correlation id.
type MigrationRecord struct {
	id uuid.UUID
}

// NewMigrationRecord begins a record.
func NewMigrationRecord() (MigrationRecord, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return MigrationRecord{}, fmt.Errorf("make id of migration: %w", err)
	}
	return MigrationRecord{id: id}, nil
}

// Started records what is about to be applied. db acts as the writer role. It fails with audit.ErrNoTable before the first migration.
func (m MigrationRecord) Started(ctx context.Context, db audit.Beginner, details map[string]any) error {
	return m.record(ctx, db, "audit.migration_started", auditlog.Success, details)
}

// Ended records what was applied; details.error says why it failed.
func (m MigrationRecord) Ended(ctx context.Context, db audit.Beginner, outcome auditlog.Outcome, details map[string]any) error {
	eventType := "audit.migration_finished"
	if outcome != auditlog.Success {
		eventType = "audit.migration_failed"
	}
	if text, ok := details["error"].(string); ok {
		details["error"] = beginning(text, maxMigrationError)
	}
	return m.record(ctx, db, eventType, outcome, details)
}

func (m MigrationRecord) record(ctx context.Context, db audit.Beginner, eventType string, outcome auditlog.Outcome, details map[string]any) error {
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("make entry id: %w", err)
	}
	e := auditlog.NewPlatformEntry(id, auditlog.PlatformTenant, eventType, "audit.migrate", auditlog.PlatformTenant, details)
	e.CorrelationID = m.id.String()
	e.Outcome = outcome
	if _, err := audit.AppendOnce(ctx, db, e); err != nil {
		return fmt.Errorf("record migration: %w", err)
	}
	return nil
}
