package vault_test

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/aumos-enterprise/platform/governance/internal/vault"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
)

func TestWhatIsKeptOpens(t *testing.T) {
	t.Parallel()
	s := newStore(t, postgrestest.Governance(t), key(1))
	s.run()
	a, b := s.keeps(tenantA, time.Hour), s.keeps(tenantB, time.Hour)
	want := map[uuid.UUID]string{}
	var refs []vault.Ref
	var mu sync.Mutex
	var wait sync.WaitGroup
	for n := range 300 {
		wait.Go(func() {
			in := input(t, n)
			i := item(uuid.New(), in)
			if err := s.Keep(s.as(tenantA), a.Inputs, i); err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if len(refs) < vault.MaxOpen {
				refs, want[i.Decision] = append(refs, ref(i)), string(in.JSON())
			}
		})
	}
	foreign := s.keep(tenantB, b, item(uuid.New(), input(t, -1)))
	wait.Wait()
	got := map[uuid.UUID]string{}
	for id, in := range s.open(tenantA, refs...) {
		got[id] = string(in.JSON())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("inputs (-want +got):\n%s", diff)
	}
	if got := s.open(tenantA, foreign); len(got) != 0 {
		t.Errorf("another tenant's input opens: %v", got)
	}
	if got := s.open(tenantA, vault.Ref{Decision: refs[0].Decision}, vault.Ref{Decision: uuid.New()}); len(got) != 0 {
		t.Errorf("what was never kept opens: %v", got)
	}
	if _, err := s.Open(s.as(tenantA), make([]vault.Ref, vault.MaxOpen+1)); err == nil {
		t.Error("more than MaxOpen are opened")
	}
}

// A request id may be used with another input before the first decision is on the wall: the digest tells the inputs apart, and to keep one again changes
// nothing.
func TestInputsOfOneDecision(t *testing.T) {
	t.Parallel()
	s := newStore(t, postgrestest.Governance(t), key(1))
	s.run()
	a := s.keeps(tenantA, time.Hour)
	id := uuid.New()
	first := s.keep(tenantA, a, item(id, input(t, 1)))
	second := s.keep(tenantA, a, item(id, input(t, 2)))
	var wait sync.WaitGroup
	for range 50 {
		wait.Go(func() {
			if err := s.Keep(s.as(tenantA), a.Inputs, item(id, input(t, 1))); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	for n, r := range map[int]vault.Ref{1: first, 2: second} {
		if in := s.open(tenantA, r)[id]; in.SHA256() != input(t, n).SHA256() {
			t.Errorf("input %d is %s", n, in.JSON())
		}
	}
	if n := s.count(tenantA, "gov_decision_inputs"); n != 2 {
		t.Errorf("%d rows, want 2", n)
	}
}

// Whoever has the whole database reads neither inputs nor keys, and can exchange neither.
func TestTheDatabaseTellsNothing(t *testing.T) {
	t.Parallel()
	s := newStore(t, postgrestest.Governance(t), key(1))
	s.run()
	a, b := s.keeps(tenantA, time.Hour), s.keeps(tenantB, time.Hour)
	in := input(t, 1)
	one := s.keep(tenantA, a, item(uuid.New(), in))
	two := s.keep(tenantA, a, item(uuid.New(), in))
	s.keep(tenantB, b, item(uuid.New(), in))
	owner := s.db.Admin()
	exec := func(sql string, args ...any) {
		t.Helper()
		if _, err := owner.Exec(t.Context(), sql, args...); err != nil {
			t.Fatal(err)
		}
	}
	var sealed [][]byte
	rows, err := owner.Query(t.Context(), `SELECT sealed FROM gov_decision_inputs`)
	if err != nil {
		t.Fatal(err)
	}
	if sealed, err = pgx.CollectRows(rows, pgx.RowTo[[]byte]); err != nil || len(sealed) != 3 {
		t.Fatalf("%d rows, %v", len(sealed), err)
	}
	for i, row := range sealed {
		if bytes.Contains(row, []byte("Ann")) || i > 0 && bytes.Equal(row[24:], sealed[0][24:]) {
			t.Errorf("row %d: % x", i, row)
		}
	}
	// A row in another decision's place.
	exec(`UPDATE gov_decision_inputs i SET sealed = o.sealed FROM gov_decision_inputs o WHERE i.decision_id = $1 AND o.decision_id = $2`, one.Decision, two.Decision)
	if got := s.open(tenantA, one, two); len(got) != 1 || got[two.Decision].SHA256() != in.SHA256() {
		t.Errorf("after an exchange of rows: %v", got)
	}
	// A key in another tenant's place.
	exec(`UPDATE gov_decision_keys k SET wrapped = o.wrapped FROM gov_decision_keys o
		WHERE k.tenant_id = $1 AND o.tenant_id = $2 AND k.purpose = 'INPUTS' AND o.purpose = 'INPUTS'`, uuid.UUID(tenantA), uuid.UUID(tenantB))
	if got, err := s.Open(s.as(tenantA), []vault.Ref{two}); err == nil {
		t.Errorf("under another tenant's key: %v", got)
	}
}

// Connections that were cut cost no input.
func TestCutConnectionsGoUnnoticed(t *testing.T) {
	t.Parallel()
	s := newStore(t, postgrestest.Governance(t), key(1))
	a := s.keeps(tenantA, time.Hour)
	s.run()
	var idle []*pgxpool.Conn
	for range 4 {
		conn, err := s.db.App.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		idle = append(idle, conn)
	}
	for _, conn := range idle {
		if _, err := s.db.Admin().Exec(t.Context(), `SELECT pg_terminate_backend($1, 10000)`, conn.Conn().PgConn().PID()); err != nil {
			t.Fatal(err)
		}
	}
	for _, conn := range idle {
		conn.Release()
	}
	if err := s.Keep(s.as(tenantA), a.Inputs, item(uuid.New(), input(t, 1))); err != nil {
		t.Errorf("Keep: %v", err)
	}
}

// A store that fails says so to everybody who waits, and is not tried again at once.
func TestFailingStore(t *testing.T) {
	t.Parallel()
	s := newStore(t, postgrestest.Governance(t), key(1))
	a := s.keeps(tenantA, time.Hour)
	if _, err := s.db.Admin().Exec(t.Context(), `ALTER TABLE gov_decision_inputs RENAME TO gone`); err != nil {
		t.Fatal(err)
	}
	s.run()
	if err := s.Keep(s.as(tenantA), a.Inputs, item(uuid.New(), input(t, 1))); err == nil {
		t.Error("kept, although there is no table")
	}
	ended, cancel := context.WithCancel(s.as(tenantA))
	cancel() // it would end the wait for the database, but nobody waits
	err := s.Keep(ended, a.Inputs, item(uuid.New(), input(t, 1)))
	if err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("after a failure: %v, want a refusal at once", err)
	}
	if err := s.Keep(s.as(tenantB), nil, item(uuid.New(), input(t, 1))); err == nil {
		t.Error("kept without a key")
	}
}
