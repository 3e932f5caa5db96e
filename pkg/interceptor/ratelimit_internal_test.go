package interceptor

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/pkg/tenant"
)

func limited(t testing.TB, cfg RateLimit) (l *limiter, pass func(time.Duration)) {
	t.Helper()
	l, err := newLimiter(cfg)
	if err != nil {
		t.Fatal(err)
	}
	now := l.start
	l.now = func() time.Time { return now }
	return l, func(d time.Duration) { now = now.Add(d) }
}

// A burst at once, then calls at the rate; a pause earns no more than a burst.
func TestLimiterKeepsTheRate(t *testing.T) {
	t.Parallel()
	l, pass := limited(t, RateLimit{PerSecond: 10, Burst: 3})
	id := tenant.ID(uuid.New())
	for round := range 3 {
		for i := range 3 {
			if wait := l.take(id); wait != 0 {
				t.Fatalf("round %d: call %d waits %s", round, i, wait)
			}
		}
		if wait := l.take(id); wait != 100*time.Millisecond {
			t.Errorf("round %d: over the burst, %s", round, wait)
		}
		pass(40 * time.Millisecond)
		if wait := l.take(id); wait != 60*time.Millisecond {
			t.Errorf("round %d: too early, %s", round, wait)
		}
		pass(60 * time.Millisecond)
		if wait := l.take(id); wait != 0 {
			t.Errorf("round %d: in time, %s", round, wait)
		}
		pass(time.Hour)
	}
}

// Tenants without number leave bounded memory, and those who have used up their rate are the last to be forgotten.
func TestLimiterForgetsWhoIsQuiet(t *testing.T) {
	t.Parallel()
	l, pass := limited(t, RateLimit{PerSecond: 1, Burst: 2})
	for range 200 * maxShard {
		l.take(tenant.ID(uuid.New()))
	}
	pass(time.Second) // all have room again
	busy := make([]tenant.ID, 200)
	for i := range busy {
		busy[i] = tenant.ID(uuid.New())
		l.take(busy[i])
		l.take(busy[i])
	}
	for range limiterShards * maxShard / 2 {
		l.take(tenant.ID(uuid.New()))
	}
	for _, id := range busy {
		if wait := l.take(id); wait == 0 {
			t.Fatal("who is over the rate was forgotten")
		}
	}
	for i := range l.shards {
		if n := len(l.shards[i].used); n > maxShard {
			t.Errorf("shard %d remembers %d tenants", i, n)
		}
	}
}

func BenchmarkLimiter(b *testing.B) {
	l, err := newLimiter(RateLimit{PerSecond: 1e9})
	if err != nil {
		b.Fatal(err)
	}
	b.RunParallel(func(pb *testing.PB) {
		id := tenant.ID(uuid.New())
		for pb.Next() {
			if wait := l.take(id); wait > 0 {
				b.Error(wait)
			}
		}
	})
}
