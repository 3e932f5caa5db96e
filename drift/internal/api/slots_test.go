package api

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// TestSlotsAreShared has one tenant ask for everything, and another one come late.
func TestSlotsAreShared(t *testing.T) {
	t.Parallel()
	greedy, modest := tenant.ID(uuid.New()), tenant.ID(uuid.New())
	for _, n := range []int{1, 2, 4} {
		synctest.Test(t, func(t *testing.T) {
			s := newSlots(n)
			next := make(chan struct{})
			var order []tenant.ID // written by whoever holds the last slot
			running := 0
			run := func(owner tenant.ID) {
				release, err := s.acquire(tenant.NewContext(t.Context(), owner))
				if err != nil {
					t.Error(err)
					return
				}
				order = append(order, owner)
				running++
				<-next
				running--
				release()
			}
			for range 10 {
				go run(greedy)
				synctest.Wait()
			}
			if want := max(n/2, 1); running != want {
				t.Errorf("of %d slots, one tenant has %d", n, running)
			}
			go run(modest)
			synctest.Wait()
			if n > 1 && order[len(order)-1] != modest {
				t.Errorf("of %d slots, none is left for another tenant", n)
			}
			for range 11 {
				next <- struct{}{}
				synctest.Wait()
			}
			if n == 1 && order[1] != modest {
				t.Errorf("tenants do not take turns: %v", order)
			}
			if len(order) != 11 || len(s.lanes) != 0 || len(s.overall) != 0 {
				t.Errorf("%d evaluations, %d lanes and %d slots in use", len(order), len(s.lanes), len(s.overall))
			}
		})
	}
}

// TestSlotsAreGivenUp leaves while waiting for the own tenant, and while waiting for others.
func TestSlotsAreGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first, second := tenant.ID(uuid.New()), tenant.ID(uuid.New())
		s := newSlots(1)
		release, err := s.acquire(tenant.NewContext(t.Context(), first))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		left := errors.New("left")
		for _, owner := range []tenant.ID{first, second} {
			go func() {
				if _, err := s.acquire(tenant.NewContext(ctx, owner)); !errors.Is(err, left) {
					t.Errorf("got %v", err)
				}
			}()
		}
		synctest.Wait()
		cancel(left)
		synctest.Wait()
		release()
		if len(s.lanes) != 0 || len(s.overall) != 0 {
			t.Errorf("%d lanes and %d slots are still in use", len(s.lanes), len(s.overall))
		}
	})
}
