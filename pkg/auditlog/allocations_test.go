//go:build !race

package auditlog_test

import (
	"testing"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
)

// Of a draft that is released, the heap gives the draft alone. Under the race detector, a pool forgets at random what is put into it, so that nothing can
// be counted.
func TestDraftAllocates(t *testing.T) { //nolint:paralleltest // it counts what the process allocates
	e := testEntry(1)
	e.Resource.State, e.Details = nil, nil
	e.Describe = func(o *auditlog.Object) {
		o.Number("number", 1000)
		o.Text("text", "some text")
	}
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
