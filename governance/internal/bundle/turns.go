package bundle

import (
	"context"
	"sync"

	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// turns let few bundles be made at the same time, and one of each tenant: who comes second finds it made.
type turns struct {
	slots chan struct{}

	mu     sync.Mutex
	queues map[tenant.ID]*queue // guarded by mu
}

// queue is of one tenant.
type queue struct {
	turn    chan struct{} // filled while one of them works
	waiting int           // how many have it, the one at work too; guarded by turns.mu
}

func newTurns(n int) *turns {
	return &turns{slots: make(chan struct{}, n), queues: make(map[tenant.ID]*queue)}
}

// take waits for the tenant's turn and for a slot. done ends both.
func (t *turns) take(ctx context.Context, id tenant.ID) (done func(), err error) {
	t.mu.Lock()
	q := t.queues[id]
	if q == nil {
		q = &queue{turn: make(chan struct{}, 1)}
		t.queues[id] = q
	}
	q.waiting++
	t.mu.Unlock()
	leave := func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if q.waiting--; q.waiting == 0 {
			delete(t.queues, id)
		}
	}
	select {
	case q.turn <- struct{}{}:
	case <-ctx.Done():
		leave()
		return nil, context.Cause(ctx)
	}
	select {
	case t.slots <- struct{}{}:
	case <-ctx.Done():
		<-q.turn
		leave()
		return nil, context.Cause(ctx)
	}
	return func() {
		<-t.slots
		<-q.turn
		leave()
	}, nil
}
