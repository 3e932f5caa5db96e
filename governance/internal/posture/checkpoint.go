package posture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

const (
	// shallowLogs is how many logs a check that is not deep looks at, the newest checkpoint of each.
	shallowLogs = 1000
	// checkpointPage is how many checkpoints are read, and of one log compared, at a time.
	checkpointPage = 256
	// maxCheckpointProblems bounds what is told about checkpoints: after so many, one more hardly matters.
	maxCheckpointProblems = 50
	// undefinedTable is PostgreSQL's SQLSTATE.
	undefinedTable = "42P01"
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

// checkpointCheck compares stored checkpoints with the logs: what each note says with its columns, its root with the stored hashes, its signature with
// the present keys. It reports and never refuses: a row that somebody adds with the writer's password cannot be removed again, and no proof rests
// on it, since the service answers from the heads that it keeps outside the database.
func checkpointCheck(ctx context.Context, pool *pgxpool.Pool, opts Options) (Check, error) {
	c := checkpointAuditor{pool: pool}
	if err := c.prepare(ctx, *opts.Logs); err != nil {
		return Check{}, fmt.Errorf("checkpoints: %w", err)
	}
	look := c.newest
	if opts.Deep {
		look = c.all
	}
	err := look(ctx)
	var pg *pgconn.PgError
	switch {
	case errors.As(err, &pg) && pg.Code == undefinedTable:
		c.problems = append(c.problems, "the table is missing")
	case err != nil:
		return Check{}, fmt.Errorf("checkpoints: %w", postgres.Translate(err))
	}
	return Check{
		Name: "checkpoints", OK: len(c.problems) == 0, Problems: c.problems,
		Remedy: "find out who wrote it; verify the log with a checkpoint that was kept elsewhere; the row itself stays, and no proof rests on it",
	}, nil
}

// checkpointAuditor looks at checkpoints and collects problems.
type checkpointAuditor struct {
	pool   *pgxpool.Pool
	prefix string
	keys   []auditlog.SigningKey
	// witnesses are those whose cosignatures can be verified; of the others, the form is looked at.
	witnesses []auditlog.WitnessKey
	problems  []string
}

func (c *checkpointAuditor) prepare(ctx context.Context, cfg audit.Config) (err error) {
	c.prefix = cfg.WithDefaults().OriginPrefix
	if c.keys, err = cfg.PresentKeys(ctx); err != nil {
		return err
	}
	if cfg.WitnessPolicyFile == "" {
		return nil
	}
	text, err := os.ReadFile(cfg.WitnessPolicyFile)
	if err != nil {
		return fmt.Errorf("witness policy: %w", err)
	}
	policy, err := auditlog.ParsePolicy(text)
	if err != nil {
		return fmt.Errorf("witness policy %s: %w", cfg.WitnessPolicyFile, err)
	}
	for _, w := range policy.Witnesses {
		c.witnesses = append(c.witnesses, w.Key)
	}
	return nil
}

// newest looks at the newest checkpoint of each log.
func (c *checkpointAuditor) newest(ctx context.Context) error {
	found, err := c.read(ctx, newestCheckpoints, pgx.NamedArgs{"limit": shallowLogs})
	if err != nil {
		return err
	}
	return c.judge(ctx, found)
}

// all looks at every checkpoint, page by page.
func (c *checkpointAuditor) all(ctx context.Context) error {
	args := pgx.NamedArgs{"tenant_id": [16]byte{}, "tree_size": int64(0), "limit": checkpointPage}
	for {
		found, err := c.read(ctx, pageOfCheckpoints, args)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return c.orphans(ctx)
		}
		if err := c.judge(ctx, found); err != nil {
			return err
		}
		last := found[len(found)-1]
		args["tenant_id"], args["tree_size"] = last.TenantID, last.TreeSize
	}
}

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

// judge looks at checkpoints that were read together, log by log. The logs' ends are read after the checkpoints: logs only grow.
func (c *checkpointAuditor) judge(ctx context.Context, found []checkpointRow) error {
	for first := 0; first < len(found); {
		last := first
		for last < len(found) && found[last].TenantID == found[first].TenantID {
			last++
		}
		if err := c.judgeLog(ctx, found[first:last]); err != nil {
			return err
		}
		first = last
	}
	return nil
}

func (c *checkpointAuditor) judgeLog(ctx context.Context, found []checkpointRow) error {
	id := tenant.ID(found[0].TenantID)
	size, err := audit.StoredSize(ctx, c.pool, id)
	if err != nil {
		return err
	}
	keys, err := c.keyring(id)
	if err != nil {
		return err
	}
	for _, stored := range found {
		if err := c.judgeOne(ctx, id, size, keys, stored); err != nil {
			return err
		}
	}
	return nil
}

func (c *checkpointAuditor) judgeOne(ctx context.Context, id tenant.ID, size int64, keys auditlog.Keyring, stored checkpointRow) error {
	said, problem := c.open(id, keys, stored)
	if problem != "" {
		c.report(id, stored, "%s", problem)
		return nil
	}
	if stored.Strange > 0 {
		c.report(id, stored, "%d cosignatures are of another root or witness than their columns say", stored.Strange)
	}
	for _, line := range stored.Lines {
		// One at a time: a line that does not verify must not hide behind another.
		signed, err := auditlog.AddSignatures(stored.Note, line)
		if err == nil {
			_, err = auditlog.Cosignatures(signed, c.witnesses...)
		}
		if err != nil {
			c.report(id, stored, "a cosignature does not verify, or is none")
		}
	}
	if stored.TreeSize > size {
		c.report(id, stored, "the log has %d entries", size)
		return nil
	}
	root, err := audit.StoredRoot(ctx, c.pool, id, stored.TreeSize)
	switch {
	case errs.ReasonOf(err) == errs.ReasonLogInconsistent:
		c.report(id, stored, "the log lacks entries below its end")
	case err != nil:
		return err
	case root != said.Root:
		c.report(id, stored, "the log's root of that size is another")
	}
	return nil
}

// open reads what a note says and tells what is wrong with it. A note that no present key signed is of a key that has left, or of somebody's own: its
// root tells.
func (c *checkpointAuditor) open(id tenant.ID, keys auditlog.Keyring, stored checkpointRow) (said auditlog.Checkpoint, problem string) {
	said, _, err := auditlog.Open(stored.Note, keys)
	switch {
	case errors.Is(err, auditlog.ErrBadSignature):
		return said, "a signature in the name of a present key does not verify"
	case err != nil && !errors.Is(err, auditlog.ErrUnknownKey):
		return said, "the note is no checkpoint"
	case said.Origin != auditlog.Origin(c.prefix, id) || said.Size != stored.TreeSize || !bytes.Equal(said.Root[:], stored.RootHash):
		return said, "the note says something else than its columns"
	default:
		return said, ""
	}
}

func (c *checkpointAuditor) report(id tenant.ID, stored checkpointRow, format string, args ...any) {
	switch {
	case len(c.problems) < maxCheckpointProblems:
		c.problems = append(c.problems, fmt.Sprintf("log %s, checkpoint of %d entries: %s", id, stored.TreeSize, fmt.Sprintf(format, args...)))
	case len(c.problems) == maxCheckpointProblems:
		c.problems = append(c.problems, "and more: the rest is left out")
	}
}

// keyring returns the present public keys of a log.
func (c *checkpointAuditor) keyring(id tenant.ID) (auditlog.Keyring, error) {
	vkeys := make([]string, len(c.keys))
	for i, k := range c.keys {
		var err error
		if vkeys[i], err = k.VKey(auditlog.Origin(c.prefix, id)); err != nil {
			return auditlog.Keyring{}, err //nolint:wrapcheck // says it all
		}
	}
	return auditlog.ParseKeys(vkeys...) //nolint:wrapcheck // says it all
}
