package audit

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// maxCheckpointBytes bounds the notes of one page.
const maxCheckpointBytes = 2 << 20

// storedCheckpoint is a row of the checkpoints, with the witnesses' lines.
type storedCheckpoint struct {
	TreeSize     int64
	RootHash     []byte
	Note         string
	KeyIDs       []string `db:"key_ids"`
	CreatedAt    time.Time
	Cosignatures string
}

// Checkpoints returns the checkpoints that are kept with the log of the tenant in ctx, those before a size (0: all), the newest first, at most limit and
// fewer when they are large. Their notes are as they were stored, followed by the witnesses' cosignatures. more reports whether others follow.
func (w *Wall) Checkpoints(ctx context.Context, before int64, limit int) (heads []auditlog.SignedHead, more bool, err error) {
	if before <= 0 {
		before = math.MaxInt64
	}
	var found []storedCheckpoint
	err = w.read(ctx, func(ctx context.Context, tx pgx.Tx, id tenant.ID) error {
		rows, err := tx.Query(ctx, `
			SELECT c.tree_size, c.root_hash, c.note, c.key_ids, c.created_at, coalesce((
				SELECT string_agg(w.line || chr(10), '' ORDER BY w.key_name, w.key_id)
				FROM public.gov_audit_cosignatures AS w
				WHERE w.tenant_id = c.tenant_id AND w.tree_size = c.tree_size AND w.root_hash = c.root_hash
			), '') AS cosignatures
			FROM public.gov_audit_checkpoints AS c
			WHERE c.tenant_id = @tenant_id AND c.tree_size < @before
			ORDER BY c.tree_size DESC
			LIMIT @limit`, pgx.NamedArgs{"tenant_id": [16]byte(id), "before": before, "limit": limit + 1})
		if err != nil {
			return fmt.Errorf("list checkpoints: %w", err)
		}
		if found, err = pgx.CollectRows(rows, pgx.RowToStructByName[storedCheckpoint]); err != nil {
			return fmt.Errorf("list checkpoints: %w", err)
		}
		return nil
	})
	if err != nil {
		return nil, false, err
	}
	id, _ := tenant.FromContext(ctx)
	size := 0
	for i, c := range found {
		note := c.Note + c.Cosignatures
		if size += len(note); i == limit || i > 0 && size > maxCheckpointBytes {
			return heads, true, nil
		}
		if len(c.RootHash) != tlog.HashSize {
			return nil, false, inconsistent("the checkpoint of %d entries has been altered", c.TreeSize)
		}
		heads = append(heads, auditlog.SignedHead{
			Checkpoint: auditlog.Checkpoint{Origin: w.origin(id), Size: c.TreeSize, Root: tlog.Hash(c.RootHash)},
			Note:       note, KeyIDs: c.KeyIDs, SignedTime: c.CreatedAt.UTC(),
		})
	}
	return heads, false, nil
}
