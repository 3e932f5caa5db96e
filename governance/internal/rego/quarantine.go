package rego

import (
	"sync"
	"time"

	"github.com/google/uuid"
)

// Tenure is a version's time since its quarantine was lifted for the last time, or all of it. Overruns count within one: with every lift another begins,
// without a record.
type Tenure struct {
	Version uuid.UUID
	Lifts   int64 // how often its quarantine was lifted
}

// A version is quarantined when it overruns its deadline this often in a row, or this often within the window.
const (
	strikesInARow   = 3
	strikesInWindow = 10
	strikeWindow    = 5 * time.Minute
	maxRecords      = 10_000
)

// quarantine remembers which versions overran here. It holds a version back from the overrun that was one too many, and until it is asked about the
// version as it is after a lift. That the quarantine is kept, and holds on other replicas, is the business of who hears of it.
type quarantine struct {
	mu      sync.Mutex
	records map[uuid.UUID]*record // by version; guarded by mu; versions without a strike have none
	held    int                   // records in quarantine; guarded by mu
}

type record struct {
	lifts    int64 // of the tenure that it is about
	inARow   int
	overruns int         // all of them
	times    []time.Time // of the strikes within the window, oldest first
	held     bool
}

func newQuarantine() *quarantine { return &quarantine{records: make(map[uuid.UUID]*record)} }

// find returns the record of the tenure, or nil. The record of one before ends; past says that the tenure itself is over. mu is held.
func (q *quarantine) find(t Tenure) (r *record, past bool) {
	r = q.records[t.Version]
	if r == nil || r.lifts == t.Lifts {
		return r, false
	}
	if r.lifts > t.Lifts {
		return nil, true
	}
	q.remove(t.Version, r)
	return nil, false
}

func (q *quarantine) remove(version uuid.UUID, r *record) {
	if r.held {
		q.held--
	}
	delete(q.records, version)
}

// holds reports whether the version is in quarantine.
func (q *quarantine) holds(t Tenure) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	r, _ := q.find(t)
	return r != nil && r.held
}

// strike records an overrun and reports whether it put the version into quarantine, and after how many.
func (q *quarantine) strike(t Tenure, now time.Time) (overruns int, quarantined bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	r, past := q.find(t)
	if past {
		return 0, false
	}
	if r == nil {
		q.makeRoom()
		r = &record{lifts: t.Lifts}
		q.records[t.Version] = r
	}
	r.inARow++
	r.overruns++
	for len(r.times) > 0 && now.Sub(r.times[0]) > strikeWindow {
		r.times = r.times[1:]
	}
	r.times = append(r.times, now)
	if r.held || r.inARow < strikesInARow && len(r.times) < strikesInWindow {
		return r.overruns, false
	}
	r.held = true
	q.held++
	return r.overruns, true
}

// pass records an evaluation that ended in time.
func (q *quarantine) pass(t Tenure) {
	q.mu.Lock()
	defer q.mu.Unlock()
	r, _ := q.find(t)
	if r == nil || r.held {
		return
	}
	r.inARow = 0
	if len(r.times) == 0 {
		delete(q.records, t.Version)
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
	for version, r := range q.records {
		if !r.held {
			q.remove(version, r)
			return
		}
	}
	for version, r := range q.records {
		q.remove(version, r)
		return
	}
}
