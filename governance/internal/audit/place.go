package audit

import (
	"bytes"
	"iter"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// rowBatch is a batch on its way into the table.
type rowBatch struct {
	pending []*pending
	heads   map[tenant.ID]*head // after the batch
	rows    []placedRow         // of all drafts, in order
	// stretches are what it adds to each log.
	stretches []tailStretch
}

// placedRow is an entry with its place in the log.
type placedRow struct {
	draft    *auditlog.Draft
	index    int64
	recorded time.Time
	leaf     string // lies in the log's stretch
	hashes   []byte // of the tree nodes that the leaf completes, its own first
}

// newRows sorts a batch by tenant, keeping the order of each tenant's entries: two replicas that write to the same logs then meet in the same
// order and cannot deadlock.
func newRows(batch []*pending) *rowBatch {
	sorted := slices.Clone(batch)
	slices.SortStableFunc(sorted, func(a, b *pending) int {
		idA, idB := a.tenant(), b.tenant()
		return bytes.Compare(idA[:], idB[:])
	})
	return &rowBatch{pending: sorted}
}

// tenants returns the tenants of the batch, each once.
func (r *rowBatch) tenants() [][16]byte {
	var ids [][16]byte
	for _, p := range r.pending {
		id := [16]byte(p.tenant())
		if len(ids) == 0 || ids[len(ids)-1] != id {
			ids = append(ids, id)
		}
	}
	return ids
}

// place gives every entry its position, after the known heads. Leaves are made where they stay: in what the tails remember once the batch is on the wall.
func (r *rowBatch) place(known headCache, now time.Time) {
	r.heads = make(map[tenant.ID]*head)
	r.rows, r.stretches = make([]placedRow, 0, countEntries(r.pending)), nil
	hashes := make([]byte, 0, 2*tlog.HashSize*cap(r.rows)) // a leaf completes two nodes in the mean
	var w stretchWriter
	for rest := r.pending; len(rest) > 0; {
		id, n := rest[0].tenant(), sameTenant(rest)
		h := known[id].clone()
		r.heads[id] = h
		if now.After(h.last) { // a clock that went back, or another replica's that is ahead, does not make time fall
			h.last = now
		}
		w.begin(h.tree.Size(), rest[:n])
		hashes = r.extend(&w, h, rest[:n], hashes)
		r.stretches = append(r.stretches, tailStretch{id, w.end()})
		rest = rest[n:]
	}
}

// sameTenant counts the appends at the beginning that are of one tenant.
func sameTenant(sorted []*pending) int {
	id := sorted[0].tenant()
	n := slices.IndexFunc(sorted, func(p *pending) bool { return p.tenant() != id })
	if n < 0 {
		return len(sorted)
	}
	return n
}

// extend places the entries of a log after its head, which moves.
func (r *rowBatch) extend(w *stretchWriter, h *head, appends []*pending, hashes []byte) []byte {
	var completed []tlog.Hash
	for _, p := range appends {
		for _, d := range p.drafts {
			index := h.tree.Size()
			leaf, hash := w.add(d, index, h.last)
			completed = h.tree.Append(completed[:0], hash)
			start := len(hashes)
			for i := range completed {
				hashes = append(hashes, completed[i][:]...)
			}
			r.rows = append(r.rows, placedRow{draft: d, index: index, recorded: h.last, leaf: leaf, hashes: hashes[start:len(hashes):len(hashes)]})
		}
	}
	return hashes
}

// placed returns the appends of the batch, each with the positions of its entries.
func (r *rowBatch) placed() iter.Seq2[*pending, []Position] {
	return func(yield func(*pending, []Position) bool) {
		positions := make([]Position, len(r.rows))
		for i, row := range r.rows {
			positions[i] = Position{EntryID: row.draft.Entry.EntryID, LeafIndex: row.index, LeafHash: [32]byte(row.hashes)}
		}
		for _, p := range r.pending {
			n := len(p.drafts)
			if !yield(p, positions[:n:n]) {
				return
			}
			positions = positions[n:]
		}
	}
}

// effectiveTime returns when an entry took effect, as a timestamptz can hold it.
func effectiveTime(e *auditlog.Entry, recorded time.Time) time.Time {
	if e.EffectiveTime.IsZero() {
		return recorded
	}
	return positionTime(e.EffectiveTime)
}
