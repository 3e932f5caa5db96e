package audit

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
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

// stretch is what one batch added to a log. Its leaves lie in one piece: the garbage collector would look at 70,000 pieces for longer than callers should wait.
type stretch struct {
	first int64  // index
	text  []byte // each leaf's hash, then the leaf
	ends  []int32
}

func (s stretch) bytes() int { return tailOverhead + 4*len(s.ends) + len(s.text) }

func (s stretch) at(index int64) tailLeaf {
	start := int32(0)
	if i := index - s.first; i > 0 {
		start = s.ends[i-1]
	}
	text := s.text[start:s.ends[index-s.first]]
	return tailLeaf{hash: [32]byte(text), leaf: text[32:]}
}

type tailLeaf struct {
	leaf []byte
	hash [32]byte
}

func newTails(room int) *tails { return &tails{room: room, logs: make(map[tenant.ID][]stretch)} }

// add remembers rows, which are sorted by tenant and committed.
func (t *tails) add(rows []placedRow) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(rows) > 0 {
		id := rows[0].draft.Entry.TenantID
		n := slices.IndexFunc(rows, func(r placedRow) bool { return r.draft.Entry.TenantID != id })
		if n < 0 {
			n = len(rows)
		}
		size := 0
		for _, r := range rows[:n] {
			size += 32 + len(r.leaf)
		}
		s := stretch{first: rows[0].index, text: make([]byte, 0, size), ends: make([]int32, n)}
		for i, r := range rows[:n] {
			s.text = append(append(s.text, r.hashes[:32]...), r.leaf...)
			s.ends[i] = int32(len(s.text)) //nolint:gosec // a batch has some megabytes
		}
		t.logs[id], t.order, t.bytes = append(t.logs[id], s), append(t.order, id), t.bytes+s.bytes()
		rows = rows[n:]
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

// between returns the leaves of a log from an index on, up to the end or to the first that is not known.
func (t *tails) between(id tenant.ID, next, end int64) (leaves []tailLeaf) {
	t.mu.Lock()
	defer t.mu.Unlock()
	log := t.logs[id]
	i, _ := slices.BinarySearchFunc(log, next, func(s stretch, index int64) int { return cmp.Compare(s.end(), index+1) })
	for ; i < len(log) && next < end && log[i].first <= next && next < log[i].end(); i++ {
		for ; next < min(end, log[i].end()); next++ {
			leaves = append(leaves, log[i].at(next))
		}
	}
	return leaves
}

func (s stretch) end() int64 { return s.first + int64(len(s.ends)) }

// follow returns what Follow does of a log of some size, unless that takes more than is known. Of filters it knows the one by a whole event type.
func (t *tails) follow(id tenant.ID, f Filter, limit int, size int64) (p Piece, ok bool) {
	if f != (Filter{EventType: f.EventType, MinIndex: f.MinIndex}) || f.EventType == "" || strings.HasSuffix(f.EventType, ".") {
		return Piece{}, false
	}
	end := min(size, f.MinIndex+narrowRange)
	leaves := t.between(id, f.MinIndex, end)
	if len(leaves) == 0 || int64(len(leaves)) < min(int64(limit), end-f.MinIndex) {
		return Piece{}, false
	}
	p.Entries = make([]Scanned, 0, min(limit, len(leaves), maxRoom))
	p.End, p.Size = f.MinIndex+int64(len(leaves)), size
	bytes := 0
	for i := range leaves {
		l := &leaves[i]
		e, err := auditlog.UnmarshalLean(l.leaf)
		if err != nil {
			return Piece{}, false
		}
		if e.EventType != f.EventType {
			continue
		}
		if bytes += len(l.leaf); len(p.Entries) == limit || bytes > maxScanBytes && len(p.Entries) > 0 {
			last := &p.Entries[len(p.Entries)-1]
			p.End, p.Last = last.LeafIndex+1, last.LeafHash[:]
			return p, true
		}
		p.Entries = append(p.Entries, Scanned{Lean: e, LeafHash: l.hash, LeafSize: len(l.leaf)})
	}
	if p.End < end || len(p.Entries) == 0 && end < size { // others know more, or where to look
		return Piece{}, false
	}
	p.Last = leaves[len(leaves)-1].hash[:]
	return p, true
}
