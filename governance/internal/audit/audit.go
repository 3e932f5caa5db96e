// Package audit is the Audit Wall: one append-only Merkle log per tenant, in a database of its own.
//
// Appends of all tenants meet in one queue, which one goroutine, the sequencer, empties: whatever waits becomes one durable transaction. Each row
// holds the entry's bytes, which are the Merkle leaf, and the hashes of the tree nodes that the leaf completes, so that nothing is ever
// updated and a proof is one query. Another goroutine, the signer, signs heads: before it does, it proves from the stored hashes that the log
// still contains the head it signed last, which it keeps in a file outside the database. Reads go through the reader role, under the
// tenant's row-level security.
//
// Several replicas may append to one database. Positions are contiguous and the primary key decides between two replicas; the loser learns of the
// other's progress and tries again.
//
// What entries, checkpoints and receipts look like, and how they are verified, is package auditlog's.
package audit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/aumos-enterprise/platform/governance/internal/headstore"
	"github.com/aumos-enterprise/platform/governance/internal/publish"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

var errClosed = errors.New("the wall is shutting down")

// Position is where an entry stands in its tenant's log.
type Position struct {
	EntryID   uuid.UUID
	LeafIndex int64
	// LeafHash is SHA-256(0x00 ‖ leaf).
	LeafHash [32]byte
}

// Databases are the wall's connections, as its two roles.
type Databases struct {
	// Writer connects as aumos_audit_writer.
	Writer *pgxpool.Pool
	// Reader connects as aumos_audit_reader, to the same server: a standby that lags behind would make whole logs look cut.
	Reader *pgxpool.Pool
}

// Wall appends to the logs, signs their heads and reads them.
type Wall struct {
	cfg       Config
	db        Databases
	queue     *queue
	sequencer *sequencer
	signer    *signer
	heads     *headstore.Store
	publisher *publish.Publisher
	sizes     *sizes
	waits     *waits
	witnesses *witnesses // nil without a policy
	watches   *watches
	growths   growths
	metrics   *metrics
	log       *slog.Logger
}

// New prepares a wall; Run makes it work. It takes HeadsDir for this process alone and waits for a predecessor to let go of it until ctx ends.
// Whether the database is fit to hold a wall is package posture's to say.
func New(ctx context.Context, cfg Config, db Databases, log *slog.Logger) (*Wall, error) {
	cfg = cfg.WithDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	heads, err := headstore.Open(ctx, cfg.HeadsDir)
	if err != nil {
		return nil, fmt.Errorf("audit wall: %w", err)
	}
	keys, err := signingKeys(ctx, cfg, log)
	if err != nil {
		heads.Close()
		return nil, fmt.Errorf("audit wall: %w", err)
	}
	w := &Wall{
		cfg: cfg, db: db, heads: heads,
		queue:     newQueue(cfg.QueueEntries, cfg.QueueBytes),
		sizes:     newSizes(),
		waits:     newWaits(),
		watches:   newWatches(),
		metrics:   newMetrics(),
		publisher: publish.NewPublisher(log),
		log:       log,
	}
	w.metrics.waiting(w.queue.len)
	w.metrics.watching(w.watches.len)
	w.signer = newSigner(w.origin, keys, db.Writer, heads, w.metrics, log)
	w.signer.publish, w.signer.record, w.signer.announcedKeys = w.publisher.Offer, w.record, w.announcedKeys
	w.sequencer = newSequencer(cfg, w.queue, db.Writer, w.sizes, w.moved, w.metrics, log)
	if cfg.WitnessPolicyFile != "" {
		if w.witnesses, err = newWitnesses(w, db.Writer, log); err != nil {
			heads.Close()
			return nil, fmt.Errorf("audit wall: %w", err)
		}
		w.PublishTo(w.witnesses.sinks()...)
	}
	return w, nil
}

// PublishTo adds sinks. Run offers them every head that this replica signs, and at its start the last head of every log, since nobody knows what a
// predecessor got rid of. Sinks are the caller's to close, after Run. It is called before Run and Collectors.
func (w *Wall) PublishTo(sinks ...publish.Sink) { w.publisher.Add(sinks...) }

// Close releases HeadsDir of a wall whose Run was never called.
func (w *Wall) Close() { w.heads.Close() }

// Run appends, signs and publishes until ctx ends. Then it refuses further appends, writes those that wait, signs a last time the logs that grew,
// gives the sinks a last chance to take their heads, and returns. It is called once.
func (w *Wall) Run(ctx context.Context) error {
	defer w.heads.Close()
	defer w.witnesses.close()
	signing, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	lastRound, signed := context.WithCancel(context.WithoutCancel(ctx))
	var g errgroup.Group
	g.Go(func() error {
		defer signed() // only now: the last heads are to be published, too
		w.signer.run(signing, w.cfg.CheckpointInterval)
		return nil
	})
	g.Go(func() error {
		w.publisher.Run(lastRound, w.heads)
		return nil
	})
	g.Go(func() error {
		w.pollWatched(ctx)
		return nil
	})
	w.sequencer.run(ctx)
	stop()                     // only now: the last entries are to be signed, too
	w.sequencer.run(lastRound) // and the last heads to be committed to: from here on the queue takes the wall's own entries alone
	return g.Wait()
}

// Ready returns nil unless the wall failed to reach its database and has not reached it since. What must not happen unrecorded asks first.
func (w *Wall) Ready() error {
	if err := w.sequencer.down(); err != nil {
		return errs.Down("the audit wall", err)
	}
	return nil
}

// ReadyFor is Ready for one tenant: it also fails, with LOG_INCONSISTENT, while that tenant's log is damaged so that an append to it failed.
func (w *Wall) ReadyFor(ctx context.Context, id tenant.ID) error {
	if err := w.Ready(); err != nil {
		return err
	}
	return w.sequencer.usable(ctx, id)
}

// Collectors returns the wall's metrics.
func (w *Wall) Collectors() []prometheus.Collector {
	collectors := append(w.metrics.all(), w.publisher)
	if w.witnesses != nil {
		collectors = append(collectors, w.witnesses)
	}
	return collectors
}

// positionTime returns t as a leaf and a timestamptz can both hold it.
func positionTime(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
