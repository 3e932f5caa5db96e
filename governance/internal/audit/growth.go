package audit

import (
	"sync"

	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// Growth says to which logs this replica has appended, for work that follows the logs of all tenants. Other replicas tell of theirs.
type Growth struct {
	wake chan struct{} // holds one token while there are logs

	mu   sync.Mutex
	logs map[tenant.ID]struct{} // each once, however often it grew
}

// growths are those who follow all logs.
type growths struct {
	mu  sync.Mutex
	all []*Growth
}

// Growth begins to follow all logs.
func (w *Wall) Growth() *Growth {
	g := &Growth{wake: make(chan struct{}, 1), logs: make(map[tenant.ID]struct{})}
	w.growths.mu.Lock()
	defer w.growths.mu.Unlock()
	w.growths.all = append(w.growths.all, g)
	return g
}

// Wake delivers when there is something to take.
func (g *Growth) Wake() <-chan struct{} { return g.wake }

// Take returns the logs that grew since the last call.
func (g *Growth) Take() []tenant.ID {
	g.mu.Lock()
	defer g.mu.Unlock()
	logs := make([]tenant.ID, 0, len(g.logs))
	for id := range g.logs {
		logs = append(logs, id)
	}
	clear(g.logs)
	return logs
}

// Add makes a log one that grew, for example because work on it is left. It never waits.
func (g *Growth) Add(id tenant.ID) {
	g.mu.Lock()
	g.logs[id] = struct{}{}
	g.mu.Unlock()
	select {
	case g.wake <- struct{}{}:
	default:
	}
}

// moved tells everybody of a log that grew. It never waits: the sequencer calls it.
func (g *growths) moved(id tenant.ID) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, each := range g.all {
		each.Add(id)
	}
}
