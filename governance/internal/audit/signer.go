package audit

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/aumos-enterprise/platform/governance/internal/headstore"
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
	heads   *headstore.Store
	metrics *metrics
	log     *slog.Logger
	// publish is told of every newly signed head once it is on disk, several logs' at once. It must not block. It is set before run.
	publish func(tenant.ID, auditlog.SignedHead)

	// record appends an entry of the wall's own.
	record func(context.Context, auditlog.Entry) (Position, error)
	// announcedKeys returns the newest announcement of a log's keys.
	announcedKeys func(context.Context, tenant.ID) (uuid.UUID, []string, error)

	// announced is whether the platform's log is known to name the present keys. Only one goroutine at a time signs that log.
	announced bool

	// wake holds one token while there are demands.
	wake chan struct{}

	mu      sync.Mutex
	grown   map[tenant.ID]struct{} // logs with entries that this replica has not signed
	demands map[tenant.ID]*demand  // of the next round
	// uncommitted are newly signed heads that the platform's log does not commit to yet, the newest of each log.
	uncommitted map[tenant.ID]auditlog.SignedHead
	closed      bool
}

// demand is what callers wait for.
type demand struct {
	signed chan struct{} // closed when head and err are final
	head   auditlog.SignedHead
	err    error

	commit    bool                // whether somebody waits for the commitment; final once the round has begun
	committed chan struct{}       // closed when the following are final
	platform  auditlog.SignedHead // the platform's head that covers the commitment
	commitErr error
}

func newDemand() *demand { return &demand{signed: make(chan struct{}), committed: make(chan struct{})} }

func newSigner(
	origin func(tenant.ID) string, keys []auditlog.SigningKey, pool *pgxpool.Pool, heads *headstore.Store, m *metrics, log *slog.Logger,
) *signer {
	return &signer{
		origin: origin, keys: keys, pool: pool, heads: heads, metrics: m, log: log, publish: func(tenant.ID, auditlog.SignedHead) {},
		wake: make(chan struct{}, 1), grown: map[tenant.ID]struct{}{}, demands: map[tenant.ID]*demand{}, uncommitted: map[tenant.ID]auditlog.SignedHead{},
	}
}

// moved notes that a log grew.
func (s *signer) moved(id tenant.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.grown[id] = struct{}{}
}

// demand returns a signed head that covers everything that was durable when it was called.
func (s *signer) demand(ctx context.Context, id tenant.ID) (auditlog.SignedHead, error) {
	d, err := s.join(id, false)
	if err != nil {
		return auditlog.SignedHead{}, err
	}
	select {
	case <-d.signed:
		return d.head, d.err
	case <-ctx.Done():
		return auditlog.SignedHead{}, context.Cause(ctx)
	}
}

// committed is demand, and returns once the platform's log commits to the head, with a signed head of that log which covers the commitment.
func (s *signer) committed(ctx context.Context, id tenant.ID) (head, platform auditlog.SignedHead, err error) {
	d, err := s.join(id, true)
	if err != nil {
		return auditlog.SignedHead{}, auditlog.SignedHead{}, err
	}
	select {
	case <-d.committed:
		return d.head, d.platform, d.commitErr
	case <-ctx.Done():
		return auditlog.SignedHead{}, auditlog.SignedHead{}, context.Cause(ctx)
	}
}

// join makes a log part of the next round.
func (s *signer) join(id tenant.ID, commit bool) (*demand, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errs.Down("the audit wall", errClosed)
	}
	d := s.demands[id]
	if d == nil {
		d = newDemand()
		s.demands[id] = d
	}
	d.commit = d.commit || commit
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return d, nil
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
			s.round(detached, s.take(false), false)
		case <-ticker.C:
			swept = swept || s.sweep(detached)
			s.round(detached, s.take(true), true)
		case <-ctx.Done():
			s.mu.Lock()
			s.closed = true
			s.mu.Unlock()
			last, cancel := context.WithTimeout(detached, lastWords)
			defer cancel()
			s.round(last, s.take(true), true)
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
				round[id] = newDemand()
			}
		}
	}
	for id := range round {
		delete(s.grown, id) // what is appended from now on counts for the next round
	}
	return round
}

// round signs each log of the round; then it commits to heads on the platform's log and signs that, last because it grows by the commitments.
func (s *signer) round(ctx context.Context, round map[tenant.ID]*demand, full bool) {
	platform := round[auditlog.PlatformTenant]
	delete(round, auditlog.PlatformTenant)
	s.signAll(ctx, round)
	heads := s.toCommit(round, full)
	failed := s.commit(ctx, heads)
	if platform == nil && len(heads) > len(failed) {
		platform = newDemand()
	}
	if platform != nil {
		s.mu.Lock()
		delete(s.grown, auditlog.PlatformTenant) // the commitments are covered now, not in another round
		s.mu.Unlock()
		s.serve(ctx, auditlog.PlatformTenant, platform)
	}
	for id, d := range round {
		switch {
		case d.err != nil:
			d.commitErr = d.err
		case d.head.Size == 0:
			d.commitErr = errs.ResourceNotFound(auditlog.ResourceLog, id.String())
		case failed[id] != nil:
			d.commitErr = failed[id]
		case platform != nil:
			d.platform, d.commitErr = platform.head, platform.err
		}
		close(d.committed)
	}
}

func (s *signer) signAll(ctx context.Context, round map[tenant.ID]*demand) {
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
	close(d.signed)
}
