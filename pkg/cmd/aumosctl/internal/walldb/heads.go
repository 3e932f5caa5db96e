package walldb

import (
	"cmp"
	"context"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
)

// headStream gives heads in ascending order of their size; ok is false after the last.
type headStream interface {
	peek() (h auditlog.Head, ok bool, err error)
	next()
}

// expect tells the verifier of the heads that the tree has come to. At the end, of those that lie beyond, the largest says it all.
func expect(v *auditlog.Verifier, streams []headStream, last bool) error {
	for _, heads := range streams {
		var beyond *auditlog.Head
		for {
			h, ok, err := heads.peek()
			if err != nil {
				return err
			}
			if !ok || !last && h.Size > v.Size() {
				break
			}
			if h.Size <= v.Size() {
				v.Expect(h)
			} else if beyond == nil || h.Size > beyond.Size {
				beyond = &h
			}
			heads.next()
		}
		if beyond != nil {
			v.Expect(*beyond)
		}
	}
	return nil
}

// storedHeads are the checkpoints of the table.
type storedHeads struct {
	ctx  context.Context // of the one verification that it serves
	v    *auditlog.Verifier
	rows *cursor[checkpointRow]
	head *auditlog.Head
}

func (s *storedHeads) peek() (auditlog.Head, bool, error) {
	for s.head == nil {
		row, err := s.rows.peek(s.ctx)
		if err != nil || row == nil {
			return auditlog.Head{}, false, err
		}
		h, ok := s.v.StoredCheckpoint(row.note)
		switch {
		case !ok: // there is a finding that says why
			s.rows.next()
			continue
		case h.Size != row.size || string(h.Root[:]) != string(row.root):
			s.v.Malformed("the columns of the stored checkpoint of size %d say something else than its note", row.size)
			if len(row.root) == tlog.HashSize {
				h.Size, h.Root = row.size, tlog.Hash(row.root) // in the order of the rows; the finding is there
			}
		}
		s.head = &h
	}
	return *s.head, true, nil
}

func (s *storedHeads) next() {
	s.head = nil
	s.rows.next()
}

// committedHeads are what the platform's log commits to.
type committedHeads struct {
	ctx   context.Context // of the one verification that it serves
	v     *auditlog.Verifier
	log   Log
	rows  *cursor[[]byte]
	ahead []auditlog.Head // by size

	all  *commitments // nil for none
	read commitments
	done bool
}

func (c *committedHeads) peek() (auditlog.Head, bool, error) {
	for len(c.ahead) < lookAhead {
		leaf, err := c.rows.peek(c.ctx)
		if err != nil {
			return auditlog.Head{}, false, err
		}
		if leaf == nil {
			c.compare()
			break
		}
		c.rows.next()
		e, err := auditlog.Unmarshal(*leaf)
		if e.EventType == auditlog.EventHeadCommitted {
			c.read.add(*leaf)
		}
		if err != nil || e.EventType != auditlog.EventHeadCommitted {
			continue // verifying the platform's log said so, or it is another event about the log
		}
		id, head, err := auditlog.ReadCommitment(e)
		switch {
		case err != nil:
			c.v.Malformed("entry %d of the platform's log: %v", e.LeafIndex, err)
			continue
		case id != c.log.TenantID || head.Origin != c.log.Origin:
			c.v.Malformed("entry %d of the platform's log commits to a head of %q", e.LeafIndex, head.Origin)
			continue
		}
		h := auditlog.Head{Source: auditlog.CommittedHead, Size: head.Size, Root: head.Root}
		at, _ := slices.BinarySearchFunc(c.ahead, h.Size, func(h auditlog.Head, size int64) int { return cmp.Compare(h.Size, size) })
		c.ahead = slices.Insert(c.ahead, at, h)
	}
	if len(c.ahead) == 0 {
		return auditlog.Head{}, false, nil
	}
	return c.ahead[0], true, nil
}

// compare sees to it that these are all the commitments that the platform's log has.
func (c *committedHeads) compare() {
	var all commitments
	if c.all != nil {
		all = *c.all
	}
	if !c.done && c.read != all {
		c.v.Malformed("asked for what it commits to of this log, the platform's log has other commitments (%d) than as a whole (%d)", c.read.count, all.count)
	}
	c.done = true
}

func (c *committedHeads) next() { c.ahead = c.ahead[1:] }
