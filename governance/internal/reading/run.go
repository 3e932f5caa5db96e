package reading

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/aumos-enterprise/platform/pkg/errs"
)

const (
	// appendTimeout bounds the wait for one entry of a session.
	appendTimeout = 15 * time.Second
	// lastWords bounds the closing of all sessions when the service stops.
	lastWords = 15 * time.Second
	// closeAtOnce is how many sessions are closed at the same time, so that their entries share batches.
	closeAtOnce = 64
)

// Run ends the sessions whose time is over until ctx ends; then it refuses further readings, ends all sessions and returns. The wall must outlive it.
func (r *Recorder) Run(ctx context.Context) error {
	ticker := time.NewTicker(max(time.Millisecond, min(r.cfg.IdleAfter, r.cfg.MaxAge)/8))
	defer ticker.Stop()
	detached := context.WithoutCancel(ctx)
	for {
		select {
		case now := <-ticker.C:
			r.expire(now)
			if err := r.flush(detached); err != nil {
				r.cfg.Log.LogAttrs(ctx, slog.LevelWarn, "sessions of reading cannot be closed on the audit wall; they are kept", slog.Any("error", err))
			}
		case <-ctx.Done():
			r.stop(detached)
			return nil
		}
	}
}

// expire ends the sessions that are over.
func (r *Recorder) expire(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.sessions {
		switch {
		case !s.isOpen():
		case now.Sub(s.last) >= r.cfg.IdleAfter:
			r.end(s, forIdleness, now)
		case now.Sub(s.begun) >= r.cfg.MaxAge:
			r.end(s, forAge, now)
		}
	}
}

func (r *Recorder) stop(ctx context.Context) {
	r.mu.Lock()
	r.closed = true
	for _, s := range r.sessions {
		if s.isOpen() { // nobody has seen anything in the others
			r.end(s, forShutdown, time.Now())
		}
	}
	r.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, lastWords)
	defer cancel()
	if err := r.flush(ctx); err != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.cfg.Log.LogAttrs(ctx, slog.LevelError, "sessions of reading are left without a closing entry",
			slog.Int("count", len(r.ended)), slog.Any("error", err))
	}
}

// open appends the opening entry and tells all who wait for the session. It does not end with the call that opens it: others may wait, too.
func (r *Recorder) open(ctx context.Context, s *session, read Read) {
	detached, cancel := context.WithTimeout(context.WithoutCancel(ctx), appendTimeout)
	defer cancel()
	_, err := r.cfg.Wall.Append(detached, s.opening(ctx, read))
	if errs.ReasonOf(err) == errs.ReasonLogInconsistent {
		r.cfg.Log.LogAttrs(ctx, slog.LevelError, "a damaged audit log is read, which cannot be recorded on it",
			slog.String("tenant_id", s.key.tenant.String()), slog.String("actor_id", s.key.actor.ID), slog.Any("error", err))
		err = nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	s.err = unanswered(err)
	close(s.opened)
	if s.err != nil {
		delete(r.sessions, s.key)
		r.order.Remove(s.place)
	}
}

// unanswered makes an append that took too long an error for the client.
func unanswered(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return errs.Down("the audit wall", err)
	}
	return err
}

// flush appends the closing entries of the sessions that have ended. It returns why some are left; they are tried again, which the entry's id makes
// harmless.
func (r *Recorder) flush(ctx context.Context) error {
	r.mu.Lock()
	ended := slices.Collect(maps.Keys(r.ended))
	r.mu.Unlock()
	group, ctx := errgroup.WithContext(ctx) // a wall that refuses one entry for now would refuse the others
	group.SetLimit(closeAtOnce)
	for _, s := range ended {
		group.Go(func() error { return r.close(ctx, s) })
	}
	return group.Wait()
}

func (r *Recorder) close(ctx context.Context, s *session) error {
	ctx, cancel := context.WithTimeout(ctx, appendTimeout)
	defer cancel()
	_, err := r.cfg.Wall.Append(ctx, s.closing)
	switch reason := errs.ReasonOf(err); {
	case err == nil:
	case reason == errs.ReasonUnavailable || reason == errs.ReasonOverloaded || reason == errs.ReasonConflict:
		return err
	case ctx.Err() != nil:
		return unanswered(err)
	default: // a damaged log, which takes no entry: its alarm is the signer's
		r.cfg.Log.LogAttrs(ctx, slog.LevelError, "a session of reading is left without a closing entry",
			slog.String("tenant_id", s.key.tenant.String()), slog.String("session", s.id.String()), slog.Any("error", err))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.ended, s)
	return nil
}
