package api_test

import (
	"context"
	"fmt"
	"runtime"
	"runtime/metrics"
	"slices"
	"sync"
	"testing"
	"time"
)

// watchHeap returns what tells how many bytes the heap had more than now, at most.
func watchHeap(t *testing.T) func() uint64 {
	t.Helper()
	runtime.GC()
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	base, most := sample[0].Value.Uint64(), uint64(0)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			metrics.Read(sample)
			most = max(most, sample[0].Value.Uint64())
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	})
	return func() uint64 {
		cancel()
		wg.Wait()
		return most - min(base, most)
	}
}

// neighbour asks its policy all the time, in another tenant.
type neighbour struct {
	client

	policyID string
	mu       sync.Mutex
	took     []time.Duration // guarded by mu
}

func watchNeighbour(c client) *neighbour {
	c.t.Helper()
	return &neighbour{client: c, policyID: c.active("p", "allow if input.x == 1").GetId()}
}

// next asks once. It is always answered, and by the policy.
func (n *neighbour) next() {
	start := time.Now()
	res, err := n.Evaluate(n.t.Context(), askPolicy(n.policyID, x(1)))
	took := time.Since(start)
	if err != nil || res.GetDecision().GetOutcome() != allow {
		n.t.Errorf("the neighbour got %v, %v", res, err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.took = append(n.took, took)
}

func (n *neighbour) run() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		for ctx.Err() == nil {
			n.next()
		}
	})
	return func() {
		cancel()
		wg.Wait()
	}
}

type spread struct {
	n             int
	p50, p99, max time.Duration
}

func (n *neighbour) take() spread {
	n.mu.Lock()
	defer n.mu.Unlock()
	all := n.took
	n.took = nil
	slices.Sort(all)
	if len(all) == 0 {
		return spread{}
	}
	return spread{len(all), all[len(all)/2], all[len(all)*99/100], all[len(all)-1]}
}

func (s spread) String() string {
	return fmt.Sprintf("n %d p50 %s p99 %s max %s", s.n, s.p50, s.p99, s.max)
}
