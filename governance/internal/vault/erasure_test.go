package vault_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/vault"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
)

func TestErasure(t *testing.T) {
	t.Parallel()
	s := newStore(t, postgrestest.Governance(t), key(1))
	stop := s.run()
	a, b := s.keeps(tenantA, time.Hour), s.keeps(tenantB, time.Hour)
	var gone []vault.Ref
	for n := range 5 {
		gone = append(gone, s.keep(tenantA, a, item(uuid.New(), input(t, n))))
	}
	stays := s.keep(tenantB, b, item(uuid.New(), input(t, 9)))
	if n := s.erase(tenantA); n != 5 {
		t.Errorf("%d erased, want 5", n)
	}
	if got := s.open(tenantA, gone...); len(got) != 0 {
		t.Errorf("after the erasure: %v", got)
	}
	// A replica that has not heard of the erasure keeps under the new key, also what was kept before.
	again := item(gone[0].Decision, input(t, 0))
	for _, r := range []vault.Ref{s.keep(tenantA, a, again), s.keep(tenantA, a, item(uuid.New(), input(t, 7)))} {
		if got := s.open(tenantA, r); len(got) != 1 {
			t.Errorf("kept after the erasure: %v", got)
		}
	}
	if a.Digest.Sum([]byte("x")) == s.keys(tenantA).Digest.Sum([]byte("x")) {
		t.Error("the digests of before the erasure can still be made")
	}
	stop() // its own pass may be late, and hold what this one would delete
	if err := s.Upkeep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, keys := s.count(tenantA, "gov_decision_inputs"), s.count(tenantA, "gov_decision_keys"); n != 2 || keys != 2 {
		t.Errorf("after the upkeep: %d inputs, %d keys, want 2 and 2", n, keys)
	}
	if got := s.open(tenantB, stays); len(got) != 1 {
		t.Error("another tenant's input is gone")
	}
	if n := s.erase(tenantA); n != 2 {
		t.Errorf("%d erased, want 2", n)
	}
}

// Nothing that an erasure finds being written escapes it: it is counted, or it is written under the new key.
func TestErasureBesideKeeping(t *testing.T) {
	t.Parallel()
	s := newStore(t, postgrestest.Governance(t), key(1))
	s.run()
	a := s.keeps(tenantA, time.Hour)
	const keepers, each = 8, 25
	refs := make(chan vault.Ref)
	for range keepers {
		go func() {
			for n := range each {
				i := item(uuid.New(), input(t, n))
				if err := s.Keep(s.as(tenantA), a.Inputs, i); err != nil { // the key that it has just read may be gone again
					err = s.Keep(s.as(tenantA), a.Inputs, i)
					if err != nil {
						t.Error(err)
					}
				}
				refs <- ref(i)
			}
		}()
	}
	var erased int64
	var all []vault.Ref
	for len(all) < keepers*each {
		if all = append(all, <-refs); len(all)%60 == 0 {
			erased += s.erase(tenantA)
		}
	}
	left := 0
	for chunk := range slices.Chunk(all, vault.MaxOpen) {
		left += len(s.open(tenantA, chunk...))
	}
	if erased == 0 || int64(left)+erased != keepers*each {
		t.Errorf("%d left and %d erased of %d", left, erased, keepers*each)
	}
}

// An erasure needs no key; what it could not make is made by the upkeep.
func TestErasureWithoutWrappingKey(t *testing.T) {
	t.Parallel()
	db := postgrestest.Governance(t)
	s := newStore(t, db, key(1))
	s.keeps(tenantA, time.Hour)
	bare := newStore(t, db, "")
	bare.tx(tenantA, func(ctx context.Context, tx pgx.Tx) error {
		_, err := bare.Erase(ctx, tx)
		return err
	})
	if k := s.keys(tenantA); k.Inputs != nil || k.Digest != nil {
		t.Error("keys are left")
	}
	if err := s.Upkeep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if k := s.keys(tenantA); k.Inputs == nil || k.Digest == nil {
		t.Error("no keys were made")
	}
}
