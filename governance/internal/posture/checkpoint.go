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
	vkeys, err := auditlog.VKeys(auditlog.Origin(c.prefix, id), c.keys...)
	if err != nil {
		return auditlog.Keyring{}, err
	}
	return auditlog.ParseKeys(vkeys...)
}
