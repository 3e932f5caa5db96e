package sample

import (
	"sync/atomic"
	"time"

	"github.com/aumos-enterprise/platform/pkg/errs"
)

// retryOverloaded is long enough for an upload in progress to end.
const retryOverloaded = 2 * time.Second

// Budget bounds the memory that all uploads of the process hold together. It refuses instead of waiting: uploads that wait for each
// other's memory while holding their own would never end.
type Budget struct {
	limit int64
	used  atomic.Int64
}

// NewBudget returns a budget of so many bytes.
func NewBudget(limit int64) *Budget { return &Budget{limit: limit} }

// Reserve takes n bytes, or fails with OVERLOADED and takes nothing.
func (b *Budget) Reserve(n int64) error {
	for {
		used := b.used.Load()
		if used+n > b.limit {
			return errs.New(errs.ResourceExhausted, errs.ReasonOverloaded, "too much data is being uploaded at once: retry").After(retryOverloaded)
		}
		if b.used.CompareAndSwap(used, used+n) {
			return nil
		}
	}
}

// Release gives n bytes back.
func (b *Budget) Release(n int64) { b.used.Add(-n) }

// Used returns the bytes taken.
func (b *Budget) Used() int64 { return b.used.Load() }
