//go:build !race

package auditlog_test

import (
	"testing"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
)

// Of a draft that is released, the heap gives the draft alone. Under the race detector, a pool forgets at random what is put into it, so that nothing can
// be counted.
func TestDraftAllocates(t *testing.T) { //nolint:paralleltest // it counts what the process allocates
	e := described(1, 700)
	e.Resource.State = nil
	e.Describe = func(o *auditlog.Object) { o.Text("text", "some text") }
	if got := testing.AllocsPerRun(1000, func() {
		d, err := auditlog.NewDraft(e)
		if err != nil {
			t.Fatal(err)
		}
		d.Release()
	}); got > 1 {
		t.Errorf("%v allocations", got)
	}
}
