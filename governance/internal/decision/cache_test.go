package decision

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// source is what a cache under test reads from.
type source struct {
	*cache
	loads atomic.Int32
	gate  chan struct{} // when set, reads wait at it
	fail  error
}

func newSource(t *testing.T, maxAge time.Duration) *source {
	t.Helper()
	s := &source{}
	var err error
	s.cache, err = newCache(100, maxAge, time.Hour, newMetrics(), func(_ context.Context, target target) (*resolved, error) {
		n := s.loads.Add(1)
		if s.gate != nil {
			<-s.gate
		}
		return &resolved{policies: []active{{policyName: target.point, policyID: uuid.UUID{byte(n)}}}, read: time.Now()}, s.fail
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// must returns the number of the read whose result the target has.
func (s *source) must(t *testing.T, target target) byte {
	t.Helper()
	r, err := s.get(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	return r.policies[0].policyID[0]
}

var (
	here  = target{tenant: tenant.ID{1}, point: "p"}
	other = target{tenant: tenant.ID{2}, point: "p"}
)

func TestCacheRemembersWhileItHears(t *testing.T) {
	t.Parallel()
	s := newSource(t, time.Hour)
	if a, b := s.must(t, here), s.must(t, here); a != 1 || b != 2 {
		t.Errorf("deaf: reads %d and %d, want one for each question", a, b)
	}
	s.hear(time.Now())
	if a, b := s.must(t, here), s.must(t, here); a != 3 || b != 3 {
		t.Errorf("hearing: reads %d and %d, want one", a, b)
	}
	if n := s.must(t, other); n != 4 {
		t.Errorf("another tenant has read %d", n)
	}
	s.drop(here.tenant)
	if a, b := s.must(t, here), s.must(t, other); a != 5 || b != 4 {
		t.Errorf("after a change: reads %d and %d, want a new one for the tenant alone", a, b)
	}
	s.deafen()
	if a, b := s.must(t, here), s.must(t, here); a != 6 || b != 7 {
		t.Errorf("deaf again: reads %d and %d", a, b)
	}
}

func TestCacheReadsOnceForAll(t *testing.T) {
	t.Parallel()
	s := newSource(t, time.Hour)
	s.hear(time.Now())
	s.gate = make(chan struct{})
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			if _, err := s.get(t.Context(), here); err != nil {
				t.Error(err)
			}
		})
	}
	impatient, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.get(impatient, here); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller that left: %v", err)
	}
	close(s.gate)
	wg.Wait()
	if n := s.loads.Load(); n != 1 {
		t.Errorf("%d reads, want 1", n)
	}
}

// A read that began before a change must not be remembered after it.
func TestCacheForgetsReadsUnderWay(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*source){
		"changed": func(s *source) { s.drop(here.tenant) },
		"reset":   func(s *source) { s.hear(time.Now()) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSource(t, time.Hour)
			s.hear(time.Now())
			s.gate = make(chan struct{})
			first := make(chan byte, 1)
			go func() { first <- s.must(t, here) }()
			for s.loads.Load() == 0 {
				runtime.Gosched()
			}
			change(s)
			second := make(chan byte, 1)
			go func() { second <- s.must(t, here) }() // must not join the read that began before
			for s.loads.Load() == 1 {
				runtime.Gosched()
			}
			close(s.gate)
			if a, b := <-first, <-second; a == b {
				t.Errorf("both have read %d", a)
			}
			if n := s.must(t, here); n != 2 {
				t.Errorf("read %d is remembered, want the second", n)
			}
		})
	}
}

func TestCacheErrors(t *testing.T) {
	t.Parallel()
	s := newSource(t, 0) // everything is old at once
	s.hear(time.Now())
	s.must(t, here)
	s.fail = errs.Down("the database", nil)
	if _, err := s.reload(t.Context(), here); errs.ReasonOf(err) != errs.ReasonUnavailable {
		t.Errorf("reload: %v", err)
	}
	if n := s.must(t, here); n != 1 {
		t.Errorf("read %d, want what was there before the database went away", n)
	}
	select {
	case got := <-s.refresh:
		if got != here {
			t.Errorf("refresh of %v", got)
		}
	default:
		t.Error("an old entry is not read again")
	}
	s.fail = errs.ResourceNotFound("policy", "x")
	if _, err := s.reload(t.Context(), here); errs.ReasonOf(err) != errs.ReasonNotFound {
		t.Errorf("reload: %v", err)
	}
	if n := s.size(); n != 0 {
		t.Errorf("%d entries for what does not exist", n)
	}
	s.close()
	if _, err := s.get(t.Context(), here); errs.ReasonOf(err) != errs.ReasonUnavailable {
		t.Errorf("closed: %v", err)
	}
}

// Nothing is used after its lease, and no read is shared that may have begun before a change that the caller must see.
func TestCacheUsesNothingAfterItsLease(t *testing.T) {
	t.Parallel()
	s := newSource(t, time.Hour)
	s.hear(time.Now())
	if a, b := s.must(t, here), s.must(t, here); a != 1 || b != 1 {
		t.Errorf("within the lease: reads %d and %d, want one", a, b)
	}
	s.extend(time.Now().Add(-2 * s.lease)) // the last proof of hearing is long ago
	if a, b := s.must(t, here), s.must(t, here); a != 2 || b != 3 {
		t.Errorf("after the lease: reads %d and %d, want one for each question", a, b)
	}
	s.extend(time.Now())
	if n := s.must(t, here); n != 3 {
		t.Errorf("with a new lease: read %d, want what was read last", n)
	}

	slow := newSource(t, time.Hour)
	slow.lease, slow.gate = time.Nanosecond, make(chan struct{})
	answers := make(chan byte, 2)
	for n := range int32(2) {
		go func() { answers <- slow.must(t, here) }()
		for slow.loads.Load() <= n { // the second question comes when the first one's read is older than a lease
			runtime.Gosched()
		}
	}
	close(slow.gate)
	if a, b := <-answers, <-answers; a == b {
		t.Errorf("both questions share read %d", a)
	}
}
