//go:build !race

package rego_test

import (
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
)

// TestInputBytes holds down what a question costs in memory, from the wire to what the policy says: the garbage of thousands a second is what callers wait
// for. It runs by itself: tests at the same time would be counted, too. Under the race detector pools forget at random.
func TestInputBytes(t *testing.T) {
	source, err := os.ReadFile("../../../examples/policies/retrain.rego")
	if err != nil {
		t.Fatal(err)
	}
	c, wire := compile(t, string(source)), retrainWire(t)
	ask := func() {
		if answered := rego.Asked(c, readRetrain(t, wire), time.Unix(1_700_000_000, 0)); !answered {
			t.Fatal("topdown was asked")
		}
	}
	const n = 2000
	best := ^uint64(0)
	for range 5 { // a collection empties the pools
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range n {
			ask()
		}
		runtime.ReadMemStats(&after)
		best = min(best, (after.TotalAlloc-before.TotalAlloc)/n)
	}
	if best > 2400 {
		t.Errorf("%d bytes a question, want 2400 at most", best)
	}
	t.Logf("%d bytes a question", best)
}
