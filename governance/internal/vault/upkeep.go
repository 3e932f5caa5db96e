package vault

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/tenant"
	"github.com/aumos-enterprise/platform/pkg/upkeep"
)

// deleteBatch bounds one transaction of the upkeep.
const deleteBatch = 1000

// Wake makes the next pass of the upkeep begin at once.
func (v *Vault) Wake() {
	select {
	case v.wake <- struct{}{}:
	default: // it will
	}
}

// rounds are the passes of the upkeep.
func (v *Vault) rounds() upkeep.Rounds {
	return upkeep.Rounds{
		Every: v.config.UpkeepEvery, Round: v.Upkeep, Wake: v.wake, Overdue: v.metrics.overdue, Log: v.config.Log,
		Complaint: "the upkeep of kept inputs failed and goes on later",
	}
}

// Upkeep makes one pass over all tenants: it deletes inputs whose retention has ended or whose key was destroyed, wraps keys that an older key
// wraps anew, and makes keys that could not be made before. Replicas may do so at the same time. A tenant that fails does not hold up the others.
func (v *Vault) Upkeep(ctx context.Context) error {
	looked, unreadable := false, 0
	err := upkeep.EachTenant(ctx, v.config.Pool, "gov_decision_settings", func(ctx context.Context) error {
		n, err := v.wrapAnew(ctx)
		looked, unreadable = true, unreadable+n
		return errors.Join(err, v.expire(ctx))
	})
	if ctx.Err() == nil && (err == nil || looked) { // without the tenants it is not known how many keys there are
		v.metrics.unreadable.Set(float64(unreadable))
	}
	return err
}

// expire deletes what is due of the tenant, batch by batch.
func (v *Vault) expire(ctx context.Context) error {
	for {
		var n int64
		err := postgres.TenantTx(ctx, v.config.Pool, func(ctx context.Context, tx pgx.Tx) error {
			var err error
			n, err = deleteDue(ctx, tx, time.Now())
			return err
		})
		if err != nil {
			return fmt.Errorf("delete inputs: %w", err)
		}
		v.metrics.deleted.Add(float64(n))
		if n < deleteBatch {
			return nil
		}
	}
}

// deleteDue deletes one batch, key by key so that an index has it, and then the keys that nothing is encrypted under any more.
func deleteDue(ctx context.Context, tx pgx.Tx, now time.Time) (int64, error) {
	tag, err := tx.Exec(ctx, `
		DELETE FROM gov_decision_inputs AS i
		USING (
			SELECT due.decision_id, due.input_sha256
			FROM gov_decision_keys k
			JOIN gov_decision_settings s ON s.tenant_id = k.tenant_id
			CROSS JOIN LATERAL (
				SELECT old.decision_id, old.input_sha256
				FROM gov_decision_inputs old
				WHERE old.tenant_id = k.tenant_id
				AND old.key_id = k.id
				AND (k.wrapped IS NULL OR old.decide_time <= @now::timestamptz - make_interval(secs => s.kept_retention))
				ORDER BY old.decide_time
				LIMIT @batch
				FOR UPDATE SKIP LOCKED
			) AS due
			WHERE k.purpose = 'INPUTS'
			LIMIT @batch
		) AS gone
		WHERE i.decision_id = gone.decision_id AND i.input_sha256 = gone.input_sha256`, pgx.NamedArgs{"now": now, "batch": deleteBatch})
	if err != nil {
		return 0, err
	}
	_, err = tx.Exec(ctx, `
		DELETE FROM gov_decision_keys k
		WHERE k.wrapped IS NULL
		AND NOT EXISTS (
			SELECT
			FROM gov_decision_inputs i
			WHERE i.tenant_id = k.tenant_id AND i.key_id = k.id
		)`)
	return tag.RowsAffected(), err
}

// wrapAnew wraps the tenant's keys under the current key, makes those that are missing, and returns how many cannot be read.
func (v *Vault) wrapAnew(ctx context.Context) (unreadable int, err error) {
	err = postgres.TenantTx(ctx, v.config.Pool, func(ctx context.Context, tx pgx.Tx) error {
		unreadable = 0
		stored, err := readKeys(ctx, tx)
		if err != nil || v.upToDate(stored) {
			return err
		}
		// Who changes keys holds this lock; what was read before it may have changed.
		var keeps bool
		err = tx.QueryRow(ctx, `
			SELECT keep_inputs
			FROM gov_decision_settings
			FOR UPDATE`).Scan(&keeps)
		if err != nil {
			return err
		}
		if stored, err = readKeys(ctx, tx); err != nil {
			return err
		}
		for _, r := range stored {
			known, err := v.rewrap(ctx, tx, r)
			if err != nil {
				return err
			}
			if !known {
				unreadable++
			}
		}
		// An erasure may have found no key to wrap a new one with.
		if keeps && unreadable == 0 && v.CanKeep() {
			return v.EnsureKeys(ctx, tx, true)
		}
		return nil
	})
	if err != nil {
		return unreadable, fmt.Errorf("wrap keys anew: %w", err)
	}
	return unreadable, nil
}

// upToDate reports whether both keys are there and wrapped by the current key.
func (v *Vault) upToDate(stored []keyRow) bool {
	for _, r := range stored {
		if r.WrappingKey != v.config.Wrapping.current {
			return false
		}
	}
	return len(stored) == 2
}

// rewrap wraps the key under the current one, or replaces one that was not wrapped; known is false when it cannot be read.
func (v *Vault) rewrap(ctx context.Context, tx pgx.Tx, r keyRow) (known bool, err error) {
	id, _ := tenant.FromContext(ctx)
	w := v.config.Wrapping
	key, err := v.unwrap(id, r)
	if r.Purpose == purposeDigest && errors.Is(err, errPlain) {
		return true, v.replace(ctx, tx, id, r)
	}
	if err != nil {
		return false, nil //nolint:nilerr // the gauge says how many; whoever needs the key says why
	}
	if r.WrappingKey == w.current {
		return true, nil
	}
	name, wrapped, err := w.wrap(key, r.bound(id))
	if err != nil {
		return false, err
	}
	_, err = tx.Exec(ctx, `
		UPDATE gov_decision_keys
		SET wrapping_key = @wrapping_key, wrapped = @wrapped
		WHERE id = @id`, pgx.NamedArgs{"wrapping_key": name, "wrapped": wrapped, "id": r.ID})
	return true, err
}
