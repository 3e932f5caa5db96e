package decisionlog

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// keyColumns are keys as parameters, a slice for each column.
type keyColumns struct {
	points   []string
	policies [][16]byte
	hours    []time.Time
}

func (c *keyColumns) add(k rollupKey) {
	c.points = append(c.points, k.point)
	c.policies = append(c.policies, k.policy)
	c.hours = append(c.hours, time.Unix(k.hour, 0).UTC())
}

func (c *keyColumns) args() pgx.NamedArgs {
	return pgx.NamedArgs{"points": c.points, "policies": c.policies, "hours": c.hours}
}

// statement is one with its parameters.
type statement struct {
	what, sql string
	args      pgx.NamedArgs
}

// write adds the tally to the tenant's rows and moves the cursor, which is locked.
func (t *tally) write(ctx context.Context, tx pgx.Tx, to cursor) error {
	stored, err := t.readDurations(ctx, tx)
	if err != nil {
		return fmt.Errorf("read rollups: %w", err)
	}
	statements := []statement{t.moveCursor(to)}
	if len(t.rollups) > 0 {
		statements = append(statements, t.writeRollups(stored))
	}
	if len(t.denials) > 0 {
		statements = append(statements, t.writeDenials())
	}
	if len(t.violations) > 0 {
		statements = append(statements, t.writeViolations())
	}
	var batch pgx.Batch
	for _, s := range statements {
		batch.Queue(s.sql, s.args)
	}
	results := tx.SendBatch(ctx, &batch)
	for _, s := range statements {
		if _, err := results.Exec(); err != nil {
			_ = results.Close() // has the same to say
			return fmt.Errorf("%s: %w", s.what, err)
		}
	}
	return results.Close()
}

// readDurations reads the durations that are counted already, since the database cannot add them up.
func (t *tally) readDurations(ctx context.Context, tx pgx.Tx) (map[rollupKey]histogram, error) {
	var keys keyColumns
	for k := range t.rollups {
		keys.add(k)
	}
	rows, err := tx.Query(ctx, `
		SELECT decision_point, policy_id, hour, durations
		FROM unnest(@points::text[], @policies::uuid[], @hours::timestamptz[]) AS asked (decision_point, policy_id, hour)
		JOIN gov_decision_rollups USING (decision_point, policy_id, hour)`, keys.args())
	if err != nil {
		return nil, err
	}
	stored := make(map[rollupKey]histogram, len(t.rollups))
	var k rollupKey
	var policy [16]byte
	var hour time.Time
	var durations pgtype.DriverBytes
	_, err = pgx.ForEachRow(rows, []any{&k.point, &policy, &hour, &durations}, func() error {
		k.policy, k.hour = uuid.UUID(policy), hour.Unix()
		stored[k] = make(histogram)
		return stored[k].decode(durations)
	})
	return stored, err
}

func (t *tally) writeRollups(stored map[rollupKey]histogram) statement {
	var keys keyColumns
	var first, last, allowed, denied, failed []int64
	var durations [][]byte
	for k, c := range t.rollups {
		keys.add(k)
		first, last = append(first, c.first), append(last, c.last)
		allowed, denied, failed = append(allowed, c.allowed), append(denied, c.denied), append(failed, c.errors)
		all := c.durations
		if before := stored[k]; before != nil {
			before.add(all)
			all = before
		}
		durations = append(durations, all.encode())
	}
	args := keys.args()
	args["first"], args["last"], args["allowed"], args["denied"], args["errors"], args["durations"] = first, last, allowed, denied, failed, durations
	return statement{"write rollups", `
		INSERT INTO gov_decision_rollups AS r (decision_point, policy_id, hour, first_index, last_index, allowed, denied, errors, durations)
		SELECT *
		FROM unnest(@points::text[], @policies::uuid[], @hours::timestamptz[], @first::bigint[], @last::bigint[], @allowed::bigint[], @denied::bigint[],
			@errors::bigint[], @durations::bytea[])
		ON CONFLICT (tenant_id, decision_point, policy_id, hour) DO UPDATE SET
			last_index = excluded.last_index, durations = excluded.durations,
			allowed = r.allowed + excluded.allowed, denied = r.denied + excluded.denied, errors = r.errors + excluded.errors`, args}
}

func (t *tally) writeDenials() statement {
	var keys keyColumns
	var kinds []string
	var ids [][]byte
	var denied []int64
	for k, n := range t.denials {
		keys.add(k.rollupKey)
		kinds, ids, denied = append(kinds, k.kind), append(ids, []byte(k.id)), append(denied, n)
	}
	args := keys.args()
	args["kinds"], args["ids"], args["denied"] = kinds, ids, denied
	return statement{"write denials", `
		INSERT INTO gov_decision_denials AS d (decision_point, policy_id, hour, resource_type, resource_id, denied)
		SELECT *
		FROM unnest(@points::text[], @policies::uuid[], @hours::timestamptz[], @kinds::text[], @ids::bytea[], @denied::bigint[])
		ON CONFLICT (tenant_id, hour, decision_point, policy_id, resource_type, resource_id) DO UPDATE SET denied = d.denied + excluded.denied`, args}
}

func (t *tally) writeViolations() statement {
	var keys keyColumns
	var digests, codes, controls [][]byte
	var last, decisions []int64
	for k, f := range t.violations {
		keys.add(k.rollupKey)
		digests, codes, controls = append(digests, k.code[:]), append(codes, []byte(f.code)), append(controls, []byte(f.control))
		last, decisions = append(last, f.last), append(decisions, f.decisions)
	}
	args := keys.args()
	args["digests"], args["codes"], args["controls"], args["last"], args["decisions"] = digests, codes, controls, last, decisions
	return statement{"write violations", `
		INSERT INTO gov_decision_violations AS v (decision_point, policy_id, hour, code_sha256, code, control, last_index, decisions)
		SELECT *
		FROM unnest(@points::text[], @policies::uuid[], @hours::timestamptz[], @digests::bytea[], @codes::bytea[], @controls::bytea[], @last::bigint[],
			@decisions::bigint[])
		ON CONFLICT (tenant_id, hour, decision_point, policy_id, code_sha256) DO UPDATE SET
			control = excluded.control, last_index = excluded.last_index, decisions = v.decisions + excluded.decisions`, args}
}
