package audit

import (
	"context"
	"fmt"
	"log/slog"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// store puts a cosignature into the database, for readers on every replica. The first of a witness on a head stays; it says as much as a later one.
func (c *cosigner) store(ctx context.Context, head auditlog.SignedHead, s auditlog.Cosignature) error {
	args := pgx.NamedArgs{
		"tenant_id": [16]byte(auditlog.PlatformTenant), "tree_size": head.Size, "root_hash": head.Root[:],
		"key_name": s.Key.Name(), "key_id": s.Key.ID(), "line": s.Line, "cosigned_at": s.Time,
	}
	tag, err := c.pool.Exec(ctx, `
		INSERT INTO public.gov_audit_cosignatures (tenant_id, tree_size, root_hash, key_name, key_id, line, cosigned_at)
		VALUES (@tenant_id, @tree_size, @root_hash, @key_name, @key_id, @line, @cosigned_at)
		ON CONFLICT (tenant_id, tree_size, key_name, key_id) DO NOTHING`, args)
	if err != nil {
		return postgres.Translate(fmt.Errorf("store cosignature: %w", err))
	}
	if tag.RowsAffected() == 1 {
		return nil
	}
	var root []byte
	err = c.pool.QueryRow(ctx, `
		SELECT root_hash
		FROM public.gov_audit_cosignatures
		WHERE tenant_id = @tenant_id AND tree_size = @tree_size AND key_name = @key_name AND key_id = @key_id`, args).Scan(&root)
	if err != nil {
		return postgres.Translate(fmt.Errorf("compare cosignature: %w", err))
	}
	if !slices.Equal(root, head.Root[:]) {
		return inconsistent("a cosignature of %s on another head with %d entries is in the database", s.Key.Name(), head.Size)
	}
	return nil
}

// withCosignatures returns a signed head with the cosignatures of it that are in the database.
func (w *Wall) withCosignatures(ctx context.Context, head auditlog.SignedHead) (auditlog.SignedHead, error) {
	var lines []string
	err := w.read(ctx, func(ctx context.Context, tx pgx.Tx, id tenant.ID) error {
		rows, err := tx.Query(ctx, `
			SELECT line
			FROM public.gov_audit_cosignatures
			WHERE tenant_id = @tenant_id AND tree_size = @tree_size AND root_hash = @root_hash
			ORDER BY key_name, key_id`,
			pgx.NamedArgs{"tenant_id": [16]byte(id), "tree_size": head.Size, "root_hash": head.Root[:]})
		if err != nil {
			return fmt.Errorf("read cosignatures: %w", err)
		}
		if lines, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
			return fmt.Errorf("read cosignatures: %w", err)
		}
		return nil
	})
	if err != nil {
		return auditlog.SignedHead{}, err
	}
	for _, line := range lines {
		signed, err := auditlog.AddSignatures(head.Note, line)
		if err == nil && w.witnesses != nil {
			// One line that does not verify would make the whole note worthless to who knows the witness.
			_, err = auditlog.Cosignatures(signed, w.witnesses.keys()...)
		}
		if err != nil {
			w.metrics.inconsistencies.Inc()
			w.log.LogAttrs(ctx, slog.LevelError, "a stored cosignature was altered", slog.Int64("tree_size", head.Size), slog.Any("error", err))
			continue
		}
		head.Note = signed
	}
	return head, nil
}

func (a *witnesses) keys() []auditlog.WitnessKey {
	keys := make([]auditlog.WitnessKey, len(a.policy.Witnesses))
	for i, w := range a.policy.Witnesses {
		keys[i] = w.Key
	}
	return keys
}
