package bundleport

import (
	"context"
	"sync"

	"github.com/aumos-enterprise/platform/pkg/tenant"
)

const (
	// maxRequests bounds the requests that are worked on, and tenantShare those of one tenant: slow callers wait for each other and not others for them.
	maxRequests = 128
	tenantShare = 16
)

// places bounds the requests that are worked on.
type places struct {
	overall chan struct{}

	mu    sync.Mutex
	lanes map[tenant.ID]*lane // of the tenants that have requests; guarded by mu
}

type lane struct {
	held chan struct{}
	refs int // requests that hold a place or wait for one; guarded by places.mu
}

func newPlaces() *places {
	return &places{overall: make(chan struct{}, maxRequests), lanes: make(map[tenant.ID]*lane)}
}

// take waits for a place of the tenant's, until ctx ends. The caller leaves it exactly once.
func (p *places) take(ctx context.Context, id tenant.ID) (leave func(), err error) {
	p.mu.Lock()
	l := p.lanes[id]
	if l == nil {
		l = &lane{held: make(chan struct{}, tenantShare)}
		p.lanes[id] = l
	}
	l.refs++
	p.mu.Unlock()
	forget := func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if l.refs--; l.refs == 0 {
			delete(p.lanes, id)
		}
	}
	select {
	case l.held <- struct{}{}:
	case <-ctx.Done():
		forget()
		return nil, context.Cause(ctx)
	}
	select {
	case p.overall <- struct{}{}:
	case <-ctx.Done():
		<-l.held
		forget()
		return nil, context.Cause(ctx)
	}
	return func() {
		<-p.overall
		<-l.held
		forget()
	}, nil
}
