package headroom

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
)

func TestPercentFor(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		headroom, used uint64
		want           int
	}{
		"a small heap gets room":         {256 << 20, 32 << 20, 800},
		"a large one doubles":            {256 << 20, 1 << 30, 100},
		"as much as the headroom":        {256 << 20, 256 << 20, 100},
		"nothing is known before":        {256 << 20, 0, 6400},
		"next to nothing counts as 4 MB": {256 << 20, 1 << 10, 6400},
		"a lot of room is still bound":   {1 << 40, 1 << 10, 100_000},
	} {
		if got := percentFor(tc.headroom, tc.used); got != tc.want {
			t.Errorf("%s: %d %%, want %d", name, got, tc.want)
		}
	}
}

// The collector runs less often while the headroom is kept, and goes on doing so after collections.
func TestKeep(t *testing.T) { // not parallel: the collector belongs to the process
	t.Setenv("GOGC", "")
	without := collections(512 << 20)
	stop := Keep(Config{GCHeadroom: 128 << 20})
	runtime.GC()
	runtime.GC() // cleanups of the first have been queued
	with := collections(512 << 20)
	stop()
	if restored := debug.SetGCPercent(defaultPercent); restored != defaultPercent {
		t.Errorf("%d %% afterwards", restored)
	}
	if 2*with > without {
		t.Errorf("%d collections with the headroom, %d without", with, without)
	}
}

// The room is what was asked for, however little is in use: the collector's goal is also a percentage of stacks and globals, and never of less than 4 MB.
func TestKeepIsBounded(t *testing.T) { // not parallel: the collector belongs to the process
	t.Setenv("GOGC", "")
	stop := Keep(Config{GCHeadroom: 64 << 20})
	defer stop()
	debug.FreeOSMemory()
	goal := []metrics.Sample{{Name: "/gc/heap/goal:bytes"}, {Name: "/gc/heap/live:bytes"}}
	metrics.Read(goal)
	if room := goal[0].Value.Uint64() - goal[1].Value.Uint64(); room > 72<<20 {
		t.Errorf("%d MiB of room, want 64", room>>20)
	}
}

var sink []byte // keeps the compiler from leaving allocations out

// collections allocates so many bytes of garbage and returns how often the collector ran.
func collections(bytes int) uint64 {
	count := func() uint64 {
		sample := []metrics.Sample{{Name: "/gc/cycles/total:gc-cycles"}}
		metrics.Read(sample)
		return sample[0].Value.Uint64()
	}
	before := count()
	for range bytes / 4096 {
		sink = make([]byte, 4096)
	}
	return count() - before
}
