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
		room, used uint64
		want       int
	}{
		"more than is in use":            {256 << 20, 32 << 20, 800},
		"less than is in use":            {64 << 20, 1 << 30, 6},
		"as much as is in use":           {256 << 20, 256 << 20, 100},
		"nothing is known before":        {256 << 20, 0, 6400},
		"next to nothing counts as 4 MB": {256 << 20, 1 << 10, 6400},
		"a lot of room is still bound":   {1 << 40, 1 << 10, 100_000},
		"so is very little":              {1 << 20, 1 << 40, 1},
	} {
		if got := percentFor(tc.room, tc.used); got != tc.want {
			t.Errorf("%s: %d %%, want %d", name, got, tc.want)
		}
	}
}

// The collector runs less often while the headroom is kept, and goes on doing so after collections.
func TestKeep(t *testing.T) { // not parallel: the collector belongs to the process
	t.Setenv("GOGC", "")
	runtime.GC() // else what other tests have left counts as in use
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

// The room is what was asked for, however little is in use (the collector's goal is also a percentage of stacks and globals, and never of less than 4 MB), and
// however much, unless the collector has to look through more.
func TestKeepIsBounded(t *testing.T) { // not parallel: the collector belongs to the process
	t.Setenv("GOGC", "")
	tests := map[string]struct {
		used      func() any
		low, high uint64 // MiB
	}{
		"next to nothing": {func() any { return nil }, 40, 72},
		"numbers":         {func() any { return make([]float64, 64<<20) }, 40, 80},
		"pointers":        {func() any { return make([]*int, 16<<20) }, 120, 160},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { //nolint:paralleltest // the collector belongs to the process
			used := test.used()
			stop := Keep(Config{GCHeadroom: 64 << 20})
			defer stop()
			debug.FreeOSMemory()
			(&keeper{headroom: 64 << 20}).tune() // as after each collection, without waiting for it
			goal := []metrics.Sample{{Name: "/gc/heap/goal:bytes"}, {Name: heap}}
			metrics.Read(goal)
			if room := (goal[0].Value.Uint64() - goal[1].Value.Uint64()) >> 20; room < test.low || room > test.high {
				t.Errorf("%d MiB of room, want %d to %d", room, test.low, test.high)
			}
			runtime.KeepAlive(used)
		})
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

// Much garbage is collected at once, little is left to the collector.
func TestCollect(t *testing.T) { // not parallel: the collector belongs to the process
	runs := func(garbage int64) uint32 {
		defer debug.SetGCPercent(debug.SetGCPercent(-1))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		Collect(garbage)
		runtime.ReadMemStats(&after)
		return after.NumGC - before.NumGC
	}
	if got := runs(worth - 1); got != 0 {
		t.Errorf("%d collections of little garbage", got)
	}
	if got := runs(worth); got != 1 {
		t.Errorf("%d collections of much garbage, want 1", got)
	}
}
