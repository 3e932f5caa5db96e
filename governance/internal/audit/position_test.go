package audit_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/audittest"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// TestAwaitPosition reads its own writes from the replica that wrote and from another one.
func TestAwaitPosition(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	writing, _ := startWall(t, db, wallConfig(t))
	reading, _ := startWall(t, db, wallConfig(t))
	id := newTenant(t)
	for range 3 {
		e := newEntry(t, id)
		p := mustAppend(t, writing, e)
		for name, wall := range map[string]*audit.Wall{"the same replica": writing, "another replica": reading} {
			if err := wall.AwaitPosition(as(t, id), p.LeafIndex+1); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if _, err := wall.Get(as(t, id), e.EntryID); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if err := reading.AwaitPosition(as(t, newTenant(t)), 0); err != nil {
		t.Errorf("position 0: %v", err)
	}
	if err := reading.AwaitPosition(t.Context(), 1); err == nil {
		t.Error("without a tenant there is no log to wait for")
	}
}

// TestAwaitPositionWaits for an entry that comes later, and gives up with its caller or after a time.
func TestAwaitPositionWaits(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	writing, _ := startWall(t, db, wallConfig(t))
	reading, _ := startWall(t, db, wallConfig(t))
	id := newTenant(t)
	mustAppend(t, writing, newEntry(t, id))
	reached := make(chan error, 1)
	go func() { reached <- reading.AwaitPosition(as(t, id), 2) }()
	eventually(t, "it has looked", func() bool { return audit.SizeSeen(reading, id) == 1 })
	mustAppend(t, writing, newEntry(t, id))
	if err := <-reached; err != nil {
		t.Errorf("the entry came: %v", err)
	}
	gone := errors.New("the client went away")
	ctx, cancel := context.WithCancelCause(as(t, id))
	cancel(gone)
	if err := reading.AwaitPosition(ctx, 3); err == nil {
		t.Error("a call that has ended waits for nothing")
	}
	ctx, cancel = context.WithCancelCause(as(t, id))
	go func() { reached <- reading.AwaitPosition(ctx, 3) }()
	cancel(gone)
	if err := <-reached; err == nil || errs.ReasonOf(err) != "" {
		t.Errorf("the caller went away: %v", err)
	}
	start := time.Now()
	err := reading.AwaitPosition(as(t, id), 3)
	var late *errs.Error
	if !errors.As(err, &late) || late.Kind != errs.Unavailable || late.Reason != errs.ReasonPositionNotReached ||
		late.Metadata["size"] != "2" || late.RetryAfter <= 0 {
		t.Errorf("a position that does not come: %v", err)
	}
	if waited := time.Since(start); waited < 4*time.Second || waited > 20*time.Second {
		t.Errorf("waited %s, want 5s", waited)
	}
}

// TestAwaitPositionIsBounded: each read that waits looks at the log again and again, so one tenant's are no more than a few, whatever it asks for.
func TestAwaitPositionIsBounded(t *testing.T) {
	t.Parallel()
	wall, _ := startWall(t, postgrestest.Audit(t), wallConfig(t))
	id, other := newTenant(t), newTenant(t)
	mustAppend(t, wall, newEntry(t, id))
	mustAppend(t, wall, newEntry(t, other))
	ctx, cancel := context.WithCancel(as(t, id))
	defer cancel()
	answers := make(chan error)
	const calls = 120
	for range calls {
		go func() { answers <- wall.AwaitPosition(ctx, 1000) }()
	}
	refused := 0
	for range calls - 64 { // before any of the others gives up
		var e *errs.Error
		if err := <-answers; !errors.As(err, &e) || e.Reason != errs.ReasonOverloaded || e.RetryAfter == 0 {
			t.Fatalf("refused %d, then: %v", refused, err)
		}
		refused++
	}
	if err := wall.AwaitPosition(as(t, id), 1); err != nil {
		t.Errorf("a position that is there: %v", err)
	}
	waiting, stop := context.WithCancel(as(t, other))
	go func() { answers <- wall.AwaitPosition(waiting, 2) }()
	mustAppend(t, wall, newEntry(t, other))
	if err := <-answers; err != nil {
		t.Errorf("another tenant: %v", err)
	}
	stop()
	cancel()
	for range 64 {
		if err := <-answers; err == nil {
			t.Error("a read whose caller went away was answered")
		}
	}
	ctx, cancel = context.WithCancel(as(t, id))
	go func() { answers <- wall.AwaitPosition(ctx, 2) }()
	mustAppend(t, wall, newEntry(t, id))
	if err := <-answers; err != nil {
		t.Errorf("when the others have gone: %v", err)
	}
	cancel()
}

// TestAwaitPositionFromMemory: what this replica has seen needs no database, until the database may have become another one.
func TestAwaitPositionFromMemory(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	reader := db.Pool("aumos_audit_reader")
	wall, _ := audittest.Start(t, audit.Databases{Writer: db.Writer, Reader: reader}, wallConfig(t))
	id, other := newTenant(t), newTenant(t)
	p := mustAppend(t, wall, newEntry(t, id))
	reader.Close()
	if err := wall.AwaitPosition(as(t, id), p.LeafIndex+1); err != nil {
		t.Errorf("a position that this replica wrote: %v", err)
	}
	for _, c := range []struct {
		id       tenant.ID
		position int64
	}{{id, p.LeafIndex + 2}, {other, 1}} {
		if err := wall.AwaitPosition(as(t, c.id), c.position); err == nil {
			t.Errorf("position %d of %s is reached without a look", c.position, c.id)
		}
	}
}
