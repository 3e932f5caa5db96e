package posture

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// checkpointRow is a row of the checkpoints, with what the witnesses' rows beside it say.
type checkpointRow struct {
	TenantID [16]byte
	TreeSize int64
	RootHash []byte
	Note     string
	Lines    []string // cosignatures
	Strange  int      // cosignatures of another root, or whose line is another witness's
}

// newestCheckpoints reads the newest checkpoint of each log, by one index probe for each.
const newestCheckpoints = `
	WITH RECURSIVE logs AS (
		(SELECT tenant_id, 1 AS n FROM public.gov_audit_checkpoints ORDER BY tenant_id LIMIT 1)
		UNION ALL
		SELECT (SELECT c.tenant_id FROM public.gov_audit_checkpoints AS c WHERE c.tenant_id > logs.tenant_id ORDER BY c.tenant_id LIMIT 1), n + 1
		FROM logs
		WHERE logs.tenant_id IS NOT NULL AND n < @limit
	)
	SELECT last.tenant_id, last.tree_size, last.root_hash, last.note, ` + cosignaturesOf + `
	FROM logs
	CROSS JOIN LATERAL (
		SELECT c.tenant_id, c.tree_size, c.root_hash, c.note
		FROM public.gov_audit_checkpoints AS c
		WHERE c.tenant_id = logs.tenant_id
		ORDER BY c.tree_size DESC
		LIMIT 1
	) AS last
	ORDER BY last.tenant_id`

// pageOfCheckpoints reads all checkpoints in the order of their key.
const pageOfCheckpoints = `
	SELECT last.tenant_id, last.tree_size, last.root_hash, last.note, ` + cosignaturesOf + `
	FROM public.gov_audit_checkpoints AS last
	WHERE (last.tenant_id, last.tree_size) > (@tenant_id::uuid, @tree_size::bigint)
	ORDER BY last.tenant_id, last.tree_size
	LIMIT @limit`

const cosignaturesOf = `
		ARRAY(
			SELECT w.line
			FROM public.gov_audit_cosignatures AS w
			WHERE w.tenant_id = last.tenant_id AND w.tree_size = last.tree_size
			ORDER BY w.key_name, w.key_id
		) AS lines,
		(
			SELECT count(*)::int
			FROM public.gov_audit_cosignatures AS w
			WHERE w.tenant_id = last.tenant_id AND w.tree_size = last.tree_size
				AND (w.root_hash <> last.root_hash OR NOT starts_with(w.line, U&'\2014 ' || w.key_name || ' '))
		) AS strange`

// orphanCosignatures finds cosignatures of heads that are not in the database: the service stores a head before it asks a witness.
const orphanCosignatures = `
	SELECT format('log %s, checkpoint of %s entries: it is missing, and has cosignatures', w.tenant_id, w.tree_size)
	FROM public.gov_audit_cosignatures AS w
	WHERE NOT EXISTS (
		SELECT
		FROM public.gov_audit_checkpoints AS c
		WHERE c.tenant_id = w.tenant_id AND c.tree_size = w.tree_size
	)
	GROUP BY w.tenant_id, w.tree_size
	ORDER BY w.tenant_id, w.tree_size
	LIMIT @limit`

func (c *checkpointAuditor) orphans(ctx context.Context) error {
	rows, err := c.pool.Query(ctx, orphanCosignatures, pgx.NamedArgs{"limit": maxCheckpointProblems})
	if err != nil {
		return fmt.Errorf("read cosignatures: %w", err)
	}
	problems, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("read cosignatures: %w", err)
	}
	c.problems = append(c.problems, problems...)
	return nil
}

func (c *checkpointAuditor) read(ctx context.Context, sql string, args pgx.NamedArgs) ([]checkpointRow, error) {
	rows, err := c.pool.Query(ctx, sql, args)
	if err != nil {
		return nil, fmt.Errorf("read checkpoints: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[checkpointRow])
	if err != nil {
		return nil, fmt.Errorf("read checkpoints: %w", err)
	}
	return found, nil
}
