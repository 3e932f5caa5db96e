package audit

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

const (
	// maxAttempts bounds the tries of one batch that lose against other replicas.
	maxAttempts = 5
	// maxUnreachable bounds those that fail to reach the database once it is long gone: callers rather hear of it.
	maxUnreachable = 2
	// outlasts is how long a wall that worked tries to reach its database before callers hear of it: connections that were cut, or a server that is short of
	// them for a moment, are no reason to fail decisions that have time.
	outlasts = time.Second
	// retryWait is the longest first wait between tries; it grows with them.
	retryWait = 20 * time.Millisecond
	// probeInterval is how often a wall that is down looks whether its database is back.
	probeInterval = 500 * time.Millisecond
	// lastWords bounds what the sequencer and the signer do after they were told to end, each for itself.
	lastWords = 15 * time.Second
	// staysContended is how many batches a replica goes on taking turns after another replica was seen at work.
	staysContended = 32
)

// sequencer gives entries their positions and writes them. All fields but the queue, the pool, the tails, the state and what is damaged are its goroutine's own.
type sequencer struct {
	cfg     Config
	queue   *queue
	pool    *pgxpool.Pool
	sizes   *sizes
	tails   *tails
	moved   func(tenant.ID) // tells the signer
	metrics *metrics
	log     *slog.Logger

	heads   headCache
	recent  *recentPositions
	encoder encoder
	// contended counts down the batches to be written in turns with other replicas.
	contended int

	// state is nil, or why the wall is down.
	state atomic.Pointer[error]
	// damaged holds the tenants whose logs contradict themselves, so that nothing could be appended.
	damaged sync.Map
}

func newSequencer(
	cfg Config, q *queue, pool *pgxpool.Pool, seen *sizes, moved func(tenant.ID), m *metrics, log *slog.Logger,
) *sequencer {
	return &sequencer{
		cfg: cfg, queue: q, pool: pool, sizes: seen, moved: moved, metrics: m, log: log,
		heads: headCache{}, recent: newRecentPositions(), tails: newTails(tailBytes),
	}
}

// run works until ctx ends, then empties the queue and returns.
func (s *sequencer) run(ctx context.Context) {
	ticker := time.NewTicker(probeInterval)
	defer ticker.Stop()
	detached := context.WithoutCancel(ctx) // no caller's end, nor the service's, cuts a batch short
	for {
		batch := s.queue.take(s.cfg.BatchEntries, s.cfg.BatchBytes)
		switch {
		case len(batch) > 0:
			s.flush(detached, batch)
		case ctx.Err() != nil:
			s.drain(detached)
			return
		default:
			s.queue.wait(ctx, ticker.C)
			s.probe(detached)
		}
	}
}

// drain refuses further appends and writes those that wait, as long as there is time. The others are answered that the wall is unavailable.
func (s *sequencer) drain(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lastWords)
	defer cancel()
	s.queue.close()
	for {
		batch := s.queue.take(s.cfg.BatchEntries, s.cfg.BatchBytes)
		if len(batch) == 0 {
			return
		}
		s.flush(ctx, batch)
	}
}

// flush answers every append of the batch.
func (s *sequencer) flush(ctx context.Context, batch []*pending) {
	for len(batch) > 0 {
		if s.contended > 0 {
			batch = s.flushInTurn(ctx, batch)
		} else {
			batch = s.fly(ctx, batch)
		}
	}
}

// flushInTurn writes a batch while other replicas are at work, too. It returns what is to be written next.
func (s *sequencer) flushInTurn(ctx context.Context, batch []*pending) (rest []*pending) {
	start := time.Now()
	s.metrics.batch.Observe(float64(countEntries(batch)))
	first, repeated, _ := splitRepeated(s.answerRecent(ctx, batch), nil)
	s.write(ctx, first)
	s.metrics.flush.Observe(time.Since(start).Seconds())
	return repeated // what came first under their ids is decided now
}

// splitRepeated takes out appends of which an id comes again within the batch, or is on its way before it.
func splitRepeated(batch []*pending, before *flight) (first, repeated []*pending, ids map[entryKey]struct{}) {
	ids = make(map[entryKey]struct{}, len(batch))
	for _, p := range batch {
		again := slices.ContainsFunc(p.drafts, func(d *auditlog.Draft) bool {
			_, within := ids[keyOf(d)]
			return within || before.has(keyOf(d))
		})
		if again {
			repeated = append(repeated, p)
			continue
		}
		for _, d := range p.drafts {
			ids[keyOf(d)] = struct{}{}
		}
		first = append(first, p)
	}
	return first, repeated, ids
}

// entryKey identifies an entry across tenants.
type entryKey struct {
	tenant tenant.ID
	entry  uuid.UUID
}

func keyOf(d *auditlog.Draft) entryKey { return entryKey{d.Entry.TenantID, d.Entry.EntryID} }

func countEntries(batch []*pending) (n int) {
	for _, p := range batch {
		n += len(p.drafts)
	}
	return n
}

// write writes a batch, or finds that it cannot be written.
func (s *sequencer) write(ctx context.Context, batch []*pending) {
	if len(batch) == 0 {
		return
	}
	batch, err := s.try(ctx, batch, false)
	s.settle(ctx, batch, err)
}

// settle tries a batch again until it is on the wall, or known not to get there. Whatever a failed try left open is looked up, never assumed.
func (s *sequencer) settle(ctx context.Context, batch []*pending, err error) {
	conflicts, unreachable := 0, 0
	outlasted := time.Now().Add(outlasts)
	for attempt := 1; ; attempt++ {
		switch classify(err) {
		case noFailure:
			s.up(ctx)
			return
		case conflict:
			s.metrics.conflicts.Inc()
			conflicts++
		case badEntry:
			s.isolate(ctx, batch, err)
			return
		case unreachableDatabase:
			s.pool.Reset() // after a restart of the server every idle connection is dead
			s.forget()
			unreachable++
		}
		switch {
		case len(batch) == 0:
			return
		case conflicts == maxAttempts || ctx.Err() != nil, unreachable >= maxUnreachable && (s.down() != nil || time.Now().After(outlasted)):
			s.giveUp(ctx, batch, err)
			return
		}
		pause(ctx, min(attempt, maxAttempts))
		batch, err = s.try(ctx, batch, true)
	}
}

// try writes the batch in one transaction. It returns what is still to be answered: careful tries answer entries that are on the wall already.
func (s *sequencer) try(ctx context.Context, batch []*pending, careful bool) ([]*pending, error) {
	if careful || s.contended > 0 {
		return s.tryInTurn(ctx, batch, careful)
	}
	return s.tryAtOnce(ctx, batch)
}

// isolate finds the append that the database refuses: the others of the batch succeed.
func (s *sequencer) isolate(ctx context.Context, batch []*pending, err error) {
	if len(batch) == 1 {
		if errs.ReasonOf(err) == errs.ReasonLogInconsistent {
			s.damaged.Store(batch[0].tenant(), struct{}{})
		}
		s.metrics.poisoned.Add(float64(len(batch[0].drafts)))
		s.log.LogAttrs(ctx, slog.LevelError, "the database refuses an audit entry",
			slog.String("entry_id", batch[0].drafts[0].Entry.EntryID.String()), slog.Int("entries", len(batch[0].drafts)), slog.Any("error", err))
		batch[0].fail(err)
		return
	}
	half := len(batch) / 2
	s.write(ctx, batch[:half])
	s.write(ctx, batch[half:])
}

// giveUp answers a batch that could not be written.
func (s *sequencer) giveUp(ctx context.Context, batch []*pending, err error) {
	if len(batch) == 0 {
		return
	}
	answer := errs.New(errs.Aborted, errs.ReasonConflict, "concurrent appends: send the request again").Because(err)
	if classify(err) == unreachableDatabase {
		answer = errs.Down("the audit wall", err)
		if s.state.Swap(&err) == nil {
			s.log.LogAttrs(ctx, slog.LevelError, "the audit wall is down", slog.Any("error", err))
		}
		s.metrics.ready.Set(0)
	}
	s.metrics.unwritten.Add(float64(countEntries(batch)))
	s.forget()
	for _, p := range batch {
		p.fail(answer)
	}
}

// probe looks whether the database of a wall that is down is back.
func (s *sequencer) probe(ctx context.Context) {
	if s.down() == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, probeInterval)
	defer cancel()
	var writable bool
	err := s.pool.QueryRow(ctx, `SELECT NOT pg_is_in_recovery()`).Scan(&writable)
	if err == nil && writable {
		s.up(ctx)
	}
}

func (s *sequencer) up(ctx context.Context) {
	if s.state.Swap(nil) != nil {
		s.log.LogAttrs(ctx, slog.LevelInfo, "the audit wall is back")
	}
	s.metrics.ready.Set(1)
}

func (s *sequencer) down() error {
	if err := s.state.Load(); err != nil {
		return *err
	}
	return nil
}

// usable fails while the tenant's log is damaged. It looks at a log that was found so again, so that its repair ends the refusal.
func (s *sequencer) usable(ctx context.Context, id tenant.ID) error {
	if _, ok := s.damaged.Load(id); !ok {
		return nil
	}
	if _, err := (headCache{}).refresh(ctx, s.pool, [][16]byte{id}); err != nil {
		return postgres.Translate(err)
	}
	s.damaged.Delete(id)
	return nil
}

// forget drops what is remembered of the database: it may have become another one.
func (s *sequencer) forget() {
	clear(s.heads)
	s.recent = newRecentPositions()
	s.sizes.forget()
	s.tails.forget()
}

// pause waits a random time that grows with the tries, so that replicas do not meet again.
func pause(ctx context.Context, attempt int) {
	timer := time.NewTimer(rand.N(time.Duration(attempt) * retryWait)) // jitter needs no secrecy
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
