package audit

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// StateHistory asks for the states of a resource.
type StateHistory struct {
	Resource
	// NewestFirst lists from the last recorded state on.
	NewestFirst bool
	// After goes on after the entry with this index; nil: from the start.
	After *int64
	Limit int
}

// History returns entries that say the states of a resource, in the order in which they were recorded or the reverse, and the one recorded before the
// oldest of them, nil if it is the first. more reports whether others follow; a page may have fewer entries than asked for.
func (w *Wall) History(ctx context.Context, h StateHistory) (entries []LogEntry, earlier *LogEntry, more bool, err error) {
	err = w.read(ctx, func(ctx context.Context, tx pgx.Tx, id tenant.ID) error {
		sql, args := h.query(id)
		if entries, err = stateRows(ctx, tx, sql, args); err != nil {
			return err
		}
		total := 0
		for i, e := range entries {
			if total += len(e.Leaf); i == h.Limit || total > maxPageBytes && i > 0 {
				entries, more = entries[:i], true
				break
			}
		}
		if len(entries) == 0 {
			return nil
		}
		oldest := entries[0]
		if h.NewestFirst {
			oldest = entries[len(entries)-1]
		}
		earlier, err = stateAt(ctx, tx, id, ResourceAt{Resource: h.Resource}, oldest.LeafIndex-1)
		return err
	})
	return entries, earlier, more, err
}

func (h StateHistory) query(id tenant.ID) (string, pgx.NamedArgs) {
	args := pgx.NamedArgs{
		"tenant_id": [16]byte(id), "resource_type": h.Type, "resource_id": h.ID, "limit": h.Limit + 1, "bytes": maxPageBytes, "after": h.After,
	}
	direction, beyond := "ASC", ">"
	if h.NewestFirst {
		direction, beyond = "DESC", "<"
	}
	after := ``
	if h.After != nil {
		after = ` AND leaf_index ` + beyond + ` @after`
	}
	return `
		SELECT ` + rowColumns + `
		FROM (
			SELECT ` + rowColumns + `, sum(octet_length(entry)) OVER (ORDER BY leaf_index ` + direction + `) - octet_length(entry) AS bytes_before
			FROM (
				SELECT ` + rowColumns + `
				FROM public.gov_audit_trail_entries
				WHERE tenant_id = @tenant_id AND resource_type = @resource_type AND resource_id = @resource_id AND state_change` + after + `
				ORDER BY leaf_index ` + direction + `
				LIMIT @limit
			) AS page
		) AS measured
		WHERE bytes_before <= @bytes
		ORDER BY leaf_index ` + direction, args
}
