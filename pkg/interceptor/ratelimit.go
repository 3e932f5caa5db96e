package interceptor

import (
	"fmt"
	"math"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"

	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// maxLimiters bounds the tenants whose rate is remembered; the one that called longest ago is forgotten first, and starts with a full bucket again.
const maxLimiters = 10_000

// RateLimit bounds the rpcs that one tenant may start.
type RateLimit struct {
	PerSecond float64 `env:"PER_SECOND" envDefault:"0" help:"Calls per second that one tenant may make, over time; 0: no limit."`
	Burst     int     `env:"BURST" envDefault:"0" help:"Calls that one tenant may make at once; 0: as many as in a second."`
}

// limiter holds one token bucket per tenant.
type limiter struct {
	limit   rate.Limit
	burst   int
	buckets *lru.Cache[tenant.ID, *rate.Limiter]
	now     func() time.Time
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
	buckets, err := lru.New[tenant.ID, *rate.Limiter](maxLimiters)
	if err != nil {
		return nil, err
	}
	return &limiter{limit: rate.Limit(cfg.PerSecond), burst: cfg.Burst, buckets: buckets, now: time.Now}, nil
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

// take takes a token of the tenant's bucket, or returns how long until there is one.
func (l *limiter) take(id tenant.ID) time.Duration {
	bucket, ok := l.buckets.Get(id)
	if !ok {
		bucket = rate.NewLimiter(l.limit, l.burst)
		if earlier, found, _ := l.buckets.PeekOrAdd(id, bucket); found {
			bucket = earlier
		}
	}
	now := l.now()
	r := bucket.ReserveN(now, 1)
	wait := r.DelayFrom(now)
	if wait > 0 {
		r.CancelAt(now)
	}
	return wait
}
