// Package headroom decides how much a service allocates between two garbage collections: a fixed amount, or as much as the collector has to look through if
// that is more.
//
// Go collects when the heap has doubled. With 20 MB in use and 200 MB/s of garbage that is ten times a second. With gigabytes of numbers in use, which the
// collector does not look through, it leaves as many gigabytes of garbage. And what a collection takes from the callers is not only what it looks through:
// what was allocated since the last one is swept at once, so that more room makes pauses rarer and longer.
package headroom

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
)

// Config is the setting of a process.
type Config struct {
	GCHeadroom int64 `env:"GC_HEADROOM" envDefault:"67108864" help:"Bytes that may be allocated between two garbage collections, or as many as the collector has to look through if those are more; 0: as Go decides. GOGC, when set, decides instead."`
}

const (
	// leastHeap is what the collector's percentage is of at least, as if so much were in use.
	leastHeap = 4 << 20
	// defaultPercent is Go's: collect when the heap has doubled.
	defaultPercent = 100
	minPercent     = 1
	maxPercent     = 100_000
)

// What the percentage is of is the heap, and what else the collector looks through. Of the heap it looks through what may have pointers.
const (
	heap        = "/gc/heap/live:bytes"
	stacks      = "/gc/scan/stack:bytes"
	globals     = "/gc/scan/globals:bytes"
	lookThrough = "/gc/scan/total:bytes"
)

// Keep keeps the headroom until stop is called. It belongs to the process: call it once, from main.
func Keep(c Config) (stop func()) {
	if c.GCHeadroom <= 0 || os.Getenv("GOGC") != "" {
		return func() {}
	}
	k := &keeper{headroom: uint64(c.GCHeadroom)}
	k.tune()
	k.afterNext()
	return func() {
		k.stopped.Store(true)
		debug.SetGCPercent(defaultPercent)
	}
}

type keeper struct {
	headroom uint64
	percent  int // as set last
	stopped  atomic.Bool
}

// sentinel is unreachable at once, so that its cleanup runs after the next collection.
type sentinel struct{ _ *byte }

// afterNext tunes again after the next collection, and so on.
func (k *keeper) afterNext() {
	runtime.AddCleanup(&sentinel{new(byte)}, func(k *keeper) {
		if k.stopped.Load() {
			return
		}
		k.tune()
		k.afterNext()
	}, k)
}

// tune sets the percentage that amounts to the headroom for what is in use now.
func (k *keeper) tune() {
	samples := []metrics.Sample{{Name: heap}, {Name: stacks}, {Name: globals}, {Name: lookThrough}}
	metrics.Read(samples)
	value := func(i int) uint64 { return samples[i].Value.Uint64() }
	percent := percentFor(max(k.headroom, value(3)), value(0)+value(1)+value(2))
	if percent > k.percent*9/10 && percent < k.percent*11/10 {
		return // setting it stops the world for a moment
	}
	k.percent = percent
	debug.SetGCPercent(percent)
}

func percentFor(room, used uint64) int {
	return int(min(max(room*100/max(used, leastHeap), minPercent), maxPercent))
}

// worth is what a collection is made for before its time.
const worth = 8 << 20

// Collect takes back at once what the caller knows to be garbage, if it is much. It is for those who are about to allocate as much again, and would
// otherwise have both: the headroom is for garbage of which nobody knows.
func Collect(garbage int64) {
	if garbage >= worth {
		runtime.GC()
	}
}
