package auditlog

import (
	"bytes"
	"time"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// Columns are the copies of an entry's fields that the wall's database keeps for search.
type Columns struct {
	TenantID      uuid.UUID
	LeafIndex     int64
	EntryID       uuid.UUID
	ContentSHA256 []byte
	RecordedAt    time.Time
	EffectiveAt   time.Time
	StateChange   bool
	EventType     string
	Action        string
	Outcome       string
	ActorID       string
	ResourceType  string
	ResourceID    string
	SourceService string
	CorrelationID string
	RequestID     string
}

// Mismatched names the columns whose value is not what the leaf says; "entry" when the leaf is no entry. It is empty unless somebody has
// altered the row.
func (c *Columns) Mismatched(leaf []byte) []string {
	e, err := Unmarshal(leaf)
	if err != nil {
		return []string{"entry"}
	}
	effective := e.RecordedTime
	if !e.EffectiveTime.IsZero() {
		effective = e.EffectiveTime.Truncate(time.Microsecond) // what a timestamptz holds
	}
	content, err := e.ContentDigest()
	var names []string
	for _, column := range []struct {
		name  string
		equal bool
	}{
		{"tenant_id", tenant.ID(c.TenantID) == e.TenantID},
		{"leaf_index", c.LeafIndex == e.LeafIndex},
		{"entry_id", c.EntryID == e.EntryID},
		{"content_sha256", err == nil && bytes.Equal(c.ContentSHA256, content[:])},
		{"recorded_at", c.RecordedAt.Equal(e.RecordedTime)},
		{"effective_at", c.EffectiveAt.Equal(effective)},
		{"state_change", c.StateChange == e.ChangesState()},
		{"event_type", c.EventType == e.EventType},
		{"action", c.Action == e.Action},
		{"outcome", c.Outcome == e.Outcome.String()},
		{"actor_id", c.ActorID == e.Actor.ID},
		{"resource_type", c.ResourceType == e.Resource.Type},
		{"resource_id", c.ResourceID == e.Resource.ID},
		{"source_service", c.SourceService == e.SourceService},
		{"correlation_id", c.CorrelationID == e.CorrelationID},
		{"request_id", c.RequestID == e.RequestID},
	} {
		if !column.equal {
			names = append(names, column.name)
		}
	}
	return names
}
