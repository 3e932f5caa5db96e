package sample

import (
	"sync"
	"time"

	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// retryOverloaded is long enough for an upload in progress to end.
const retryOverloaded = 2 * time.Second

// Budget bounds the memory that all uploads of the process hold together, and those of one tenant to half of it: nobody can keep the others out
// by uploads that never end. It refuses instead of waiting: uploads that wait for each other's memory while holding their own would never end.
type Budget struct {
	limit int64

	mu       sync.Mutex // guards what follows
	used     int64
	byTenant map[tenant.ID]int64
}

// NewBudget returns a budget of so many bytes.
func NewBudget(limit int64) *Budget {
	return &Budget{limit: limit, byTenant: make(map[tenant.ID]int64)}
}

// Reserve takes n bytes for the tenant, or fails with OVERLOADED and takes nothing.
func (b *Budget) Reserve(owner tenant.ID, n int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.byTenant[owner]+n > b.limit/2:
		return overloaded("the tenant uploads too much data at once: retry")
	case b.used+n > b.limit:
		return overloaded("too much data is being uploaded at once: retry")
	}
	b.used += n
	b.byTenant[owner] += n
	return nil
}

// Release gives n of the tenant's bytes back.
func (b *Budget) Release(owner tenant.ID, n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used -= n
	if b.byTenant[owner] -= n; b.byTenant[owner] == 0 {
		delete(b.byTenant, owner)
	}
}

// Used returns the bytes taken.
func (b *Budget) Used() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used
}

func overloaded(text string) error {
	return errs.New(errs.ResourceExhausted, errs.ReasonOverloaded, "%s", text).After(retryOverloaded)
}
