package replay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/aumos-enterprise/platform/pkg/postgres"
)

// findLimit is the number of replays that a worker looks at to take one: others may be faster.
const findLimit = 16

// due is a replay that waits for a worker.
type due struct {
	TenantID uuid.UUID
	ID       uuid.UUID
}

// findDue returns replays of any tenant that nobody works on, the one that has waited longest first: so tenants take turns.
func findDue(ctx context.Context, pool *pgxpool.Pool) ([]due, error) {
	var found []due
	err := postgres.Tx(ctx, pool, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(ctx context.Context, tx pgx.Tx) error {
		// What the policy gov_replays_find asks for: ids alone are read here, each replay under its tenant.
		if _, err := tx.Exec(ctx, `SELECT set_config('aumos.replays', 'find', true)`); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `
			SELECT tenant_id, id
			FROM gov_replays
			WHERE lease_until <= statement_timestamp()
			ORDER BY lease_until, tenant_id, id
			LIMIT @limit`, pgx.NamedArgs{"limit": findLimit})
		if err != nil {
			return err
		}
		found, err = pgx.CollectRows(rows, pgx.RowToStructByName[due])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look for replays: %w", err)
	}
	return found, nil
}

// job is a replay that a worker has taken.
type job struct {
	Replay

	Candidate []byte
	Takes     int
}

// modules returns the candidate that is stored with the replay.
func (j job) modules() (Candidate, error) {
	var s stored
	if err := json.Unmarshal(j.Candidate, &s); err != nil {
		return Candidate{}, fmt.Errorf("read candidate: %w", err)
	}
	return Candidate{ContentSHA256: j.ContentSHA256, Modules: s.Modules, Data: s.Data}, nil
}

// take gives a replay to the holder until the lease ends, unless somebody else has it. What the holder does with it later finds out whether it is still its
// own.
func take(ctx context.Context, tx pgx.Tx, id, holder uuid.UUID, lease time.Duration) (j job, ok bool, err error) {
	rows, err := tx.Query(ctx, `
		UPDATE gov_replays
		SET lease_holder = @holder, lease_until = statement_timestamp() + @lease::interval, takes = takes + 1,
			state = CASE state WHEN 'PENDING' THEN 'RUNNING' ELSE state END,
			start_time = CASE state WHEN 'PENDING' THEN statement_timestamp() ELSE start_time END
		WHERE id = (
			SELECT id
			FROM gov_replays
			WHERE id = @id AND lease_until <= statement_timestamp()
			FOR UPDATE SKIP LOCKED
		)
		RETURNING candidate, takes, `+columns, pgx.NamedArgs{"id": id, "holder": holder, "lease": lease})
	if err != nil {
		return job{}, false, fmt.Errorf("take replay: %w", err)
	}
	j, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[job])
	if errors.Is(err, pgx.ErrNoRows) {
		return job{}, false, nil
	}
	if err != nil {
		return job{}, false, fmt.Errorf("take replay: %w", err)
	}
	return j, true, nil
}

// release gives the replay back; it may be taken again after the pause. forgive says that the worker is not to blame for how little it has done.
func release(ctx context.Context, tx pgx.Tx, id, holder uuid.UUID, pause time.Duration, forgive bool) error {
	_, err := tx.Exec(ctx, `
		UPDATE gov_replays
		SET lease_until = statement_timestamp() + @pause::interval, takes = CASE WHEN @forgive THEN 0 ELSE takes END
		WHERE id = @id AND lease_holder = @holder AND state = 'RUNNING'`,
		pgx.NamedArgs{"id": id, "holder": holder, "pause": pause, "forgive": forgive})
	if err != nil {
		return fmt.Errorf("release replay: %w", err)
	}
	return nil
}
