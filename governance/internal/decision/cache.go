package decision

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/governance/internal/shadow"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// target is what a question is put to, in one tenant.
type target struct {
	tenant tenant.ID
	policy uuid.UUID
	point  string
}

// active is the active version of a policy.
type active struct {
	policyID   uuid.UUID
	policyName string
	tenure     rego.Tenure
	content    [32]byte
	// broken is that the stored modules no longer compile: they give no answer.
	broken bool
	// quarantined is that the version gives no answer until an operator says so, whichever replica it overran on.
	quarantined bool
	shadow      *shadow.Sample // nil when no candidate is tried beside it
}

// resolved is what a target led to when it was read. It is immutable.
type resolved struct {
	policies []active
	// compiled are the policies' versions, nil for broken ones. It is there for those who waited for the read; what is remembered has none, since only
	// [versions] may hold on to them.
	compiled []*rego.Compiled
	inputs   inputs
	read     time.Time
}

// cache remembers what targets lead to. In steady state it alone answers, without a query. It is right because every change of what is active is
// announced: while the announcements cannot be heard ([cache.deafen]) nothing is remembered. As a safety net, what was read long ago is read
// again beside the decisions that go on using it.
//
// It may be used for a limited time after the announcements have last been known to arrive ([cache.extend]): the lease. So nothing is used a lease after it
// was changed, whatever happens to the announcement, and whoever has changed something can wait until it holds on every replica.
//
// Entries of a tenant are dropped together. A read that was under way then may have seen the state before, so its result is used for the
// callers that waited for it, and not remembered.
type cache struct {
	load    func(ctx context.Context, t target) (*resolved, error)
	maxAge  time.Duration
	lease   time.Duration
	refresh chan target // consumed by the decider's Run
	metrics *metrics

	mu      sync.Mutex
	entries *lru.Cache[target, *resolved] // guarded by mu
	flights map[target]*flight            // reads under way that may be remembered; guarded by mu
	hearing bool                          // guarded by mu
	until   time.Time                     // the end of the lease; guarded by mu
	closed  bool                          // guarded by mu
	running sync.WaitGroup                // of reads; Add is guarded by mu
}

// flight is a read under way and those who wait for it.
type flight struct {
	started time.Time
	done    chan struct{}
	result  *resolved
	err     error
}

// loadTimeout bounds a read, which goes on for the others when one caller leaves.
const loadTimeout = 15 * time.Second

func newCache(size int, maxAge, lease time.Duration, m *metrics, load func(context.Context, target) (*resolved, error)) (*cache, error) {
	entries, err := lru.New[target, *resolved](size)
	if err != nil {
		return nil, err
	}
	return &cache{
		load: load, maxAge: maxAge, lease: lease, refresh: make(chan target, 64), metrics: m,
		entries: entries, flights: make(map[target]*flight),
	}, nil
}

// get returns what the target leads to.
func (c *cache) get(ctx context.Context, t target) (*resolved, error) {
	now := time.Now()
	c.mu.Lock()
	if r, ok := c.entries.Get(t); ok && now.Before(c.until) {
		c.mu.Unlock()
		c.metrics.hits.Inc()
		if now.Sub(r.read) > c.maxAge {
			select {
			case c.refresh <- t:
			default: // enough is being read again
			}
		}
		return r, nil
	}
	f, err := c.join(ctx, t)
	c.mu.Unlock()
	if err != nil {
		return nil, err
	}
	c.metrics.misses.Inc()
	return f.wait(ctx)
}

// reload reads the target again.
func (c *cache) reload(ctx context.Context, t target) (*resolved, error) {
	c.mu.Lock()
	f, err := c.join(ctx, t)
	c.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return f.wait(ctx)
}

func (f *flight) wait(ctx context.Context) (*resolved, error) {
	select {
	case <-f.done:
		return f.result, f.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// join returns the read of the target that is under way, or starts one. One that is under way for longer than a lease may miss a change that the caller
// must see. mu is held.
func (c *cache) join(ctx context.Context, t target) (*flight, error) {
	now := time.Now()
	if f := c.flights[t]; f != nil && now.Sub(f.started) < c.lease {
		return f, nil
	}
	if c.closed {
		return nil, errs.Down("the decision service", nil)
	}
	f := &flight{started: now, done: make(chan struct{})}
	c.flights[t] = f
	c.running.Add(1)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadTimeout)
	go func() {
		defer c.running.Done()
		defer cancel()
		f.result, f.err = c.load(ctx, t)
		c.land(t, f)
		close(f.done)
	}()
	return f, nil
}

// land remembers what a read found, unless the tenant's entries were dropped meanwhile.
func (c *cache) land(t target, f *flight) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.flights[t] != f {
		return
	}
	delete(c.flights, t)
	switch {
	case f.err == nil && c.hearing:
		remembered := *f.result
		remembered.compiled = nil
		c.entries.Add(t, &remembered)
	case f.err != nil && errs.ReasonOf(f.err) != errs.ReasonUnavailable && errs.ReasonOf(f.err) != errs.ReasonOverloaded:
		c.entries.Remove(t) // there is nothing there any more
	}
}

// drop forgets what is known of a tenant.
func (c *cache) drop(id tenant.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range c.entries.Keys() {
		if t.tenant == id {
			c.entries.Remove(t)
		}
	}
	for t := range c.flights {
		if t.tenant == id {
			delete(c.flights, t)
		}
	}
}

// hear says that changes made since then are announced, and forgets what was read before.
func (c *cache) hear(since time.Time) { c.reset(true, since.Add(c.lease)) }

// deafen says that announcements can no longer be heard.
func (c *cache) deafen() { c.reset(false, time.Time{}) }

func (c *cache) reset(hearing bool, until time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hearing, c.until = hearing, until
	c.entries.Purge()
	clear(c.flights)
}

// forget forgets everything.
func (c *cache) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries.Purge()
	clear(c.flights)
}

// extend says that every change made before that time was announced and heard.
func (c *cache) extend(heard time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.until = heard.Add(c.lease)
}

// close refuses new reads and waits for those under way.
func (c *cache) close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.running.Wait()
}

// size returns the number of targets that are remembered.
func (c *cache) size() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.entries.Len()
}
