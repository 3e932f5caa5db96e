package publish

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/aumos-enterprise/platform/governance/internal/headstore"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

func headOf(t *testing.T, size int64) auditlog.SignedHead {
	t.Helper()
	keys, err := auditlog.ParseSigningKeys(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{1}, ed25519.SeedSize)))
	if err != nil {
		t.Fatal(err)
	}
	c := auditlog.Checkpoint{Origin: "audit.example.com/log/x", Size: size, Root: tlog.RecordHash([]byte{byte(size)})}
	note, ids, err := c.Sign(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return auditlog.SignedHead{Checkpoint: c, Note: note, KeyIDs: ids, SignedTime: time.Date(2026, 1, 1, 0, 0, int(size%60), 0, time.UTC)}
}

// memorySink remembers what it was given. While away is set it refuses; while hold is not nil it takes as long as hold is open.
type memorySink struct {
	name string

	mu    sync.Mutex
	away  error
	hold  chan struct{}
	tries int
	sizes map[tenant.ID][]int64
}

func newMemorySink(name string) *memorySink {
	return &memorySink{name: name, sizes: map[tenant.ID][]int64{}}
}

func (s *memorySink) Name() string { return s.name }

func (s *memorySink) Publish(ctx context.Context, id tenant.ID, head auditlog.SignedHead) error {
	s.mu.Lock()
	s.tries++
	hold, away := s.hold, s.away
	s.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	if away != nil {
		return away
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sizes[id] = append(s.sizes[id], head.Size)
	return nil
}

func (s *memorySink) set(away error, hold chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away, s.hold = away, hold
}

// last returns the sizes of the newest heads that the sink has.
func (s *memorySink) last() map[tenant.ID]int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := map[tenant.ID]int64{}
	for id, sizes := range s.sizes {
		last[id] = sizes[len(sizes)-1]
	}
	return last
}

// running is a publisher in a synctest bubble.
type running struct {
	*Publisher
	stop func()
}

func runPublisher(t *testing.T, store *headstore.Store, sinks ...Sink) *running {
	t.Helper()
	p := NewPublisher(slog.New(slog.DiscardHandler))
	p.Add(sinks...)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.Run(ctx, store)
	}()
	synctest.Wait()
	return &running{Publisher: p, stop: func() { cancel(); <-done }}
}

func newHeadStore(t *testing.T) *headstore.Store {
	t.Helper()
	store, err := headstore.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	return store
}

// TestPublishNewestAfterOutage: while a sink is away, and another one stuck, a third gets everything; when they are back they get the newest head of
// each log, nothing is lost and nothing older is sent.
func TestPublishNewestAfterOutage(t *testing.T) {
	t.Parallel()
	store := newHeadStore(t)
	synctest.Test(t, func(t *testing.T) {
		well, away, stuck := newMemorySink("well"), newMemorySink("away"), newMemorySink("stuck")
		away.set(errors.New("nobody there"), nil)
		hold := make(chan struct{})
		stuck.set(nil, hold)
		p := runPublisher(t, store, well, away, stuck)
		a, b := tenant.ID(uuid.New()), tenant.ID(uuid.New())
		for size := int64(1); size <= 20; size++ {
			p.Offer(a, headOf(t, size))
			p.Offer(b, headOf(t, 2*size))
			synctest.Wait()
			wait(t.Context(), 10*time.Second)
		}
		want := map[tenant.ID]int64{a: 20, b: 40}
		if len(well.sizes[a]) != 20 || !maps.Equal(well.last(), want) {
			t.Errorf("the sink that was there got %v", well.sizes)
		}
		if age := p.feeds[1].oldest(time.Now()); age != 200*time.Second {
			t.Errorf("the sink that was away lacks a head for %v", age)
		}
		// 200 seconds of outage, pauses of 1, 2, 4 … 60 seconds and up to a quarter more: 8 or 9 rounds of 2 logs.
		if away.tries < 15 || away.tries > 18 {
			t.Errorf("%d attempts while the sink was away", away.tries)
		}
		if p.feeds[0].count() != 0 || p.feeds[1].count() != 2 || p.feeds[2].count() != 2 {
			t.Errorf("waiting: %d, %d, %d", p.feeds[0].count(), p.feeds[1].count(), p.feeds[2].count())
		}
		away.set(nil, nil)
		stuck.set(nil, nil)
		close(hold)
		wait(t.Context(), 2*publishRetryMost)
		for _, s := range []*memorySink{away, stuck} {
			if !maps.Equal(s.last(), want) || len(s.sizes[a]) > 2 {
				t.Errorf("the sink %s got %v once it was back", s.name, s.sizes)
			}
		}
		for _, f := range p.feeds {
			if f.count() != 0 || f.oldest(time.Now()) != 0 {
				t.Errorf("%s still waits for %d heads", f.sink.Name(), f.count())
			}
		}
		p.stop()
	})
}

// TestPublishEndsInTime: what waits at the end is tried once more, attempts under way may end, and a sink that hangs holds nothing up for longer
// than publishLast.
func TestPublishEndsInTime(t *testing.T) {
	t.Parallel()
	store := newHeadStore(t)
	synctest.Test(t, func(t *testing.T) {
		slow, away := newMemorySink("slow"), newMemorySink("away")
		hold := make(chan struct{})
		slow.set(nil, hold)
		away.set(errors.New("nobody there"), nil)
		p := runPublisher(t, store, slow, away)
		id := tenant.ID(uuid.New())
		p.Offer(id, headOf(t, 1))
		synctest.Wait()
		p.Offer(id, headOf(t, 2)) // waits behind an attempt, and in a pause
		tries := away.tries
		time.AfterFunc(time.Second, func() { close(hold) })
		begun := time.Now()
		away.set(nil, nil)
		p.stop()
		if took := time.Since(begun); took != time.Second {
			t.Errorf("the end took %v", took)
		}
		if len(slow.sizes[id]) != 2 || slow.sizes[id][1] != 2 || away.last()[id] != 2 || away.tries != tries+1 {
			t.Errorf("got %v and %v, %d more attempts", slow.sizes, away.sizes, away.tries-tries)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		stuck := newMemorySink("stuck")
		stuck.set(nil, make(chan struct{}))
		p := runPublisher(t, store, stuck)
		p.Offer(tenant.ID(uuid.New()), headOf(t, 1))
		synctest.Wait()
		begun := time.Now()
		p.stop()
		if took := time.Since(begun); took > publishLast {
			t.Errorf("the end took %v", took)
		}
	})
}

// TestPublishLastOnFile: the heads on file are offered at the start, whatever a predecessor did with them; a newer one is not undone by them.
func TestPublishLastOnFile(t *testing.T) {
	t.Parallel()
	store := newHeadStore(t)
	var ids []tenant.ID
	want := map[tenant.ID]int64{}
	for i := range int64(40) { // more than are published at once
		id := tenant.ID(uuid.New())
		ids = append(ids, id)
		want[id] = i + 2
		for _, size := range []int64{1, i + 2} {
			if err := store.Add(id, headOf(t, size)); err != nil {
				t.Fatal(err)
			}
		}
	}
	synctest.Test(t, func(t *testing.T) {
		sink := newMemorySink("memory")
		p := runPublisher(t, store, sink)
		synctest.Wait()
		if !maps.Equal(sink.last(), want) {
			t.Errorf("got %v", sink.sizes)
		}
		p.stop()
	})
	f := newFeed(newMemorySink("memory"), slog.New(slog.DiscardHandler))
	f.offer(ids[0], headOf(t, 50), time.Now())
	f.offer(ids[0], headOf(t, 2), time.Now())
	if got := f.unsent[ids[0]].head.Size; got != 50 {
		t.Errorf("the older head of %d entries took the newer's place", got)
	}
}

// TestPublishGivesUpOnAnAbsentSink: a round against a sink that refuses everything ends after some attempts, not after one for each log; one log that
// is refused keeps no other back.
func TestPublishGivesUpOnAnAbsentSink(t *testing.T) {
	t.Parallel()
	sink := newMemorySink("memory")
	sink.set(errors.New("nobody there"), nil)
	f := newFeed(sink, slog.New(slog.DiscardHandler))
	for range 500 {
		f.offer(tenant.ID(uuid.New()), headOf(t, 1), time.Now())
	}
	if f.flush(t.Context()) || sink.tries > 2*publishAtOnce || f.count() != 500 {
		t.Errorf("%d attempts, %d heads wait", sink.tries, f.count())
	}
	refused := tenant.ID(uuid.New())
	picky := pickySink{refused: refused, memorySink: newMemorySink("picky")}
	f = newFeed(picky, slog.New(slog.DiscardHandler))
	f.offer(refused, headOf(t, 1), time.Now())
	for range 500 {
		f.offer(tenant.ID(uuid.New()), headOf(t, 1), time.Now())
	}
	if f.flush(t.Context()) || len(picky.sizes) != 500 || f.count() != 1 || f.failures.Load() != 1 || f.published.Load() != 500 {
		t.Errorf("%d heads taken, %d wait", len(picky.sizes), f.count())
	}
}

// pickySink refuses one log.
type pickySink struct {
	*memorySink
	refused tenant.ID
}

func (s pickySink) Publish(ctx context.Context, id tenant.ID, head auditlog.SignedHead) error {
	if id == s.refused {
		return errors.New("not this one")
	}
	return s.memorySink.Publish(ctx, id, head)
}
