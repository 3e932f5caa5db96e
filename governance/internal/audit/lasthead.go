package audit

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// knownHead is what a log must contain.
type knownHead struct {
	auditlog.SignedHead
	// signed is false when no head is known; then the log may be anything.
	signed bool
	// keyIDs are the keys that signed the log's last head, whether they are ours or not.
	keyIDs []string
}

// lastHead returns the head that this replica signed last. When it has none on file, because it is new or HEADS_DIR was lost, it takes the newest
// checkpoint in the database that one of its keys signed, and puts it on file: whoever cuts a log and gets rid of the file must also get rid
// of the checkpoints, which as little as the entries can be deleted without a trace.
func (s *signer) lastHead(ctx context.Context, id tenant.ID) (knownHead, error) {
	h, ok, err := s.heads.Last(id)
	if err != nil || ok {
		return knownHead{SignedHead: h, signed: ok, keyIDs: h.KeyIDs}, err
	}
	stored, err := s.newestStored(ctx, id)
	if err != nil || !stored.signed {
		return stored, err
	}
	s.log.LogAttrs(ctx, slog.LevelInfo, "no signed head of an audit log is on file: took the newest stored checkpoint",
		slog.String("tenant_id", id.String()), slog.Int64("tree_size", stored.Checkpoint.Size))
	return stored, s.heads.Add(id, stored.SignedHead)
}

// newestStored finds the newest stored checkpoint that one of our keys signed. What its note says counts, not the columns beside it. Who can alter
// rows could as well have deleted them: that is for the platform's log and for witnesses to find.
func (s *signer) newestStored(ctx context.Context, id tenant.ID) (newest knownHead, err error) {
	vkeys, err := s.vkeys(id)
	if err != nil {
		return knownHead{}, err
	}
	ours, err := auditlog.ParseKeys(vkeys...)
	if err != nil {
		return knownHead{}, err //nolint:wrapcheck // says it all
	}
	rows, err := s.pool.Query(ctx, `
		SELECT note, key_ids, created_at
		FROM public.gov_audit_checkpoints
		WHERE tenant_id = @tenant_id
		ORDER BY tree_size DESC`, pgx.NamedArgs{"tenant_id": [16]byte(id)})
	if err != nil {
		return knownHead{}, fmt.Errorf("read stored checkpoints: %w", err)
	}
	defer rows.Close()
	for rows.Next() { // usually once
		var note string
		var keyIDs []string
		var created time.Time
		if err := rows.Scan(&note, &keyIDs, &created); err != nil {
			return knownHead{}, fmt.Errorf("read stored checkpoints: %w", err)
		}
		if newest.keyIDs == nil {
			newest.keyIDs = keyIDs
		}
		c, _, err := auditlog.Open(note, ours)
		if err == nil {
			newest.signed = true
			newest.SignedHead = auditlog.SignedHead{Checkpoint: c, Note: note, KeyIDs: keyIDs, SignedTime: created.UTC()}
			return newest, nil
		}
	}
	if err := rows.Err(); err != nil {
		return knownHead{}, fmt.Errorf("read stored checkpoints: %w", err)
	}
	return newest, nil
}
