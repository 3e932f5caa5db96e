package evidence

import (
	"context"
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/pkg/auth"
	"github.com/aumos-enterprise/platform/pkg/requestid"
)

func TestEntry(t *testing.T) {
	t.Parallel()
	if _, err := NewEntry(t.Context(), Detection, time.Now(), Resource{}); err == nil {
		t.Error("made an entry without an actor")
	}
	ctx := requestid.NewContext(auth.NewContext(t.Context(), auth.Principal{Subject: "s", Kind: auth.KindService}), "r")
	e, err := NewEntry(ctx, Detection, time.Date(2026, 1, 2, 3, 4, 5, 6000, time.FixedZone("", 3600)), Resource{Type: "detection", ID: uuid.New(), State: map[string]any{"a": 1.5}})
	if err != nil {
		t.Fatal(err)
	}
	e.Details = map[string]any{"names": []any{"x", "y"}, "n": 3.0, "none": nil}
	e.Digests = []Digest{{Name: "result", SHA256: SHA256{1, 2, 255}}}
	if e.Action != "drift.detect" || e.Actor != (Actor{Kind: auth.KindService, ID: "s"}) || e.RequestID != "r" || e.Outcome != Success {
		t.Errorf("got %+v", e)
	}
	payload, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	var got Entry
	if err := json.Unmarshal(payload, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(e, got); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{"", "00", "zz" + string(make([]byte, 62))} {
		if err := new(SHA256).UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q was read as a SHA-256", bad)
		}
	}
	for _, k := range []Kind{ModelRegistered, MonitorCreated, MonitorChanged, BaselineUploaded, BaselineActivated, BaselineRetired, Detection} {
		if k.action() == "drift.unknown" {
			t.Errorf("%s has no action", k)
		}
	}
}

func TestRetryIn(t *testing.T) {
	t.Parallel()
	c := Config{}.withDefaults()
	for range 100 {
		for _, test := range []struct{ age, least, most time.Duration }{
			{0, 750 * time.Millisecond, time.Second},
			{10 * time.Second, 3750 * time.Millisecond, 5 * time.Second},
			{time.Hour, 22500 * time.Millisecond, 30 * time.Second},
			{-time.Second, 750 * time.Millisecond, time.Second}, // clocks
		} {
			if got := c.retryIn(test.age); got < test.least || got > test.most {
				t.Errorf("after %v: got %v, want %v to %v", test.age, got, test.least, test.most)
			}
		}
	}
}

func TestArrivals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newArrivals()
		id := uuid.New()
		early, late := a.expect(id), a.expect(id)
		other := a.expect(uuid.New())
		start := time.Now()
		a.announce(id)
		a.announce(id)
		early.Wait(t.Context(), time.Hour)
		late.Wait(t.Context(), time.Hour)
		if waited := time.Since(start); waited != 0 {
			t.Errorf("waited %v for what was announced", waited)
		}
		other.Wait(t.Context(), time.Second)
		if waited := time.Since(start); waited != time.Second {
			t.Errorf("waited %v for what never came", waited)
		}
		a.announceAll()
		other.Wait(t.Context(), time.Hour)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		other.Wait(ctx, time.Hour)
		if waited := time.Since(start); waited != time.Second {
			t.Errorf("waited %v", waited)
		}
		early.Close()
		late.Close()
		other.Close()
		if len(a.waiting) != 0 {
			t.Errorf("%d waits are kept for ever", len(a.waiting))
		}
	})
}
