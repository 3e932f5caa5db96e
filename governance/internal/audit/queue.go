package audit

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/errs"
)

// retryOverloaded is the advice to callers that the queue turned away: about the time that a full queue takes to drain.
const retryOverloaded = 500 * time.Millisecond

// pending is an append that waits for its answer.
type pending struct {
	draft *auditlog.Draft

	// done is closed when position and err, which the sequencer alone writes, are final.
	done     chan struct{}
	position Position
	err      error

	// state is guarded by the queue's mutex.
	state pendingState
}

type pendingState uint8

const (
	waiting pendingState = iota
	taken
	abandoned
)

func (p *pending) answer(position Position, err error) {
	p.position, p.err = position, err
	close(p.done)
}

func (p *pending) fail(err error) { p.answer(Position{}, err) }

// queue holds appends between their callers and the sequencer. It is bounded by number and by bytes.
type queue struct {
	maxEntries, maxBytes int
	// wake holds one token while the queue may have something to take.
	wake chan struct{}

	mu     sync.Mutex
	items  []*pending // in the order of arrival
	bytes  int        // of the items
	closed bool
}

func newQueue(maxEntries, maxBytes int) *queue {
	return &queue{maxEntries: maxEntries, maxBytes: maxBytes, wake: make(chan struct{}, 1)}
}

// put adds an append. It fails with OVERLOADED when the queue is full, and with UNAVAILABLE when the wall is closing.
func (q *queue) put(p *pending) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	size := p.draft.Size()
	switch {
	case q.closed:
		return errs.Down("the audit wall", errClosed)
	case len(q.items) >= q.maxEntries || q.bytes+size > q.maxBytes && len(q.items) > 0:
		return errs.New(errs.ResourceExhausted, errs.ReasonOverloaded, "too many entries wait for the audit wall: retry later").
			With("waiting", strconv.Itoa(len(q.items))).After(retryOverloaded)
	}
	q.items = append(q.items, p)
	q.bytes += size
	select {
	case q.wake <- struct{}{}:
	default:
	}
	return nil
}

// leave gives up an append whose caller does not wait any longer. What the sequencer has taken may yet land.
func (q *queue) leave(p *pending) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if p.state == waiting {
		p.state = abandoned // take skips it
	}
}

// take removes what waits, in order, within the limits of a batch, but one entry at least.
func (q *queue) take(maxEntries, maxBytes int) []*pending {
	q.mu.Lock()
	defer q.mu.Unlock()
	var batch []*pending
	n, bytes := 0, 0
	for _, p := range q.items {
		size := p.draft.Size()
		if p.state != abandoned {
			if len(batch) == maxEntries || bytes+size > maxBytes && len(batch) > 0 {
				break
			}
			p.state = taken
			batch = append(batch, p)
			bytes += size
		}
		q.bytes -= size
		n++
	}
	rest := copy(q.items, q.items[n:])
	clear(q.items[rest:])
	q.items = q.items[:rest]
	return batch
}

// close refuses further appends; what waits can still be taken.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
}

// len returns how many appends wait.
func (q *queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.items)
}

// wait returns when there may be something to take, or ctx ends, or tick fires.
func (q *queue) wait(ctx context.Context, tick <-chan time.Time) {
	select {
	case <-q.wake:
	case <-tick:
	case <-ctx.Done():
	}
}
