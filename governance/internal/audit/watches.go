package audit

import (
	"sync"
	"time"

	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

const (
	// maxTenantWatches bounds the watches of one tenant on a replica, maxWatches those of all.
	maxTenantWatches = 64
	maxWatches       = 2048
	// maxLooks bounds the watches of one tenant that read at the same time. Every append wakes all of them: they must not take the connections that others
	// read by. The others wait, and then find more at once.
	maxLooks = 2
	// pollInterval is how often other replicas' appends are looked for.
	pollInterval = 500 * time.Millisecond
)

// watches are those that are under way.
type watches struct {
	// stopping is closed when all have to end.
	stopping chan struct{}

	mu      sync.Mutex
	logs    map[tenant.ID]*watchedLog
	count   int
	stopped bool
}

// watchedLog is a log with watches.
type watchedLog struct {
	watches map[*Watch]struct{}
	size    int64         // as the last poll saw it
	looks   chan struct{} // filled by the watches that read
}

func newWatches() *watches {
	return &watches{stopping: make(chan struct{}), logs: make(map[tenant.ID]*watchedLog)}
}

func (w *watches) add(x *Watch) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	log := w.logs[x.id]
	switch {
	case w.stopped:
		return errs.Down("the watch", errClosed)
	case w.count >= maxWatches || log != nil && len(log.watches) >= maxTenantWatches:
		return errs.New(errs.ResourceExhausted, errs.ReasonOverloaded, "too many watches: end one first, or watch from another replica").After(time.Minute)
	}
	if log == nil {
		log = &watchedLog{watches: make(map[*Watch]struct{}), looks: make(chan struct{}, maxLooks)}
		w.logs[x.id] = log
	}
	log.watches[x] = struct{}{}
	x.looks = log.looks
	w.count++
	return nil
}

func (w *watches) remove(x *Watch) {
	w.mu.Lock()
	defer w.mu.Unlock()
	log := w.logs[x.id]
	if log == nil {
		return
	}
	if _, ok := log.watches[x]; !ok {
		return
	}
	delete(log.watches, x)
	w.count--
	if len(log.watches) == 0 {
		delete(w.logs, x.id)
	}
}

// moved wakes the watches of a log that grew. It never waits: the sequencer calls it.
func (w *watches) moved(id tenant.ID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if log := w.logs[id]; log != nil {
		log.wake()
	}
}

// saw wakes the watches of a log unless it had this size at the last poll.
func (w *watches) saw(id tenant.ID, size int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if log := w.logs[id]; log != nil && log.size != size {
		log.size = size
		log.wake()
	}
}

func (l *watchedLog) wake() {
	for x := range l.watches {
		select {
		case x.wake <- struct{}{}:
		default:
		}
	}
}

// tenants returns those whose logs are watched.
func (w *watches) tenants() [][16]byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	ids := make([][16]byte, 0, len(w.logs))
	for id := range w.logs {
		ids = append(ids, id)
	}
	return ids
}

func (w *watches) len() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.count
}

func (w *watches) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.stopped {
		w.stopped = true
		close(w.stopping)
	}
}
