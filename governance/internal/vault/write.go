package vault

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

const (
	// batchItems and batchBytes bound one transaction.
	batchItems = 256
	batchBytes = 4 << 20
	// writeTimeout bounds it in time.
	writeTimeout = 2 * time.Second
	// pauseAfter is how long nothing is tried after a failure, so that decisions do not wait for a store that is down.
	pauseAfter = time.Second
)

// write stores what waits, everything at hand in one transaction, until ctx ends and nothing waits any more.
func (v *Vault) write(ctx context.Context) {
	for {
		select {
		case first := <-v.queue:
			v.store(ctx, v.fill(first))
		case <-ctx.Done():
			v.paused.Store(time.Now().Add(time.Hour).UnixNano())
			for {
				select {
				case first := <-v.queue:
					v.store(ctx, v.fill(first))
				default:
					return
				}
			}
		}
	}
}

// fill adds to a batch what waits already.
func (v *Vault) fill(first *waiting) []*waiting {
	batch, size := []*waiting{first}, len(first.sealed)
	for len(batch) < batchItems && size < batchBytes {
		select {
		case w := <-v.queue:
			batch, size = append(batch, w), size+len(w.sealed)
		default:
			return batch
		}
	}
	return batch
}

// group is what one statement stores.
type group struct {
	tenant tenant.ID
	key    uuid.UUID
	items  []*waiting
	live   bool // whether the key was there
}

// store writes a batch and tells those who wait.
func (v *Vault) store(ctx context.Context, batch []*waiting) {
	groups := v.groups(batch)
	err := v.insert(context.WithoutCancel(ctx), groups)
	if err != nil {
		v.paused.Store(max(v.paused.Load(), time.Now().Add(pauseAfter).UnixNano()))
		v.config.Log.LogAttrs(ctx, slog.LevelWarn, "inputs of decisions could not be kept", slog.Int("count", len(batch)), slog.Any("error", err))
	}
	for _, g := range groups {
		for _, w := range g.items {
			switch {
			case err != nil:
				w.done <- err
			case !g.live:
				w.done <- errKeyGone
			default:
				w.done <- nil
			}
		}
	}
	for _, w := range batch {
		v.room.Release(int64(len(w.sealed)))
	}
}

// groups sorts a batch, so that replicas that store the same rows do so in the same order, and drops what nobody waits for.
func (v *Vault) groups(batch []*waiting) []*group {
	batch = slices.DeleteFunc(slices.Clone(batch), func(w *waiting) bool { return w.abandoned.Load() })
	slices.SortFunc(batch, func(a, b *waiting) int {
		for _, order := range []int{
			bytes.Compare(a.tenant[:], b.tenant[:]), bytes.Compare(a.key[:], b.key[:]),
			bytes.Compare(a.item.Decision[:], b.item.Decision[:]), bytes.Compare(a.item.SHA256[:], b.item.SHA256[:]),
		} {
			if order != 0 {
				return order
			}
		}
		return 0
	})
	var groups []*group
	for _, w := range batch {
		if n := len(groups); n == 0 || groups[n-1].tenant != w.tenant || groups[n-1].key != w.key {
			groups = append(groups, &group{tenant: w.tenant, key: w.key})
		}
		last := groups[len(groups)-1]
		last.items = append(last.items, w)
	}
	return groups
}

// insert stores the groups. Connections that were cut are no reason to lose inputs: it tries again on new ones, once. What was stored already stays as it is.
func (v *Vault) insert(ctx context.Context, groups []*group) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	err := v.tryInsert(ctx, groups)
	if errs.ReasonOf(err) == errs.ReasonUnavailable && ctx.Err() == nil {
		v.config.Pool.Reset() // after a restart of the server every idle connection is dead
		err = v.tryInsert(ctx, groups)
	}
	return err
}

// tryInsert stores the groups in one transaction, each under its tenant. The lock on the key makes an erasure wait for what is being stored under it.
func (v *Vault) tryInsert(ctx context.Context, groups []*group) error {
	return postgres.Tx(ctx, v.config.Pool, pgx.TxOptions{}, func(ctx context.Context, tx pgx.Tx) error {
		batch := &pgx.Batch{}
		for _, g := range groups {
			batch.Queue(`SELECT set_config('aumos.tenant_id', $1, true)`, g.tenant.String())
			batch.Queue(`
				WITH live AS (
					SELECT id
					FROM gov_decision_keys
					WHERE id = @key_id
					AND wrapped IS NOT NULL
					FOR SHARE
				), kept AS (
					INSERT INTO gov_decision_inputs AS i (decision_id, input_sha256, key_id, decide_time, sealed)
					SELECT DISTINCT ON (u.decision_id, u.input_sha256) u.decision_id, u.input_sha256, live.id, u.decide_time, u.sealed
					FROM live, unnest(@ids::uuid[], @digests::bytea[], @times::timestamptz[], @sealed::bytea[])
						AS u (decision_id, input_sha256, decide_time, sealed)
					ORDER BY u.decision_id, u.input_sha256
					ON CONFLICT (tenant_id, decision_id, input_sha256) DO UPDATE
					SET key_id = excluded.key_id, decide_time = excluded.decide_time, sealed = excluded.sealed
					WHERE i.key_id <> excluded.key_id -- that one was destroyed
				)
				SELECT count(*) > 0
				FROM live`, g.arguments()).QueryRow(func(row pgx.Row) error { return row.Scan(&g.live) })
		}
		if err := tx.SendBatch(ctx, batch).Close(); err != nil {
			return fmt.Errorf("insert inputs: %w", err)
		}
		return nil
	})
}

func (g *group) arguments() pgx.NamedArgs {
	n := len(g.items)
	ids, digests, times, sealed := make([]uuid.UUID, n), make([][]byte, n), make([]time.Time, n), make([][]byte, n)
	for i, w := range g.items {
		ids[i], digests[i], times[i], sealed[i] = w.item.Decision, w.item.SHA256[:], w.item.DecidedAt, w.sealed
	}
	return pgx.NamedArgs{"key_id": g.key, "ids": ids, "digests": digests, "times": times, "sealed": sealed}
}
