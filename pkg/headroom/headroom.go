// Package headroom lets a service with a small heap collect garbage less often. By default Go collects when the heap has doubled: with 30 MB in use and
// 400 MB/s of garbage, a dozen times a second. A fixed amount of room between collections makes their cost independent of how little is in use.
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
	GCHeadroom int64 `env:"GC_HEADROOM" envDefault:"268435456" help:"Bytes that may be allocated between two garbage collections even when less is in use; 0: as Go decides. GOGC, when set, decides instead."`
}

const (
	// leastHeap is what the collector's percentage is of at least, as if so much were in use.
	leastHeap = 4 << 20
	// defaultPercent is Go's: collect when the heap has doubled. It decides once more than the headroom is in use.
	defaultPercent = 100
	maxPercent     = 100_000
)

// inUse are what the percentage is of: the heap, and what else the collector looks through.
//
//nolint:gochecknoglobals // a constant table
var inUse = []string{"/gc/heap/live:bytes", "/gc/scan/stack:bytes", "/gc/scan/globals:bytes"}

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
	samples := make([]metrics.Sample, len(inUse))
	for i, name := range inUse {
		samples[i].Name = name
	}
	metrics.Read(samples)
	used := uint64(0)
	for _, s := range samples {
		used += s.Value.Uint64()
	}
	percent := percentFor(k.headroom, used)
	if percent > k.percent*9/10 && percent < k.percent*11/10 {
		return // setting it stops the world for a moment
	}
	k.percent = percent
	debug.SetGCPercent(percent)
}

func percentFor(headroom, used uint64) int {
	return int(min(max(headroom*100/max(used, leastHeap), defaultPercent), maxPercent))
}
