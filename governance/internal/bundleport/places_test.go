package bundleport

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// reports are requests of a tenant whose bodies do not come to an end until the test does.
func reports(t *testing.T, h *handler, id tenant.ID, n int) {
	t.Helper()
	ctx, cancel := context.WithCancel(tenant.NewContext(context.Background(), id))
	body, end := io.Pipe()
	var under sync.WaitGroup
	for range n {
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/bundles/x/status", body)
		under.Go(func() { _ = h.status(httptest.NewRecorder(), r) }) // cut short: its error is the point
	}
	t.Cleanup(func() {
		cancel()
		_ = end.CloseWithError(io.ErrUnexpectedEOF)
		under.Wait()
	})
}

// However many slow requests one tenant has under way, others find a place.
func TestSlowRequestsOfOneTenant(t *testing.T) {
	t.Parallel()
	h := &handler{places: newPlaces()}
	slow, other := tenant.ID(uuid.New()), tenant.ID(uuid.New())
	reports(t, h, slow, 2*maxRequests)
	for len(h.places.overall) < tenantShare { // until the slow ones have what they get
		runtime.Gosched()
	}
	var leaves []func()
	for range tenantShare {
		r := httptest.NewRequestWithContext(tenant.NewContext(t.Context(), other), http.MethodGet, "/", http.NoBody)
		_, leave, err := h.enter(r)
		if err != nil {
			t.Fatal(err)
		}
		leaves = append(leaves, leave)
	}
	ctx, cancel := context.WithCancel(tenant.NewContext(t.Context(), other))
	cancel()
	if _, _, err := h.enter(httptest.NewRequestWithContext(ctx, http.MethodGet, "/", http.NoBody)); err == nil {
		t.Error("a tenant has more than its share")
	}
	for _, leave := range leaves {
		leave()
	}
	h.places.mu.Lock()
	defer h.places.mu.Unlock()
	if h.places.lanes[other] != nil {
		t.Error("a tenant without requests is remembered")
	}
}
