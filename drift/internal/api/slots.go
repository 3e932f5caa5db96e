package api

import (
	"context"
	"sync"
	"time"

	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// slots bound how many calls work at the same time, overall, and for each tenant to half of that: whoever asks for a thousand evaluations waits
// for its own, and the others find a slot. Where there is a single slot, tenants take turns.
type slots struct {
	overall   chan struct{} // an element for each slot in use; those that wait are served in order
	perTenant int

	mu    sync.Mutex
	lanes map[tenant.ID]*lane // of the tenants that hold or wait for a slot; guarded by mu
}

// lane is a tenant's share.
type lane struct {
	held  chan struct{}
	users int // holders and waiters; guarded by slots.mu
}

func newSlots(n int) *slots {
	n = max(n, 1)
	return &slots{overall: make(chan struct{}, n), perTenant: max(n/2, 1), lanes: make(map[tenant.ID]*lane)}
}

// acquire waits for a slot of the tenant of ctx as long as that lasts. release must be called once.
func (s *slots) acquire(ctx context.Context) (release func(), err error) {
	owner, _ := tenant.FromContext(ctx)
	l := s.join(owner)
	select {
	case l.held <- struct{}{}:
	case <-ctx.Done():
		s.leave(owner, l)
		return nil, context.Cause(ctx)
	}
	select {
	case s.overall <- struct{}{}:
	case <-ctx.Done():
		<-l.held
		s.leave(owner, l)
		return nil, context.Cause(ctx)
	}
	return func() {
		<-s.overall
		<-l.held
		s.leave(owner, l)
	}, nil
}

func (s *slots) join(owner tenant.ID) *lane {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.lanes[owner]
	if l == nil {
		l = &lane{held: make(chan struct{}, s.perTenant)}
		s.lanes[owner] = l
	}
	l.users++
	return l
}

func (s *slots) leave(owner tenant.ID, l *lane) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.users--; l.users == 0 {
		delete(s.lanes, owner)
	}
}

// evaluate runs work, which needs a CPU, in one of the slots. It waits for a slot as long as ctx lasts. The context of work also ends when the time
// that one evaluation may take is over: a request of a few bytes can ask for hours, and its client may never give up.
func (s *service) evaluate(ctx context.Context, work func(ctx context.Context) error) error {
	release, err := s.slots.acquire(ctx)
	if err != nil {
		return err
	}
	defer release()
	start := time.Now()
	defer func() { s.metrics.evaluation.Observe(time.Since(start).Seconds()) }()
	limited, cancel := context.WithTimeout(ctx, s.EvaluationTime)
	defer cancel()
	err = work(limited)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		limit := s.EvaluationTime.String()
		return errs.New(errs.InvalidArgument, errs.ReasonDataTooLarge, "the evaluation takes longer than %s: ask for fewer tests or permutations, or send fewer rows or features", limit).
			With("limit", limit)
	}
	return err
}
