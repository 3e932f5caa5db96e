package audit

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// retryOverloaded is the advice to callers that the queue turned away: about the time that a full queue takes to drain.
const retryOverloaded = 500 * time.Millisecond

// pending is an append that waits for its answer: entries of one tenant that stand or fall together, one after the other.
type pending struct {
	drafts []*auditlog.Draft // one at least
	bytes  int               // of all of them
	// own marks an entry of the wall's own, which is never turned away. There are few at a time.
	own bool

	// done is closed when positions and err, which the sequencer alone writes, are final.
	done      chan struct{}
	positions []Position
	err       error

	// state is guarded by the queue's mutex.
	state pendingState
}

type pendingState uint8

const (
	waiting pendingState = iota
	taken
	abandoned
)

func newPending(drafts ...*auditlog.Draft) *pending {
	p := &pending{drafts: drafts, done: make(chan struct{})}
	for _, d := range drafts {
		p.bytes += d.Size()
	}
	return p
}

// tenant is the tenant of all its entries.
func (p *pending) tenant() tenant.ID { return p.drafts[0].Entry.TenantID }

func (p *pending) answer(positions []Position, err error) {
	p.positions, p.err = positions, err
	close(p.done)
}

func (p *pending) fail(err error) { p.answer(nil, err) }

// queue holds appends between their callers and the sequencer. It is bounded by the number of entries and by their bytes; an append that is
// larger than that is let in when nothing else waits.
type queue struct {
	maxEntries, maxBytes int
	// wake gets a token when as many entries wait as wakes says.
	wake chan struct{}

	mu      sync.Mutex
	items   []*pending // in the order of arrival
	entries int        // of the items
	bytes   int        // of the items
	wakes   int
	closed  bool
}

func newQueue(maxEntries, maxBytes int) *queue {
	return &queue{maxEntries: maxEntries, maxBytes: maxBytes, wake: make(chan struct{}, 1), wakes: 1}
}

// put adds an append. It fails with OVERLOADED when the queue is full, and with UNAVAILABLE when the wall is closing.
func (q *queue) put(p *pending) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case p.own:
	case q.closed:
		return errs.Down("the audit wall", errClosed)
	case len(q.items) > 0 && (q.entries+len(p.drafts) > q.maxEntries || q.bytes+p.bytes > q.maxBytes):
		return errs.New(errs.ResourceExhausted, errs.ReasonOverloaded, "too many entries wait for the audit wall: retry later").
			With("waiting", strconv.Itoa(q.entries)).After(retryOverloaded)
	}
	q.items = append(q.items, p)
	q.entries += len(p.drafts)
	q.bytes += p.bytes
	q.signal()
	return nil
}

// filled returns a channel that has a token when so many entries wait, and perhaps when they do not.
func (q *queue) filled(entries int) <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.wakes = entries
	q.signal()
	return q.wake
}

func (q *queue) signal() {
	if q.entries < q.wakes {
		return
	}
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// leave gives up an append whose caller does not wait any longer. What the sequencer has taken may yet land.
func (q *queue) leave(p *pending) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if p.state == waiting {
		p.state = abandoned // take skips it
	}
}

// take removes what waits, in order, within the limits of a batch, but one append at least.
func (q *queue) take(maxEntries, maxBytes int) []*pending {
	q.mu.Lock()
	defer q.mu.Unlock()
	var batch []*pending
	n, entries, bytes := 0, 0, 0
	for _, p := range q.items {
		if p.state != abandoned {
			if len(batch) > 0 && (entries+len(p.drafts) > maxEntries || bytes+p.bytes > maxBytes) {
				break
			}
			p.state = taken
			batch = append(batch, p)
			entries += len(p.drafts)
			bytes += p.bytes
		}
		q.entries -= len(p.drafts)
		q.bytes -= p.bytes
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

// len returns how many entries wait.
func (q *queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.entries
}

// wait returns when there may be something to take, or ctx ends, or tick fires.
func (q *queue) wait(ctx context.Context, tick <-chan time.Time) {
	select {
	case <-q.filled(1):
	case <-tick:
	case <-ctx.Done():
	}
}
