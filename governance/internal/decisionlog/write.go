package decisionlog

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
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

// write adds the tally to the tenant's rows. The cursor is locked.
func (t *tally) write(ctx context.Context, tx pgx.Tx) error {
	if err := t.readDurations(ctx, tx); err != nil {
		return fmt.Errorf("read rollups: %w", err)
	}
	if err := t.writeRollups(ctx, tx); err != nil {
		return fmt.Errorf("write rollups: %w", err)
	}
	if err := t.writeDenials(ctx, tx); err != nil {
		return fmt.Errorf("write denials: %w", err)
	}
	if err := t.writeViolations(ctx, tx); err != nil {
		return fmt.Errorf("write violations: %w", err)
	}
	return nil
}

// readDurations adds the durations that are counted already, since the database cannot add them up.
func (t *tally) readDurations(ctx context.Context, tx pgx.Tx) error {
	var keys keyColumns
	for k := range t.rollups {
		keys.add(k)
	}
	rows, err := tx.Query(ctx, `
		SELECT decision_point, policy_id, hour, durations
		FROM unnest(@points::text[], @policies::uuid[], @hours::timestamptz[]) AS asked (decision_point, policy_id, hour)
		JOIN gov_decision_rollups USING (decision_point, policy_id, hour)`, keys.args())
	if err != nil {
		return err
	}
	var k rollupKey
	var policy [16]byte
	var hour time.Time
	var durations []byte
	_, err = pgx.ForEachRow(rows, []any{&k.point, &policy, &hour, &durations}, func() error {
		k.policy, k.hour = uuid.UUID(policy), hour.Unix()
		return t.rollups[k].durations.decode(durations)
	})
	return err
}

func (t *tally) writeRollups(ctx context.Context, tx pgx.Tx) error {
	var keys keyColumns
	var first, last, allowed, denied, failed []int64
	var durations [][]byte
	for k, c := range t.rollups {
		keys.add(k)
		first, last = append(first, c.first), append(last, c.last)
		allowed, denied, failed = append(allowed, c.allowed), append(denied, c.denied), append(failed, c.errors)
		durations = append(durations, c.durations.encode())
	}
	args := keys.args()
	args["first"], args["last"], args["allowed"], args["denied"], args["errors"], args["durations"] = first, last, allowed, denied, failed, durations
	_, err := tx.Exec(ctx, `
		INSERT INTO gov_decision_rollups AS r (decision_point, policy_id, hour, first_index, last_index, allowed, denied, errors, durations)
		SELECT *
		FROM unnest(@points::text[], @policies::uuid[], @hours::timestamptz[], @first::bigint[], @last::bigint[], @allowed::bigint[], @denied::bigint[],
			@errors::bigint[], @durations::bytea[])
		ON CONFLICT (tenant_id, decision_point, policy_id, hour) DO UPDATE SET
			last_index = excluded.last_index, durations = excluded.durations,
			allowed = r.allowed + excluded.allowed, denied = r.denied + excluded.denied, errors = r.errors + excluded.errors`, args)
	return err
}

func (t *tally) writeDenials(ctx context.Context, tx pgx.Tx) error {
	if len(t.denials) == 0 {
		return nil
	}
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
	_, err := tx.Exec(ctx, `
		INSERT INTO gov_decision_denials AS d (decision_point, policy_id, hour, resource_type, resource_id, denied)
		SELECT *
		FROM unnest(@points::text[], @policies::uuid[], @hours::timestamptz[], @kinds::text[], @ids::bytea[], @denied::bigint[])
		ON CONFLICT (tenant_id, hour, decision_point, policy_id, resource_type, resource_id) DO UPDATE SET denied = d.denied + excluded.denied`, args)
	return err
}

func (t *tally) writeViolations(ctx context.Context, tx pgx.Tx) error {
	if len(t.violations) == 0 {
		return nil
	}
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
	_, err := tx.Exec(ctx, `
		INSERT INTO gov_decision_violations AS v (decision_point, policy_id, hour, code_sha256, code, control, last_index, decisions)
		SELECT *
		FROM unnest(@points::text[], @policies::uuid[], @hours::timestamptz[], @digests::bytea[], @codes::bytea[], @controls::bytea[], @last::bigint[],
			@decisions::bigint[])
		ON CONFLICT (tenant_id, hour, decision_point, policy_id, code_sha256) DO UPDATE SET
			control = excluded.control, last_index = excluded.last_index, decisions = v.decisions + excluded.decisions`, args)
	return err
}
