package rego

import (
	"context"
	"sync"
	"time"

	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// maxWaiting bounds the callers of one tenant that wait for a slot.
const maxWaiting = 1024

// slots bounds how many goroutines work, overall and for each tenant. A goroutine that nobody waits for any more keeps its slot until it
// ends, so that a tenant whose policies do not come to an end runs out of its own slots and takes nothing from others.
type slots struct {
	overall   chan struct{}
	perTenant int

	mu     sync.Mutex
	lanes  map[tenant.ID]*lane // of the tenants that hold or wait for a slot; guarded by mu
	spare  *lane               // of a tenant that has left; guarded by mu
	held   int                 // slots held; guarded by mu
	joined int                 // holders and waiters; guarded by mu
	closed bool                // guarded by mu
	idle   chan struct{}       // closed when closed and joined is 0
}

type lane struct {
	held chan struct{}
	refs int // holders and waiters; guarded by slots.mu
}

func newSlots(overall, perTenant int) *slots {
	return &slots{
		overall:   make(chan struct{}, overall),
		perTenant: perTenant,
		lanes:     make(map[tenant.ID]*lane),
		idle:      make(chan struct{}),
	}
}

// slot is one that is held. Whoever holds it calls release exactly once.
type slot struct {
	slots *slots
	id    tenant.ID
	lane  *lane
}

func (s slot) release() {
	<-s.slots.overall
	<-s.lane.held
	s.slots.leave(s.id, s.lane, 1)
}

// acquire waits for a slot until the timeout fires or ctx ends.
func (s *slots) acquire(ctx context.Context, id tenant.ID, timeout <-chan time.Time) (slot, error) {
	l, err := s.join(id)
	if err != nil {
		return slot{}, err
	}
	for _, sem := range []chan struct{}{l.held, s.overall} {
		select {
		case sem <- struct{}{}:
			continue
		default:
		}
		select {
		case sem <- struct{}{}:
			continue
		case <-timeout:
			err = overloaded()
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
		if sem == s.overall {
			<-l.held
		}
		s.leave(id, l, 0)
		return slot{}, err
	}
	s.mu.Lock()
	s.held++
	s.mu.Unlock()
	return slot{s, id, l}, nil
}

func (s *slots) join(id tenant.ID) (*lane, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errs.Down("the policy engine", nil)
	}
	l := s.lanes[id]
	if l == nil {
		if l, s.spare = s.spare, nil; l == nil {
			l = &lane{held: make(chan struct{}, s.perTenant)}
		}
		s.lanes[id] = l
	}
	if l.refs >= s.perTenant+maxWaiting {
		return nil, overloaded()
	}
	l.refs++
	s.joined++
	return l, nil
}

func (s *slots) leave(id tenant.ID, l *lane, released int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held -= released
	s.joined--
	if l.refs--; l.refs == 0 {
		delete(s.lanes, id)
		s.spare = l // nothing is in it
	}
	s.closeIfIdle()
}

func (s *slots) closeIfIdle() {
	if s.closed && s.joined == 0 {
		select {
		case <-s.idle:
		default:
			close(s.idle)
		}
	}
}

// inUse returns the number of slots held.
func (s *slots) inUse() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held
}

// close refuses new callers and waits for the goroutines that work until ctx ends; it returns how many are left.
func (s *slots) close(ctx context.Context) int {
	s.mu.Lock()
	s.closed = true
	s.closeIfIdle()
	s.mu.Unlock()
	select {
	case <-s.idle:
		return 0
	case <-ctx.Done():
		return s.inUse()
	}
}

func overloaded() *errs.Error {
	return errs.New(errs.ResourceExhausted, errs.ReasonOverloaded, "the tenant's policies use up their share of the engine: retry later").
		After(time.Second)
}
