package audit

import (
	"iter"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// stretch is what one batch added to a log. Its leaves lie in one piece: the garbage collector would look at 70,000 pieces for longer than callers should wait.
// The piece is a string, so that whoever reads a leaf reads it there: nothing is ever written over it.
type stretch struct {
	first int64  // index
	text  string // each leaf's hash, then the leaf
	ends  []int32
}

// tailStretch is a stretch of a log.
type tailStretch struct {
	id tenant.ID
	stretch
}

func (s stretch) bytes() int { return tailOverhead + 4*len(s.ends) + len(s.text) }

func (s stretch) end() int64 { return s.first + int64(len(s.ends)) }

func (s stretch) at(index int64) tailLeaf {
	start := int32(0)
	if i := index - s.first; i > 0 {
		start = s.ends[i-1]
	}
	text := s.text[start:s.ends[index-s.first]]
	return tailLeaf{hash: text[:tlog.HashSize], leaf: text[tlog.HashSize:]}
}

type tailLeaf struct{ hash, leaf string }

// known is what is remembered of a log without a gap.
type known struct {
	stretches  []stretch // the first and the last of them may have more
	first, end int64
}

// all are the leaves with their indexes.
func (k known) all() iter.Seq2[int64, tailLeaf] {
	return func(yield func(int64, tailLeaf) bool) {
		next := k.first
		for _, s := range k.stretches {
			for ; next < min(k.end, s.end()); next++ {
				if !yield(next, s.at(next)) {
					return
				}
			}
		}
	}
}

// at returns one of the leaves.
func (k known) at(index int64) tailLeaf {
	i := slices.IndexFunc(k.stretches, func(s stretch) bool { return index < s.end() })
	return k.stretches[i].at(index)
}

// matching counts the entries of an event type up to the bounds of a scan, the index of the last of them, and whether others follow that are not counted.
func (k known) matching(eventType string, limit int) (count int, last int64, full bool) {
	bytes := 0
	for index, l := range k.all() {
		if auditlog.EventTypeOf(l.leaf) != eventType {
			continue
		}
		if bytes += len(l.leaf); count == limit || bytes > maxScanBytes && count > 0 {
			return count, last, true
		}
		count, last = count+1, index
	}
	return count, last, false
}

// entries are those of an event type, each until the next.
func (k known) entries(eventType string) iter.Seq2[*Scanned, error] {
	return func(yield func(*Scanned, error) bool) {
		var e Scanned
		for index, l := range k.all() {
			lean, err := auditlog.LeanOf(l.leaf)
			if err != nil {
				yield(nil, altered(index, err))
				return
			}
			if lean.EventType != eventType {
				continue
			}
			e = Scanned{Lean: lean, LeafSize: len(l.leaf)}
			copy(e.LeafHash[:], l.hash)
			if !yield(&e, nil) {
				return
			}
		}
	}
}

// stretchWriter makes stretches, one after the other.
type stretchWriter struct {
	first int64
	text  strings.Builder
	ends  []int32
	room  []byte // for a leaf
}

// begin begins a stretch of the entries that are to be added.
func (w *stretchWriter) begin(first int64, appends []*pending) {
	w.first, w.ends = first, make([]int32, 0, countEntries(appends))
	w.text.Reset()
	size := 0
	for _, p := range appends {
		size += p.bytes + tlog.HashSize*len(p.drafts)
	}
	w.text.Grow(size)
}

// add makes a leaf, in the stretch.
func (w *stretchWriter) add(d *auditlog.Draft, index int64, recorded time.Time) (string, tlog.Hash) {
	w.room = slices.Grow(w.room[:0], 1+d.Size())
	leaf, hash := d.LeafIn(w.room, index, recorded)
	w.text.Write(hash[:])
	start := w.text.Len()
	w.text.Write(leaf)
	w.ends = append(w.ends, int32(w.text.Len())) //nolint:gosec // a batch has some megabytes
	return w.text.String()[start:], hash
}

// end returns the stretch.
func (w *stretchWriter) end() stretch { return stretch{w.first, w.text.String(), w.ends} }
