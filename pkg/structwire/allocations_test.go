//go:build !race

package structwire_test

import (
	"strings"
	"testing"

	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/structwire"
)

// A small message that is sent takes its place in gRPC's list from the heap, and nothing else. Under the race detector, a pool forgets at random what is put
// into it, so that nothing can be counted.
func TestMarshalAllocates(t *testing.T) { //nolint:paralleltest // it counts what the process allocates
	c := structwire.NewCodec()
	m := &governancev1.EvaluateRequest{RequestId: strings.Repeat("x", 500)}
	if got := testing.AllocsPerRun(1000, func() {
		data, err := c.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		data.Free()
	}); got > 1 {
		t.Errorf("%v allocations", got)
	}
}
