package interceptor

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

const (
	// limiterShards is how many locks the tenants' rates are spread over.
	limiterShards = 64
	// maxShard bounds the tenants of a shard whose rate is remembered; one that is forgotten too early starts anew.
	maxShard = 256
)

// RateLimit bounds the rpcs that one tenant may start.
type RateLimit struct {
	PerSecond float64 `env:"PER_SECOND" envDefault:"0" help:"Calls per second that one tenant may make, over time; 0: no limit."`
	Burst     int     `env:"BURST" envDefault:"0" help:"Calls that one tenant may make at once; 0: as many as in a second."`
}

// limiter holds each tenant's calls to the rate by the generic cell rate algorithm (ITU-T I.371): all that it keeps of a tenant is when calls at the rate
// would have used up what was taken. Tenants wait for each other only while one of a shard is new.
type limiter struct {
	interval time.Duration // between two calls at the rate
	burst    time.Duration // how far ahead of the rate a tenant may be
	start    time.Time
	now      func() time.Time
	shards   [limiterShards]limiterShard
}

type limiterShard struct {
	mu   sync.RWMutex
	used map[tenant.ID]*atomic.Int64 // until when, in nanoseconds from the limiter's start; guarded by mu
}

// newLimiter returns nil when there is no limit.
func newLimiter(cfg RateLimit) (*limiter, error) {
	switch {
	case cfg.PerSecond == 0:
		return nil, nil // no limiter is a limiter that lets everything through
	case !(cfg.PerSecond > 0) || math.IsInf(cfg.PerSecond, 0) || cfg.Burst < 0:
		return nil, fmt.Errorf("%v calls per second with a burst of %d: neither may be negative", cfg.PerSecond, cfg.Burst)
	case cfg.Burst == 0:
		cfg.Burst = int(math.Ceil(cfg.PerSecond))
	}
	interval := float64(time.Second) / cfg.PerSecond
	if interval*float64(cfg.Burst) > math.MaxInt64/4 {
		return nil, fmt.Errorf("%v calls per second with a burst of %d: a burst must not last for decades", cfg.PerSecond, cfg.Burst)
	}
	l := &limiter{interval: time.Duration(interval), burst: time.Duration(interval * float64(cfg.Burst)), start: time.Now(), now: time.Now}
	for i := range l.shards {
		l.shards[i].used = make(map[tenant.ID]*atomic.Int64)
	}
	return l, nil
}

// limit refuses a call over its tenant's rate and says when the next one would be let through.
func (c *Chain) limit(call *call) error {
	if c.limiter == nil {
		return nil
	}
	if wait := c.limiter.take(call.tenant); wait > 0 {
		return errs.New(errs.ResourceExhausted, errs.ReasonOverloaded, "the tenant's calls are over its rate: retry later").After(wait)
	}
	return nil
}

// take counts a call of the tenant's, or returns how long until there is room for one. A call that is refused does not count.
func (l *limiter) take(id tenant.ID) time.Duration {
	now := int64(l.now().Sub(l.start))
	used := l.shards[id[len(id)-1]%limiterShards].of(id, now)
	for {
		before := used.Load()
		after := max(before, now) + int64(l.interval)
		if wait := after - now - int64(l.burst); wait > 0 {
			return time.Duration(wait)
		}
		if used.CompareAndSwap(before, after) {
			return 0
		}
	}
}

// of returns what the tenant has used. In a full shard it forgets those who have nothing used any more, which changes nothing for them, or else anyone.
func (s *limiterShard) of(id tenant.ID, now int64) *atomic.Int64 {
	s.mu.RLock()
	used := s.used[id]
	s.mu.RUnlock()
	if used != nil {
		return used
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if used := s.used[id]; used != nil {
		return used
	}
	if len(s.used) >= maxShard {
		for other, used := range s.used {
			if used.Load() <= now {
				delete(s.used, other)
			}
		}
	}
	for other := range s.used {
		if len(s.used) < maxShard {
			break
		}
		delete(s.used, other)
	}
	used = new(atomic.Int64)
	s.used[id] = used
	return used
}
