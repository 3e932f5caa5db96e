package model

import (
	"context"
	"time"

	"github.com/aumos-enterprise/platform/drift/internal/evidence"
)

// Evidence returns the entry that documents the registration.
func (m Model) Evidence(ctx context.Context) (evidence.Entry, error) {
	return evidence.NewEntry(ctx, evidence.ModelRegistered, m.CreateTime, evidence.Resource{
		Type: "model", ID: m.ID, Name: m.Name,
		State: map[string]any{
			"name": m.Name, "task": string(m.Task), "owner": m.Owner, "description": m.Description,
			"create_time": m.CreateTime.UTC().Format(time.RFC3339Nano),
		},
	})
}
