package audit

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

const (
	// EventCorrection is the event type of an entry that corrects another.
	EventCorrection = "audit.correction"
	// ResourceEntry is the type of resource that such an entry is about; the resource's id is the other entry's.
	ResourceEntry = "audit_entry"
)

// The names of its details.
const (
	detailLeafIndex = "leaf_index" // of the corrected entry
	detailReason    = "reason"
	detailCorrected = "corrected"
)

// maxCorrections bounds the corrections that are shown with an entry; a list by resource shows all.
const maxCorrections = 32

// Correction is what a later entry says of an earlier one.
type Correction struct {
	Position     Position
	RecordedTime time.Time
	Actor        auditlog.Actor
	Reason       string
	// Corrected is what the entry should have said, by field.
	Corrected map[string]any
}

// Corrections returns the corrections of entries of the tenant in ctx, each entry's oldest first, and of an entry that has many the newest 32. Entries
// without any are not in the map.
func (w *Wall) Corrections(ctx context.Context, entries []uuid.UUID) (found map[uuid.UUID][]Correction, err error) {
	if len(entries) == 0 {
		return nil, nil
	}
	err = w.read(ctx, func(ctx context.Context, tx pgx.Tx, id tenant.ID) error {
		found, _, err = corrections(ctx, tx, id, entries)
		return err
	})
	return found, err
}

// corrections probes the index over resources once for each entry. It also returns the bytes of each entry's corrections.
func corrections(
	ctx context.Context, tx pgx.Tx, id tenant.ID, entries []uuid.UUID,
) (found map[uuid.UUID][]Correction, sizes map[uuid.UUID]int, err error) {
	sql, args := correctionsQuery(id, entries)
	rows, err := tx.Query(ctx, sql, args)
	if err != nil {
		return nil, nil, fmt.Errorf("read corrections: %w", err)
	}
	found, sizes = make(map[uuid.UUID][]Correction), make(map[uuid.UUID]int)
	var leaf []byte
	_, err = pgx.ForEachRow(rows, []any{&leaf}, func() error {
		if of, c, ok := correctionOf(leaf); ok {
			found[of] = append(found[of], c)
			sizes[of] += len(leaf)
		}
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read corrections: %w", err)
	}
	return found, sizes, nil
}

func correctionsQuery(id tenant.ID, entries []uuid.UUID) (string, pgx.NamedArgs) {
	ids := make([]string, len(entries))
	for i, entry := range entries {
		ids[i] = entry.String()
	}
	const sql = `
		SELECT corrections.entry
		FROM unnest(@ids::text[]) AS asked (id)
		CROSS JOIN LATERAL (
			SELECT e.leaf_index, e.entry
			FROM public.gov_audit_trail_entries AS e
			WHERE e.tenant_id = @tenant_id AND e.resource_type = @resource_type AND e.resource_id = asked.id COLLATE "C"
				AND e.event_type = @event_type
			ORDER BY e.leaf_index DESC
			LIMIT @most
		) AS corrections
		ORDER BY corrections.leaf_index`
	return sql, pgx.NamedArgs{
		"tenant_id": [16]byte(id), "ids": ids, "resource_type": ResourceEntry, "event_type": EventCorrection, "most": maxCorrections,
	}
}

// correctionOf reads a correction from its leaf, which alone counts. One that has been altered beyond reading is left out: the list of its own entry shows that.
func correctionOf(leaf []byte) (of uuid.UUID, c Correction, ok bool) {
	e, err := auditlog.Unmarshal(leaf)
	if err != nil || e.EventType != EventCorrection || e.Resource.Type != ResourceEntry {
		return uuid.Nil, Correction{}, false
	}
	if of, err = uuid.Parse(e.Resource.ID); err != nil {
		return uuid.Nil, Correction{}, false
	}
	c = Correction{
		Position:     Position{EntryID: e.EntryID, LeafIndex: e.LeafIndex, LeafHash: auditlog.LeafHash(leaf)},
		RecordedTime: e.RecordedTime, Actor: e.Actor,
	}
	c.Reason, _ = e.Details[detailReason].(string)
	c.Corrected, _ = e.Details[detailCorrected].(map[string]any)
	return of, c, true
}
