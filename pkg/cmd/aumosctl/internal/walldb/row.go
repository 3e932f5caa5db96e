package walldb

import (
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
)

const selectEntries = `
	SELECT tenant_id, leaf_index, entry_id, content_sha256, recorded_at, effective_at, state_change, event_type, action, outcome, actor_id,
		resource_type, resource_id, source_service, correlation_id, request_id, hashes, entry
	FROM public.gov_audit_trail_entries
	WHERE tenant_id = $1
	ORDER BY leaf_index`

// entryRow is an entry's row.
type entryRow struct {
	columns auditlog.Columns
	hashes  []byte
	leaf    []byte
}

func scanEntry(row pgx.CollectableRow) (r entryRow, err error) {
	c := &r.columns
	var owner, id [16]byte
	err = row.Scan(&owner, &c.LeafIndex, &id, &c.ContentSHA256, &c.RecordedAt, &c.EffectiveAt, &c.StateChange, &c.EventType, &c.Action,
		&c.Outcome, &c.ActorID, &c.ResourceType, &c.ResourceID, &c.SourceService, &c.CorrelationID, &c.RequestID, &r.hashes, &r.leaf)
	c.TenantID, c.EntryID = uuid.UUID(owner), uuid.UUID(id)
	return r, err
}

// auditRow is what a verifier wants to know of it.
func (r *entryRow) auditRow(hashes [][]byte) auditlog.Row {
	for b := r.hashes; len(b) > 0; b = b[min(32, len(b)):] {
		hashes = append(hashes, b[:min(32, len(b))])
	}
	return auditlog.Row{LeafIndex: r.columns.LeafIndex, Leaf: r.leaf, StoredHashes: hashes, Mismatched: r.columns.Mismatched(r.leaf)}
}

const selectCheckpoints = `
	SELECT tree_size, root_hash, note
	FROM public.gov_audit_checkpoints
	WHERE tenant_id = $1
	ORDER BY tree_size`

// checkpointRow is a stored checkpoint.
type checkpointRow struct {
	size int64
	root []byte
	note string
}

func scanCheckpoint(row pgx.CollectableRow) (r checkpointRow, err error) {
	err = row.Scan(&r.size, &r.root, &r.note)
	return r, err
}

// selectCommitments reads what the platform's log says of one log; verifying that log has compared the columns with the entries.
const selectCommitments = `
	SELECT entry
	FROM public.gov_audit_trail_entries
	WHERE tenant_id = $1 AND resource_type = $2 AND resource_id = $3
	ORDER BY leaf_index`
