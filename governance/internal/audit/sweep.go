package audit

import (
	"context"
	"fmt"
	"log/slog"
	"maps"

	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// sweep finds the logs whose end differs from the last head in the files: what a predecessor left unsigned, and logs that were cut or dropped. And it
// finds the heads that no predecessor has committed to.
func (s *signer) sweep(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, signTimeout)
	defer cancel()
	unsigned, uncommitted, err := s.unfinished(ctx)
	if err != nil {
		s.log.LogAttrs(ctx, slog.LevelWarn, "cannot compare the audit logs with their signed heads", slog.Any("error", err))
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.Copy(s.grown, unsigned)
	for id, h := range uncommitted {
		if s.uncommitted[id].Size < h.Size {
			s.uncommitted[id] = h
		}
	}
	return true
}

// unfinished returns the logs to be signed and the heads to be committed to.
func (s *signer) unfinished(ctx context.Context) (unsigned map[tenant.ID]struct{}, uncommitted map[tenant.ID]auditlog.SignedHead, err error) {
	onFile, err := s.heads.Tenants()
	if err != nil {
		return nil, nil, err
	}
	sizes := make(map[tenant.ID]int64, len(onFile))
	for _, id := range onFile {
		sizes[id] = 0
	}
	if err := s.eachLog(ctx, "gov_audit_trail_entries", "leaf_index", func(id tenant.ID, last int64) { sizes[id] = last + 1 }); err != nil {
		return nil, nil, err
	}
	stored := map[tenant.ID]int64{}
	if err := s.eachLog(ctx, "gov_audit_checkpoints", "tree_size", func(id tenant.ID, size int64) { stored[id] = size }); err != nil {
		return nil, nil, err
	}
	unsigned, uncommitted = make(map[tenant.ID]struct{}), make(map[tenant.ID]auditlog.SignedHead)
	for id, size := range sizes {
		last, _, err := s.heads.Last(id)
		if err != nil || last.Checkpoint.Size != size { // signing will say what is wrong
			unsigned[id] = struct{}{}
			continue
		}
		if id == auditlog.PlatformTenant {
			if !s.signedByAll(last) { // its keys are announced at once, the other logs' when something is signed
				unsigned[id] = struct{}{}
			}
			continue
		}
		uncommitted[id] = last
	}
	for id, size := range stored {
		if size > sizes[id] { // a log that was cut or dropped, perhaps without a file
			unsigned[id] = struct{}{}
		}
	}
	uncommitted, err = s.missing(ctx, uncommitted)
	return unsigned, uncommitted, err
}

// eachLog calls fn with the largest number of each log in one of the wall's tables. It makes one index probe for each tenant: a plain DISTINCT would
// read every row.
func (s *signer) eachLog(ctx context.Context, table, number string, fn func(tenant.ID, int64)) error {
	t, n := pgx.Identifier{"public", table}.Sanitize(), pgx.Identifier{number}.Sanitize()
	rows, err := s.pool.Query(ctx, `
		WITH RECURSIVE logs AS (
			(
				SELECT tenant_id
				FROM `+t+`
				ORDER BY tenant_id
				LIMIT 1
			)
			UNION ALL
			SELECT (
				SELECT e.tenant_id
				FROM `+t+` AS e
				WHERE e.tenant_id > logs.tenant_id
				ORDER BY e.tenant_id
				LIMIT 1
			)
			FROM logs
			WHERE logs.tenant_id IS NOT NULL
		)
		SELECT logs.tenant_id, last.number
		FROM logs
		CROSS JOIN LATERAL (
			SELECT e.`+n+` AS number
			FROM `+t+` AS e
			WHERE e.tenant_id = logs.tenant_id
			ORDER BY e.`+n+` DESC
			LIMIT 1
		) AS last`)
	if err != nil {
		return fmt.Errorf("list logs: %w", err)
	}
	var id [16]byte
	var last int64
	if _, err := pgx.ForEachRow(rows, []any{&id, &last}, func() error { fn(id, last); return nil }); err != nil {
		return fmt.Errorf("list logs: %w", err)
	}
	return nil
}
