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

// lastHead returns the last head that the log must contain: the one that this replica signed last or, when it is larger, the newest checkpoint in the
// database that one of our keys signed, as other replicas do. Without it, a log that was cut below another replica's head would be signed
// again by one that has not signed for a while. A replica that has no head on file, because it is new or HEADS_DIR was lost, puts that
// checkpoint there: whoever cuts a log and gets rid of the file must also get rid of the checkpoints, which as little as the entries can be
// deleted without a trace.
func (s *signer) lastHead(ctx context.Context, id tenant.ID) (knownHead, error) {
	h, ok, err := s.heads.Last(id)
	if err != nil {
		return knownHead{}, err
	}
	stored, err := s.newestStored(ctx, id, h.Size)
	switch {
	case err != nil:
		return knownHead{}, err
	case ok && !stored.signed:
		return knownHead{SignedHead: h, signed: true, keyIDs: h.KeyIDs}, nil
	case ok || !stored.signed:
		return stored, nil
	}
	s.log.LogAttrs(ctx, slog.LevelInfo, "no signed head of an audit log is on file: took the newest stored checkpoint",
		slog.String("tenant_id", id.String()), slog.Int64("tree_size", stored.Checkpoint.Size))
	return stored, s.heads.Add(id, stored.SignedHead)
}

// newestStored finds the newest stored checkpoint of more entries than above that one of our keys signed. What its note says counts, not the columns beside it. Who can alter
// rows could as well have deleted them: that is for the platform's log and for witnesses to find.
func (s *signer) newestStored(ctx context.Context, id tenant.ID, above int64) (newest knownHead, err error) {
	vkeys, err := s.vkeys(id)
	if err != nil {
		return knownHead{}, err
	}
	ours, err := auditlog.ParseKeys(vkeys...)
	if err != nil {
		return knownHead{}, err
	}
	rows, err := s.pool.Query(ctx, `
		SELECT note, key_ids, created_at
		FROM public.gov_audit_checkpoints
		WHERE tenant_id = @tenant_id AND tree_size > @above
		ORDER BY tree_size DESC`, pgx.NamedArgs{"tenant_id": [16]byte(id), "above": above})
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
		if err == nil && c.Size > above {
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
