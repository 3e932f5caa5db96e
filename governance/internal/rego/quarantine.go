package rego

import (
	"sync"
	"time"

	"github.com/google/uuid"
)

// Activation identifies a version and the revision of its policy since which it is active. Activated again later, it starts without a record.
type Activation struct {
	Version  uuid.UUID
	Revision int64
}

// A version is quarantined when it overruns its deadline this often in a row, or this often within the window.
const (
	strikesInARow   = 3
	strikesInWindow = 10
	strikeWindow    = 5 * time.Minute
	maxRecords      = 10_000
)

// quarantine remembers which versions overran. It lives in memory: it ends with the
// process, or when the policy changes, as by activating another version.
type quarantine struct {
	mu      sync.Mutex
	records map[Activation]*record // guarded by mu; versions without a strike have none
	held    int                    // records in quarantine; guarded by mu
}

type record struct {
	inARow int
	times  []time.Time // of the strikes within the window, oldest first
	held   bool
}

func newQuarantine() *quarantine { return &quarantine{records: make(map[Activation]*record)} }

// holds reports whether the version is in quarantine.
func (q *quarantine) holds(a Activation) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	r := q.records[a]
	return r != nil && r.held
}

// strike records an overrun and reports whether it put the version into quarantine.
func (q *quarantine) strike(a Activation, now time.Time) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	r := q.records[a]
	if r == nil {
		q.makeRoom()
		r = &record{}
		q.records[a] = r
	}
	r.inARow++
	for len(r.times) > 0 && now.Sub(r.times[0]) > strikeWindow {
		r.times = r.times[1:]
	}
	r.times = append(r.times, now)
	if r.held || r.inARow < strikesInARow && len(r.times) < strikesInWindow {
		return false
	}
	r.held = true
	q.held++
	return true
}

// pass records an evaluation that ended in time.
func (q *quarantine) pass(a Activation) {
	q.mu.Lock()
	defer q.mu.Unlock()
	r := q.records[a]
	if r == nil || r.held {
		return
	}
	r.inARow = 0
	if len(r.times) == 0 {
		delete(q.records, a)
	}
}

// count returns the number of versions in quarantine.
func (q *quarantine) count() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.held
}

// makeRoom drops a record when there are too many, preferring those that are not in quarantine.
func (q *quarantine) makeRoom() {
	if len(q.records) < maxRecords {
		return
	}
	for a, r := range q.records {
		if !r.held {
			delete(q.records, a)
			return
		}
	}
	for a := range q.records {
		delete(q.records, a)
		q.held--
		return
	}
}
