package audit_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
)

// eventually waits for a condition that another goroutine or process brings about.
func eventually(t testing.TB, what string, met func() bool) {
	t.Helper()
	ticker := time.NewTicker(2 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(30 * time.Second)
	for !met() {
		select {
		case <-ticker.C:
		case <-deadline:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// result is what an append in another goroutine returned.
type result struct {
	position audit.Position
	err      error
}

// enqueue appends entries in the background and returns when all wait in the queue of a wall that does not run yet.
func enqueue(t testing.TB, wall *audit.Wall, entries ...auditlog.Entry) []chan result {
	t.Helper()
	results := make([]chan result, len(entries))
	for i, e := range entries {
		results[i] = make(chan result, 1)
		before := audit.Waiting(wall)
		go func() {
			p, err := wall.Append(context.Background(), e)
			results[i] <- result{p, err}
		}()
		eventually(t, "the entry is in the queue", func() bool { return audit.Waiting(wall) > before || len(results[i]) > 0 })
	}
	return results
}

// idleWall is a wall that does not run before run is called.
func idleWall(t testing.TB, dbs audit.Databases, cfg audit.Config) (wall *audit.Wall, run func(ctx context.Context) error) {
	t.Helper()
	wall, err := audit.New(t.Context(), cfg, dbs, quiet())
	if err != nil {
		t.Fatal(err)
	}
	ran := false
	t.Cleanup(func() {
		if !ran {
			wall.Close()
		}
	})
	return wall, func(ctx context.Context) error {
		ran = true
		return wall.Run(ctx)
	}
}

// blocker holds the lock that every batch needs.
type blocker struct {
	t     testing.TB
	conn  *pgx.Conn
	other *pgx.Conn
}

func holdTurn(t testing.TB, db postgrestest.AuditDB) *blocker {
	t.Helper()
	b := &blocker{t: t, conn: db.Admin(), other: db.Admin()}
	if _, err := b.conn.Exec(t.Context(), `SELECT pg_advisory_lock($1)`, audit.TurnLock); err != nil {
		t.Fatal(err)
	}
	return b
}

// waiting returns how many sessions wait for the lock.
func (b *blocker) waiting() (n int) {
	err := b.other.QueryRow(b.t.Context(), `
		SELECT count(*)
		FROM pg_locks
		WHERE locktype = 'advisory' AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`).Scan(&n)
	if err != nil {
		b.t.Fatal(err)
	}
	return n
}

// terminate ends the sessions that wait for the lock, as an administrator or a crash would.
func (b *blocker) terminate() {
	_, err := b.other.Exec(b.t.Context(), `
		SELECT pg_terminate_backend(pid)
		FROM pg_locks
		WHERE locktype = 'advisory' AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`)
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *blocker) release() {
	if _, err := b.conn.Exec(b.t.Context(), `SELECT pg_advisory_unlock($1)`, audit.TurnLock); err != nil {
		b.t.Fatal(err)
	}
}
