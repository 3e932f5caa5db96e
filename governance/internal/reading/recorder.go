// Package reading records who reads the audit trail. It does so by sessions, since an entry for each call would drown the trail in its own readers:
// the first call of somebody appends an entry before it shows anything, and when they have stopped, one more entry says how much they have seen.
//
// A session is of one caller in one tenant, on one replica. An opening entry without a closing one tells of a service that was killed.
package reading

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// Config says when sessions end. Zero values mean the defaults.
type Config struct {
	// Wall takes the entries.
	Wall *audit.Wall
	// IdleAfter is how long a session outlasts its last call; 0: 5 minutes.
	IdleAfter time.Duration
	// MaxAge bounds a session however busy it is; 0: one hour.
	MaxAge time.Duration
	// MaxSessions bounds the sessions: the one longest unused ends when another begins; 0: 4096.
	MaxSessions int
	Log         *slog.Logger
}

// Read is a call that is about to show entries, or what rests on them.
type Read struct {
	// RPC names the call, for example "ListEntries".
	RPC string
	// Filters names the filters that were set; never their values, which may say more than the trail may keep.
	Filters []string
	// Indexes are those of the entries about to be shown. None is a reading too: it tells that nothing is there.
	Indexes []int64
	// Continued marks what a stream shows after its first time, which is no call of its own.
	Continued bool
}

// Recorder holds the sessions.
type Recorder struct {
	cfg Config

	mu       sync.Mutex
	sessions map[key]*session
	order    *list.List            // of the sessions, the longest unused first
	ended    map[*session]struct{} // whose closing entries are not on the wall yet
	closed   bool
}

// key is whose session it is.
type key struct {
	tenant tenant.ID
	actor  auditlog.Actor
}

// New returns a recorder; Run ends its sessions.
func New(cfg Config) *Recorder {
	if cfg.IdleAfter == 0 {
		cfg.IdleAfter = 5 * time.Minute
	}
	if cfg.MaxAge == 0 {
		cfg.MaxAge = time.Hour
	}
	if cfg.MaxSessions == 0 {
		cfg.MaxSessions = 4096
	}
	return &Recorder{cfg: cfg, sessions: map[key]*session{}, order: list.New(), ended: map[*session]struct{}{}}
}

// Note records that the caller in ctx reads the log of the tenant in ctx. It is called before anything is shown: when it fails, nothing may be.
// The first call of a session waits until the session's opening entry is durable; further ones cost no query.
//
// A log that takes no entries any more because it is damaged can still be read, since nobody could look into the damage otherwise; the service's own log
// says so.
func (r *Recorder) Note(ctx context.Context, read Read) error {
	k, err := keyOf(ctx)
	if err != nil {
		return err
	}
	for {
		s, next, err := r.enter(k, read)
		switch {
		case err != nil:
			return err
		case next == counted:
			return nil
		case next == makeRoom:
			if err := r.flush(ctx); err != nil {
				return err
			}
			continue
		case next == open:
			r.open(ctx, s, read)
		}
		select {
		case <-s.opened:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if s.err != nil {
			return s.err
		}
	}
}

func keyOf(ctx context.Context) (key, error) {
	id, ok := tenant.FromContext(ctx)
	if !ok {
		return key{}, errors.New("record reading: no tenant in context")
	}
	actor, err := audit.Caller(ctx)
	if err != nil {
		return key{}, fmt.Errorf("record reading: %w", err)
	}
	return key{id, actor}, nil
}

// step is what a call has to do after it entered.
type step uint8

const (
	counted  step = iota // nothing: it counts in an open session
	wait                 // for another call that opens the session
	open                 // the session that it made
	makeRoom             // for a session of its own
)

// enter finds the caller's session or makes one.
func (r *Recorder) enter(k key, read Read) (*session, step, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.sessions[k]
	switch {
	case r.closed:
		return nil, 0, errs.Down("the record of reading", errStopped)
	case s != nil && s.isOpen():
		s.count(read, time.Now())
		r.order.MoveToBack(s.place)
		return s, counted, nil
	case s != nil:
		return s, wait, nil
	case len(r.sessions)+len(r.ended) >= r.cfg.MaxSessions:
		return nil, makeRoom, r.endOldest()
	}
	s = newSession(k, time.Now())
	s.place = r.order.PushBack(s)
	r.sessions[k] = s
	return s, open, nil
}

// endOldest ends the session that was used least recently, unless some wait to be closed already.
func (r *Recorder) endOldest() error {
	if len(r.ended) > 0 {
		return nil
	}
	for place := r.order.Front(); place != nil; place = place.Next() {
		if s, ok := place.Value.(*session); ok && s.isOpen() {
			r.end(s, forRoom, time.Now())
			return nil
		}
	}
	return errs.New(errs.ResourceExhausted, errs.ReasonOverloaded, "too many begin to read at the same time: retry later").After(time.Second)
}

// end takes a session out of use: flush closes it.
func (r *Recorder) end(s *session, why string, now time.Time) {
	delete(r.sessions, s.key)
	r.order.Remove(s.place)
	s.end(why, now)
	r.ended[s] = struct{}{}
}
