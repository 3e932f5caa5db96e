package publish

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/aumos-enterprise/platform/governance/internal/headstore"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// Sink takes signed heads to where a changed database cannot follow: what was published is what a rewritten history does not match.
type Sink interface {
	// Name is the sink's in metrics and logs, for example "kafka".
	Name() string
	// Publish returns nil once the head is where the sink takes it, for good. Calls for different logs come at the same time, those for one log one
	// after another, with growing heads; heads between two of them may be missing, and the same head may come again. After an error the log's
	// newest head is offered again, until it is taken. A sink that is meant for some logs only answers nil for the others.
	Publish(ctx context.Context, id tenant.ID, head auditlog.SignedHead) error
}

// Publisher gives signed heads to sinks, each at its own pace: a sink that is slow or away holds up neither the signer nor another sink.
type Publisher struct {
	feeds []*feed
	log   *slog.Logger
}

// NewPublisher returns a publisher without sinks.
func NewPublisher(log *slog.Logger) *Publisher { return &Publisher{log: log} }

// Add adds sinks. It is called before Run and Collect.
func (p *Publisher) Add(sinks ...Sink) {
	for _, sink := range sinks {
		p.feeds = append(p.feeds, newFeed(sink, p.log))
	}
}

// Offer notes a head for every sink. It never waits.
func (p *Publisher) Offer(id tenant.ID, head auditlog.SignedHead) {
	for _, f := range p.feeds {
		f.offer(id, head, time.Now())
	}
}

// offerLast offers the heads on file. Which of them cannot be read the signer says, which needs them too.
func (p *Publisher) offerLast(ctx context.Context, heads *headstore.Store) {
	ids, err := heads.Tenants()
	if err != nil {
		p.log.LogAttrs(ctx, slog.LevelWarn, "cannot publish the heads signed before", slog.Any("error", err))
	}
	for _, id := range ids {
		if head, ok, err := heads.Last(id); ok && err == nil {
			p.Offer(id, head)
		}
	}
}

// Run publishes until ctx ends; then the sinks have publishLast for what is left. What they do not take the next process offers.
func (p *Publisher) Run(ctx context.Context, heads *headstore.Store) {
	if len(p.feeds) == 0 {
		return
	}
	sending, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var feeds, limit sync.WaitGroup
	for _, f := range p.feeds {
		feeds.Go(func() { f.run(ctx, sending) })
	}
	limit.Go(func() {
		<-ctx.Done()
		wait(sending, publishLast)
		cancel()
	})
	p.offerLast(ctx, heads)
	feeds.Wait()
	cancel()
	limit.Wait()
}
