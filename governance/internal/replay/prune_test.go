package replay_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/policy"
	"github.com/aumos-enterprise/platform/governance/internal/replay"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgres"
)

// done makes n replays that are done and trimmed, each with differences of so many bytes.
func (f *fixture) done(v policy.Version, n int, bytes int64) (ids []uuid.UUID) {
	f.t.Helper()
	for range n {
		ids = append(ids, uuid.Must(uuid.NewV7()))
	}
	f.tx(tenantA, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `
			INSERT INTO gov_replays (id, policy_id, version_id, content_sha256, range_start, range_end, first_index, end_index, next_index, subject)
			SELECT id, $2, $3, $4, now(), now() + interval '1 hour', 0, 1, 1, 'analyst' FROM unnest($1::uuid[]) AS id`, ids, v.PolicyID, v.ID, v.ContentSHA256[:])
		if err != nil {
			return err
		}
		for _, sql := range []string{
			`INSERT INTO gov_replay_differences (replay_id, leaf_index, decision_id, decide_time, version_id, detail) SELECT $1, 0, $1, now(), $1, '{}'`,
			`INSERT INTO gov_replay_rules (replay_id, sha256, code, added, removed) SELECT $1::uuid, sha256('x'), 'x', 1, 0`,
			`INSERT INTO gov_replay_resources (replay_id, resource_type, resource_id, compared, same, allow_to_deny, deny_to_allow, to_error, from_error,
				violations_changed, obligations_changed) SELECT $1::uuid, 'a', 'b', 1, 0, 1, 0, 0, 0, 0, 0`,
		} {
			if _, err := tx.Exec(ctx, sql, ids[0]); err != nil {
				return err
			}
		}
		_, err = tx.Exec(ctx, `
			UPDATE gov_replays
			SET state = 'CANCELLED', end_time = now(), lease_until = NULL, kept_bytes = $2
			WHERE id = ANY($1)`, ids, bytes)
		return err
	})
	return ids
}

// there returns which of the replays are left.
func (f *fixture) there(ids []uuid.UUID) (left []bool) {
	f.t.Helper()
	for _, id := range ids {
		err := postgres.TenantTx(f.as(tenantA), f.db.App, func(ctx context.Context, tx pgx.Tx) error {
			_, err := replay.Get(ctx, tx, id)
			return err
		})
		if err != nil && errs.ReasonOf(err) != errs.ReasonNotFound {
			f.t.Fatal(err)
		}
		left = append(left, err == nil)
	}
	return left
}

// A new replay takes the place of the oldest that are done, which go with all that they found; those that are not done stay.
func TestOldReplaysGo(t *testing.T) {
	t.Parallel()
	f := setup(t)
	v := f.policy(tenantA, "p", "allow := true", nil)
	open := f.create(tenantA, v, nil)
	old := f.done(v, 102, 1)
	f.create(tenantA, v, nil)
	left := f.there(append(old, open.ID))
	for i, there := range left {
		if want := i >= 2; there != want {
			t.Errorf("replay %d of %d is there: %v", i, len(left), there)
		}
	}
	f.tx(tenantA, func(ctx context.Context, tx pgx.Tx) error {
		for _, table := range []string{"gov_replay_differences", "gov_replay_rules", "gov_replay_resources"} {
			var n int
			if err := tx.QueryRow(ctx, `SELECT count(*) FROM `+table).Scan(&n); err != nil || n != 0 {
				return errors.Join(err, errors.New(table+" still has rows of one that is gone"))
			}
		}
		return nil
	})

	// Few with many differences count as many.
	large := f.done(v, 3, 200<<20)
	f.create(tenantA, v, nil)
	if left := f.there(append(large, old[101])); left[0] || !left[1] || !left[2] || left[3] {
		t.Errorf("of the large ones and of one before them are there %v", left)
	}
}
