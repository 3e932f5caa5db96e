package shadow

import (
	"time"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/governance/internal/difference"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// What may wait to be asked: of one shadow, so that one that is slow holds up its own questions and not those of others, and of the inputs of all
// together, each counted with what it takes as terms.
const (
	maxWaiting      = 64
	maxWaitingBytes = 2 << 20
	inputCost       = 1 << 10
)

// What may wait to be stored before the questions wait.
const (
	maxPending      = 500
	maxPendingBytes = 4 << 20
)

// Question is a decision that stands on the wall, and what the policy that has a shadow said.
type Question struct {
	Tenant     tenant.ID
	Sample     *Sample
	DecisionID uuid.UUID
	DecideTime time.Time
	Seed       rego.Seed
	Input      rego.Input
	// Masked is the input with null at masked places, as JSON; nil when nothing is masked. The candidate sees this one, as in a replay: what it answers is kept,
	// and nobody needs to have approved of what it says of masked values.
	Masked    []byte
	Resource  Resource
	VersionID uuid.UUID // that answered
	Answer    difference.Answer
}

func (q Question) size() int { return inputCost + len(q.Input.JSON()) + len(q.Masked) }

// lane is what is known of one shadow: the questions that wait, and what was found and is not stored.
type lane struct {
	tenant  tenant.ID
	shadow  uuid.UUID
	waiting []Question
	busy    bool // a worker asks one of its questions: they are asked one after the other
	found   *found
}

// Offer hands over a question. It never waits: when there is no room the decision is counted as skipped.
func (r *Runner) Offer(q Question) {
	r.mu.Lock()
	l := r.lane(q.Tenant, q.Sample.ShadowID)
	if r.closed || len(l.waiting) >= maxWaiting || r.waiting+q.size() > maxWaitingBytes {
		l.found.skipped++
		r.mu.Unlock()
		r.metrics.skipped.Inc()
		return
	}
	if l.waiting = append(l.waiting, q); len(l.waiting) == 1 && !l.busy {
		r.ready = append(r.ready, l)
	}
	r.waiting += q.size()
	r.mu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default: // all are awake
	}
}

// lane returns the shadow's lane. mu is held.
func (r *Runner) lane(id tenant.ID, shadow uuid.UUID) *lane {
	l := r.lanes[shadow]
	if l == nil {
		l = &lane{tenant: id, shadow: shadow, found: &found{}}
		r.lanes[shadow] = l
	}
	return l
}

// next takes the first question of the lane that waits longest.
func (r *Runner) next() (l *lane, q Question, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.ready) == 0 {
		return nil, Question{}, false
	}
	l, r.ready = r.ready[0], r.ready[1:]
	q, l.waiting = l.waiting[0], l.waiting[1:]
	l.busy = true
	r.waiting -= q.size()
	return l, q, true
}

// done counts what became of a question, nil that the candidate was not asked, and lets the lane's next one come.
func (r *Runner) done(l *lane, d *Difference) (pending bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if d == nil {
		l.found.skipped++
	} else {
		before := len(l.found.differences)
		bytes := l.found.bytes
		err = l.found.add(*d)
		r.pending += len(l.found.differences) - before
		r.pendingBytes += l.found.bytes - bytes
	}
	if l.busy = false; len(l.waiting) > 0 {
		r.ready = append(r.ready, l)
	}
	return r.pending >= maxPending || r.pendingBytes >= maxPendingBytes, err
}

// take returns what was found since the last time, and forgets the lanes of shadows of which nothing is heard.
func (r *Runner) take() []*lane {
	r.mu.Lock()
	defer r.mu.Unlock()
	var taken []*lane
	for id, l := range r.lanes {
		if l.found.empty() {
			if len(l.waiting) == 0 && !l.busy {
				delete(r.lanes, id)
			}
			continue
		}
		taken = append(taken, &lane{tenant: l.tenant, shadow: l.shadow, found: l.found})
		l.found = &found{}
	}
	r.pending, r.pendingBytes = 0, 0
	return taken
}

// giveBack keeps what could not be stored.
func (r *Runner) giveBack(taken *lane) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lane(taken.tenant, taken.shadow).found.merge(taken.found)
}

// shut refuses questions, and counts those that wait as skipped.
func (r *Runner) shut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	for _, l := range r.lanes {
		l.found.skipped += int64(len(l.waiting))
		l.waiting = nil
	}
	r.ready, r.waiting = nil, 0
}
