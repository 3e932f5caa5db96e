//go:build !race

package api

import (
	"testing"

	"github.com/aumos-enterprise/platform/governance/internal/decision"
)

// An answer is its messages, in a piece of memory that just fits a size of the heap's, a list of one and three ids. The race detector makes the sizes others.
func TestAnswerAllocates(t *testing.T) { //nolint:paralleltest // it counts what the process allocates
	d := someDecision(1)
	d.Results[0].Violations, d.Results[0].Obligations, d.Resource = nil, nil, decision.Resource{}
	r := testing.Benchmark(func(b *testing.B) { //nolint:thelper // it is the test
		b.ReportAllocs()
		for b.Loop() {
			answerMessage(*d)
		}
	})
	if r.AllocsPerOp() > 5 || r.AllocedBytesPerOp() > 768+8+3*48 {
		t.Errorf("%d bytes in %d allocations", r.AllocedBytesPerOp(), r.AllocsPerOp())
	}
}
