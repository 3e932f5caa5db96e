package audit_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
)

// TestWatchesLeaveConnections: every append wakes all watches of its log, which must not take all connections that the wall is read by.
func TestWatchesLeaveConnections(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	wall, _ := startWall(t, db, wallConfig(t))
	id := newTenant(t)
	mustAppend(t, wall, newEntry(t, id))
	admin, err := pgx.Connect(t.Context(), db.AdminURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close(t.Context()) }()
	exec := func(sql string) {
		t.Helper()
		if _, err := admin.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	exec(`BEGIN`) // whose lock makes every read last
	exec(`LOCK TABLE public.gov_audit_trail_entries`)
	const watches = 10
	var asked atomic.Int64
	answers := make(chan error, watches)
	for range watches {
		x, err := wall.Watch(as(t, id), audit.Filter{}, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer x.Close()
		go func() {
			asked.Add(1)
			entries, _, err := x.Next(as(t, id), time.Minute)
			if err == nil && len(entries) != 1 {
				t.Errorf("%d entries", len(entries))
			}
			answers <- err
		}()
	}
	eventually(t, "the watches read", func() bool { return asked.Load() == watches && db.Reader.Stat().AcquiredConns() >= 2 })
	for until := time.Now().Add(300 * time.Millisecond); time.Now().Before(until); <-time.After(5 * time.Millisecond) {
		if n := db.Reader.Stat().AcquiredConns(); n > 2 {
			t.Fatalf("%d connections read for the watches of one tenant", n)
		}
	}
	exec(`ROLLBACK`)
	for range watches {
		if err := <-answers; err != nil {
			t.Error(err)
		}
	}
}
