package audit

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

const (
	// signAtOnce is how many logs are signed at the same time.
	signAtOnce = 8
	// signTimeout bounds the signing of one log.
	signTimeout = 15 * time.Second
)

// signer signs the heads of logs: those that somebody asks for at once, those that grew every now and then. It works in rounds. Who asks while a
// round is under way is served by the next, whose heads are read after the question, and all who ask for one log share its signature.
type signer struct {
	origin  func(tenant.ID) string
	keys    []auditlog.SigningKey
	pool    *pgxpool.Pool
	heads   *headStore
	metrics *metrics
	log     *slog.Logger
	// publish is told of every newly signed head once it is on disk, several logs' at once. It must not block. It is set before run.
	publish func(tenant.ID, SignedHead)

	// wake holds one token while there are demands.
	wake chan struct{}

	mu      sync.Mutex
	grown   map[tenant.ID]struct{} // logs with entries that this replica has not signed
	demands map[tenant.ID]*demand  // of the next round
	closed  bool
}

// demand is what callers wait for.
type demand struct {
	done chan struct{} // closed when head and err are final
	head SignedHead
	err  error
}

func newSigner(
	origin func(tenant.ID) string, keys []auditlog.SigningKey, pool *pgxpool.Pool, heads *headStore, m *metrics, log *slog.Logger,
) *signer {
	return &signer{
		origin: origin, keys: keys, pool: pool, heads: heads, metrics: m, log: log, publish: func(tenant.ID, SignedHead) {},
		wake: make(chan struct{}, 1), grown: map[tenant.ID]struct{}{}, demands: map[tenant.ID]*demand{},
	}
}

// moved notes that a log grew.
func (s *signer) moved(id tenant.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.grown[id] = struct{}{}
}

// demand returns a signed head that covers everything that was durable when it was called.
func (s *signer) demand(ctx context.Context, id tenant.ID) (SignedHead, error) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return SignedHead{}, errs.Down("the audit wall", errClosed)
	}
	d := s.demands[id]
	if d == nil {
		d = &demand{done: make(chan struct{})}
		s.demands[id] = d
	}
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
	select {
	case <-d.done:
		return d.head, d.err
	case <-ctx.Done():
		return SignedHead{}, context.Cause(ctx)
	}
}

// run works until ctx ends; then it signs a last time what grew, and refuses.
func (s *signer) run(ctx context.Context, interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	detached := context.WithoutCancel(ctx)
	swept := s.sweep(detached)
	for {
		select {
		case <-s.wake:
			s.round(detached, s.take(false))
		case <-ticker.C:
			swept = swept || s.sweep(detached)
			s.round(detached, s.take(true))
		case <-ctx.Done():
			s.mu.Lock()
			s.closed = true
			s.mu.Unlock()
			last, cancel := context.WithTimeout(detached, lastWords)
			defer cancel()
			s.round(last, s.take(true))
			return
		}
	}
}

// take starts a round: all demands and, when asked for, the logs that grew.
func (s *signer) take(grown bool) map[tenant.ID]*demand {
	s.mu.Lock()
	defer s.mu.Unlock()
	round := s.demands
	s.demands = map[tenant.ID]*demand{}
	if grown {
		for id := range s.grown {
			if round[id] == nil {
				round[id] = &demand{done: make(chan struct{})}
			}
		}
	}
	for id := range round {
		delete(s.grown, id) // what is appended from now on counts for the next round
	}
	return round
}

// round signs each log of the round.
func (s *signer) round(ctx context.Context, round map[tenant.ID]*demand) {
	var g errgroup.Group
	g.SetLimit(signAtOnce)
	for id, d := range round {
		g.Go(func() error {
			s.serve(ctx, id, d)
			return nil
		})
	}
	_ = g.Wait() // serve answers through the demand
}

func (s *signer) serve(ctx context.Context, id tenant.ID, d *demand) {
	start := time.Now()
	ctx, cancel := context.WithTimeout(ctx, signTimeout)
	defer cancel()
	d.head, d.err = s.sign(ctx, id)
	if d.err != nil {
		s.metrics.signFailures.Inc()
		level := slog.LevelWarn
		if errs.ReasonOf(d.err) == errs.ReasonLogInconsistent {
			s.metrics.inconsistencies.Inc()
			level = slog.LevelError
		}
		s.log.LogAttrs(ctx, level, "cannot sign audit log", slog.String("tenant_id", id.String()), slog.Any("error", d.err))
		s.moved(id) // an alarm must not fall silent: tried again every time until it is resolved
	}
	s.metrics.sign.Observe(time.Since(start).Seconds())
	close(d.done)
}

// sweep finds the logs whose end differs from the last head in the files: what a predecessor left unsigned, and logs that were cut or dropped.
func (s *signer) sweep(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, signTimeout)
	defer cancel()
	unsigned, err := s.unsigned(ctx)
	if err != nil {
		s.log.LogAttrs(ctx, slog.LevelWarn, "cannot compare the audit logs with their signed heads", slog.Any("error", err))
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.Copy(s.grown, unsigned)
	return true
}
