package shadow_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/shadow"
)

// ended makes n shadows of the same version that ended one after the other some time ago, each with differences of so many bytes.
func (g *ground) ended(version uuid.UUID, n int, bytes int64, ago time.Duration) (ids []uuid.UUID) {
	g.t.Helper()
	for range n {
		ids = append(ids, uuid.Must(uuid.NewV7()))
	}
	g.tx(func(ctx context.Context, tx pgx.Tx) error {
		for i, id := range ids {
			_, err := tx.Exec(ctx, `
				INSERT INTO gov_shadows (id, policy_id, version_id, sampling_rate, subject, expire_time)
				VALUES ($1, $2, $3, 1, 'ann', now() + interval '1 hour')`, id, g.policy, version)
			if err != nil {
				return err
			}
			_, err = tx.Exec(ctx, `
				UPDATE gov_shadows SET state = 'STOPPED', end_time = now() - $2::interval, kept_bytes = $3 WHERE id = $1`,
				id, ago-time.Duration(i)*time.Millisecond, bytes)
			if err != nil {
				return err
			}
			_, err = tx.Exec(ctx, `
				INSERT INTO gov_shadow_differences (shadow_id, decide_time, decision_id, version_id, detail) VALUES ($1, now(), $1, $2, '{}')`, id, version)
			if err != nil {
				return err
			}
		}
		return nil
	})
	return ids
}

// stopped starts a shadow and stops it.
func (g *ground) stopped() (s shadow.Shadow) {
	g.t.Helper()
	started := g.start("allow := false")
	g.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
		s, _, _, err = shadow.Stop(ctx, tx, started.ID)
		return err
	})
	return s
}

// left returns which of the shadows are there.
func (g *ground) left(ids []uuid.UUID) (there []bool) {
	g.t.Helper()
	for _, id := range ids {
		g.tx(func(ctx context.Context, tx pgx.Tx) error {
			var n int
			err := tx.QueryRow(ctx, `
				SELECT (SELECT count(*) FROM gov_shadows WHERE id = $1) + (SELECT count(*) FROM gov_shadow_differences WHERE shadow_id = $1)`, id).Scan(&n)
			there = append(there, n == 2)
			return err
		})
	}
	return there
}

// A new shadow takes the place of those that ended first; what is found of one that is gone goes as well.
func TestOldShadowsGo(t *testing.T) {
	t.Parallel()
	g := setup(t)
	first := g.stopped()
	old := g.ended(first.VersionID, 101, 1, time.Hour)
	second := g.stopped()
	for i, there := range g.left(old) {
		if want := i >= 2; there != want {
			t.Errorf("shadow %d is there: %v", i, there)
		}
	}
	if a, b := g.get(first.ID), g.get(second.ID); a.ID != first.ID || b.ID != second.ID {
		t.Errorf("of those that ended last are there %+v, %+v", a, b)
	}
	large := g.ended(first.VersionID, 3, 200<<20, time.Minute)
	g.start("allow := false")
	if left := g.left(append(large, old[100])); left[0] || !left[1] || !left[2] || left[3] {
		t.Errorf("of the large ones and of one before them are there %v", left)
	}
	gone := first
	gone.ID = old[0]
	g.offer(gone, 3, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := g.runner.Run(ctx); err != nil || g.runner.Unsaved() != 0 {
		t.Errorf("what was found of a shadow that is gone is kept: %v", err)
	}
}
