package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/pkg/tenant"
	"github.com/aumos-enterprise/platform/pkg/upkeep"
)

const (
	// drainEvery is how often leftovers are looked for.
	drainEvery = 5 * time.Second
	// settling is how long an intent is left to the request that made it.
	settling = 5 * time.Second
)

// Run appends the intents that crashes and outages left, at once and then regularly, until ctx ends. Several replicas may run it: the entry's
// id decides which append counts.
func (r *Recorder) Run(ctx context.Context) error {
	upkeep.Rounds{
		Every: drainEvery, Round: r.Drain, Overdue: r.metrics.overdue, Log: r.log,
		Complaint: "audit intents could not be drained; they are kept",
	}.Run(ctx)
	return nil
}

// Drain tries every leftover intent once, oldest first, and then some of those that have failed before and are due again, so that however many of these
// there are they hold up no other. It fails when the wall or the database does not answer. When it is a tenant's log that takes nothing, the tenant's
// other intents are left for another time, too. At last it measures what is left.
func (r *Recorder) Drain(ctx context.Context) error {
	p := pass{recorder: r, closed: make(map[uuid.UUID]bool)}
	err := p.run(ctx)
	p.report(ctx)
	return errors.Join(err, r.measure(ctx))
}

// pass is one draining.
type pass struct {
	recorder        *Recorder
	closed          map[uuid.UUID]bool // tenants whose logs take nothing for now
	settled, failed int
	first           error // of those that failed
}

func (p *pass) run(ctx context.Context) error {
	again, err := p.recorder.dueAgain(ctx) // now: what fails below has to rest
	if err != nil {
		return err
	}
	var last leftover
	for {
		found, err := p.recorder.untried(ctx, last)
		if err != nil {
			return err
		}
		if err := p.settleAll(ctx, found); err != nil {
			return err
		}
		if len(found) < drainBatch {
			break
		}
		last = found[len(found)-1]
	}
	return p.settleAll(ctx, again)
}

func (p *pass) settleAll(ctx context.Context, found []leftover) error {
	for _, l := range found {
		if p.closed[l.TenantID] {
			continue
		}
		if err := p.settle(tenant.NewContext(ctx, tenant.ID(l.TenantID)), l); err != nil {
			return err
		}
	}
	return nil
}

// settle settles one intent, or puts it off. Its error says that nothing else would succeed either.
func (p *pass) settle(ctx context.Context, l leftover) error {
	due, err := p.recorder.read(ctx, l.EntryID)
	if err != nil {
		return err
	}
	_, err = p.recorder.bring(ctx, due)
	if err == nil {
		p.settled++
		return nil
	}
	reach := reachOf(err)
	if reach == everything {
		return err
	}
	if p.failed++; p.first == nil {
		p.first = fmt.Errorf("tenant %s: %w", tenant.ID(l.TenantID), err)
	}
	p.closed[l.TenantID] = reach == wholeLog
	return p.recorder.putOff(ctx, l.EntryID, reach == itself)
}

func (p *pass) report(ctx context.Context) {
	if p.settled > 0 {
		p.recorder.log.LogAttrs(ctx, slog.LevelInfo, "audit intents drained", slog.Int("count", p.settled))
	}
	if p.failed > 0 {
		p.recorder.log.LogAttrs(ctx, slog.LevelError, "audit intents cannot be settled; they are kept and tried again",
			slog.Int("count", p.failed), slog.Any("first", p.first))
	}
}
