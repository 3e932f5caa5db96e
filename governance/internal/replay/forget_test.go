package replay_test

import (
	"errors"
	"testing"

	"github.com/aumos-enterprise/platform/governance/internal/replay"
)

// A worker that has read inputs before they were forgotten writes nothing of them, and the replay comes to its end.
func TestForgetWhileAWorkerIsAtIt(t *testing.T) {
	t.Parallel()
	f := setup(t)
	v := f.denied(tenantA, 1, 4)
	r := f.create(tenantA, v, nil)
	w := f.worker(func(c *replay.Config) { c.Page = 2 })
	goOn, err := w.Die(t.Context(), tenantA, r.ID)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(f.differences(tenantA, r.ID)); n != 2 {
		t.Fatalf("%d differences", n)
	}
	f.tx(tenantA, replay.Forget)
	if err := goOn(); !errors.Is(err, replay.ErrLost) {
		t.Errorf("the worker wrote on: %v", err)
	}
	if n := len(f.differences(tenantA, r.ID)) + len(f.report(tenantA, r.ID).Rules); n != 0 {
		t.Errorf("%d differences and rules are left", n)
	}
	f.drain(f.worker(nil))
	if r = f.get(tenantA, r.ID); r.State != replay.Succeeded || r.Summary.Compared != 4 {
		t.Errorf("got %+v", r)
	}
}
