package audit

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"github.com/aumos-enterprise/platform/pkg/tenant"
)

const (
	// tailBytes bounds what is remembered of all logs together: about 70,000 decisions. Under full load they wait a little more than two seconds to be counted,
	// so that this is enough for 30,000 a second; of more the database is asked.
	tailBytes = 64 << 20
	// tailOverhead and leafOverhead are what a stretch and a leaf take beside the leaf's bytes.
	tailOverhead, leafOverhead = 256, 32 + 4
)

// tails remembers the ends of logs, as far as this replica has written them: the leaves that it committed last, the oldest giving way. It spares the database
// those who follow the logs closely: what is committed at a place stays as it is.
type tails struct {
	room int

	mu    sync.Mutex
	bytes int
	logs  map[tenant.ID][]stretch // each oldest first
	order []tenant.ID             // of all stretches, oldest first
}

func newTails(room int) *tails { return &tails{room: room, logs: make(map[tenant.ID][]stretch)} }

// add remembers what a batch added to each log. It is committed.
func (t *tails) add(stretches []tailStretch) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range stretches {
		t.logs[s.id], t.order, t.bytes = append(t.logs[s.id], s.stretch), append(t.order, s.id), t.bytes+s.bytes()
	}
	for t.bytes > t.room {
		t.drop()
	}
}

// drop forgets the oldest stretch.
func (t *tails) drop() {
	id := t.order[0]
	t.order = t.order[1:]
	log := t.logs[id]
	t.bytes -= log[0].bytes()
	log[0] = stretch{} // the array may live on
	if t.logs[id] = log[1:]; len(log) == 1 {
		delete(t.logs, id)
	}
}

// forget drops everything: the database may have become another one.
func (t *tails) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.logs)
	t.order, t.bytes = nil, 0
}

// between returns what is known of a log from an index on, up to the end or to the first leaf that is not.
func (t *tails) between(id tenant.ID, first, end int64) known {
	t.mu.Lock()
	defer t.mu.Unlock()
	log := t.logs[id]
	i, _ := slices.BinarySearchFunc(log, first, func(s stretch, index int64) int { return cmp.Compare(s.end(), index+1) })
	next, j := first, i
	for ; j < len(log) && next < end && log[j].first <= next && next < log[j].end(); j++ {
		next = min(end, log[j].end())
	}
	return known{slices.Clone(log[i:j]), first, next}
}

// follow returns what Follow does of a log of some size, unless that takes more than is known. Of filters it knows the one by a whole event type.
func (t *tails) follow(id tenant.ID, f Filter, limit int, size int64) (p Piece, ok bool) {
	if f != (Filter{EventType: f.EventType, MinIndex: f.MinIndex}) || f.EventType == "" || strings.HasSuffix(f.EventType, ".") {
		return Piece{}, false
	}
	end := min(size, f.MinIndex+narrowRange)
	k := t.between(id, f.MinIndex, end)
	if n := k.end - k.first; n == 0 || n < min(int64(limit), end-f.MinIndex) {
		return Piece{}, false
	}
	count, last, full := k.matching(f.EventType, limit)
	switch {
	case full:
		k.end = last + 1
	case k.end < end, count == 0 && end < size: // others know more, or where to look
		return Piece{}, false
	}
	p = Piece{Count: count, End: k.end, Size: size, known: k, kind: f.EventType}
	p.Last = []byte(k.at(k.end - 1).hash)
	return p, true
}
