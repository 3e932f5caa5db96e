package auditlog

import (
	"cmp"
	"errors"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// HeadSource says who says that a log had a head.
type HeadSource uint8

// The sources of heads.
const (
	// KnownHead is a checkpoint that the auditor brought.
	KnownHead HeadSource = iota + 1
	// StoredHead is a checkpoint that is kept with the log.
	StoredHead
	// CommittedHead stands on the platform's log.
	CommittedHead
)

func (s HeadSource) String() string {
	switch s {
	case KnownHead:
		return "known checkpoint"
	case StoredHead:
		return "stored checkpoint"
	case CommittedHead:
		return "head on the platform's log"
	default:
		return "head"
	}
}

// Head is a head that the log must have: a tree of this size with this root.
type Head struct {
	Source HeadSource
	Size   int64
	Root   tlog.Hash
}

// conflict is a head that the log does not have.
type conflict struct {
	head  Head
	after int64 // the largest head before that it does have
}

// StoredCheckpoint reads a checkpoint that came with the log and checks it against the trusted keys. What is wrong with it, other than that the
// entries contradict it, is added to the report.
func (v *Verifier) StoredCheckpoint(signed string) (Head, bool) {
	c, _, err := Open(signed, v.opts.Keys)
	switch {
	case errors.Is(err, ErrUnknownKey): // counted, and judged all the same: without keys its root is still a claim that must fit
		v.report.UnsignedCheckpoints++
		if v.report.UnsignedCheckpoints == 1 && !v.opts.Keys.Empty() {
			v.report.add(ReasonUnknownKey, -1, -1, "none of the trusted keys signed the stored checkpoint of size %d: was it signed by an earlier key?", c.Size)
		}
	case errors.Is(err, ErrBadSignature):
		v.report.add(ReasonSignature, -1, -1, "a stored checkpoint: %v", err)
		return Head{}, false
	case err != nil:
		v.report.add(ReasonMalformed, -1, -1, "a stored checkpoint: %v", err)
		return Head{}, false
	}
	if c.Origin != v.report.Origin {
		v.report.add(ReasonOrigin, -1, -1, "a stored checkpoint is of the log %q", c.Origin)
		return Head{}, false
	}
	return Head{Source: StoredHead, Size: c.Size, Root: c.Root}, true
}

// openKnown checks the auditor's checkpoints before they judge anything.
func (v *Verifier) openKnown() {
	others := 0
	for i, signed := range v.opts.Known {
		c, _, err := Open(signed, v.opts.Keys)
		switch {
		case v.opts.KnownOthers && c.Origin != "" && c.Origin != v.report.Origin:
			others++
		case errors.Is(err, ErrUnknownKey) && !v.opts.Keys.Empty(): // without keys the auditor's word is all there is
			v.report.add(ReasonUntrustedKnown, -1, -1, "no trusted key signed known checkpoint %d (size %d)", i+1, c.Size)
		case err != nil && !errors.Is(err, ErrUnknownKey):
			v.report.add(ReasonMalformed, -1, -1, "known checkpoint %d: %v", i+1, err)
		case c.Origin != v.report.Origin:
			v.report.add(ReasonOtherLog, -1, -1, "known checkpoint %d is of the log %s", i+1, c.Origin)
		default:
			v.Expect(Head{Source: KnownHead, Size: c.Size, Root: c.Root})
		}
	}
	if others > 0 && others == len(v.opts.Known) {
		v.report.add(ReasonOtherLog, -1, -1, "none of the %d known checkpoints is of this log", others)
	}
}

// Commitment verifies what shows a head of the log on the platform's log, and demands that head. The keys must hold those of the platform's log.
// A policy is then demanded of the platform's checkpoint instead of the log's own, and the head must be the one that the log ends with: what
// witnesses have seen of a log's beginning says nothing of what follows.
func (v *Verifier) Commitment(leaf []byte, receipt string) {
	head, r := VerifyHeadCommitment(leaf, receipt, ReceiptOptions{Keys: v.opts.Keys, Policy: v.opts.Policy})
	if v.opts.Policy != nil && head.Origin != "" {
		v.witnessed = &head
	}
	v.platform, v.opts.Policy = &r, nil
	switch {
	case head.Origin == "": // there is a finding that says why
	case head.Origin != v.report.Origin:
		v.report.add(ReasonOrigin, -1, -1, "the platform's log commits to a head of the log %q", head.Origin)
	default:
		v.Expect(Head{Source: CommittedHead, Size: head.Size, Root: head.Root})
	}
}

// Expect demands that the log has a head. It may be called at any time before the entry at index Size+1 is added: a source that has many heads
// gives them bit by bit, so that they need no memory.
func (v *Verifier) Expect(h Head) {
	switch {
	case h.Size < v.report.FirstIndex:
		v.report.add(ReasonNotCovered, -1, -1, "what was read begins after the %s of size %d", h.Source, h.Size)
		return
	case h.Size < v.next:
		v.report.add(ReasonNotCovered, -1, -1, "the %s of size %d came too late to be compared", h.Source, h.Size)
		return
	}
	if v.held > 0 && v.held == len(v.heads) {
		v.heads, v.held = v.heads[:0], 0
	}
	at, _ := slices.BinarySearchFunc(v.heads[v.held:], h.Size+1, func(h Head, size int64) int { return cmp.Compare(h.Size, size) })
	v.heads = slices.Insert(v.heads, v.held+at, h)
}

// holdHeads compares the tree as it stands with the heads of its size.
func (v *Verifier) holdHeads() {
	for ; v.held < len(v.heads) && v.heads[v.held].Size <= v.next; v.held++ {
		h := v.heads[v.held]
		if h.Size != v.tree.Size() { // lost with the tree; there is a finding that says so
			continue
		}
		if v.tree.Root() != h.Root {
			if v.conflict == nil {
				v.conflict = &conflict{head: h, after: v.good}
			}
			continue
		}
		v.fits(h)
	}
}

// fits counts a head that the log has.
func (v *Verifier) fits(h Head) {
	v.good = max(v.good, h.Size)
	switch h.Source {
	case KnownHead:
		v.report.KnownCheckpoints++
	case StoredHead:
		v.report.StoredCheckpoints++
		if v.signed == 0 || h.Size <= v.signed {
			v.stored = h
		}
	case CommittedHead:
		v.report.CommittedHeads++
	default:
	}
}

// judgeHeads reports the first head that the log does not have, others follow from it, and the largest that covers more than the log has.
func (v *Verifier) judgeHeads() {
	if c := v.conflict; c != nil {
		if size := c.head.Size; !v.report.covers(c.after, size-1) {
			v.report.add(ReasonCheckpointConflict, min(c.after, size-1), size-1,
				"the entries contradict the %s of size %d: history was rewritten", c.head.Source, size)
		}
		return
	}
	h := v.beyond
	switch {
	case h == nil:
	case h.Source == KnownHead && v.opts.MayBeOlder:
		v.report.add(ReasonNotCovered, v.next, h.Size-1,
			"the %s of size %d covers more than there is: entries were cut off, unless what was read is the older of the two: the log as it is now tells", h.Source, h.Size)
	default:
		v.report.add(ReasonCheckpointConflict, v.next, h.Size-1, "the %s of size %d covers more than there is: entries were cut off", h.Source, h.Size)
	}
}

// openEnd judges the last checkpoint's signature. ok is false when it says nothing about the log.
func (v *Verifier) openEnd(signed string) (c Checkpoint, trusted, ok bool) {
	c, signedBy, err := Open(signed, v.opts.Keys)
	switch {
	case errors.Is(err, ErrUnknownKey) && v.opts.Keys.Empty():
		v.report.add(ReasonNoTrustedKey, -1, -1, "no trusted key was given to check the checkpoint's signature with")
	case errors.Is(err, ErrUnknownKey):
		v.report.add(ReasonUnknownKey, -1, -1, "none of the trusted keys signed the checkpoint")
	case errors.Is(err, ErrBadSignature):
		v.report.add(ReasonSignature, -1, -1, "%v", err)
		return c, false, false
	case err != nil:
		v.report.add(ReasonMalformed, -1, -1, "the checkpoint: %v", err)
		return c, false, false
	}
	v.report.TreeSize, v.report.RootHash, v.report.SignedBy, v.report.Checkpoint = c.Size, c.Root, signedBy, signed
	v.report.judgePolicy(signed, v.opts.Policy)
	if w := v.witnessed; w != nil && (w.Size != c.Size || w.Root != c.Root) {
		v.report.add(ReasonNotWitnessed, -1, -1, "the policy is demanded of a commitment to the head of size %d, the checkpoint is of size %d", w.Size, c.Size)
	}
	if c.Origin != v.report.Origin || !originOf(c.Origin, v.report.TenantID) {
		v.report.add(ReasonOrigin, -1, -1, "the checkpoint is of the log %q, the entries are said to be of %q of tenant %s",
			c.Origin, v.report.Origin, v.report.TenantID)
	}
	return c, err == nil, true
}

// judgeCheckpoint compares the log with its own checkpoint.
func (v *Verifier) judgeCheckpoint(end LogEnd) {
	c, trusted, ok := v.openEnd(end.Checkpoint)
	v.judgeUnread(c, ok, len(end.Consistency) > 0)
	if !ok {
		return
	}
	switch {
	case c.Size > v.next && len(end.Consistency) > 0:
		v.judgePart(c, trusted, end.Consistency)
	case c.Size > v.next:
		v.report.add(ReasonMissingEntries, v.next, c.Size-1, "the checkpoint covers %d entries, the log ends before", c.Size)
	case len(end.Consistency) > 0:
		v.report.add(ReasonMalformed, -1, -1, "a consistency proof that proves nothing was added")
	case c.Size < v.next && v.opts.UnsignedTail && v.stored.Size == c.Size && v.stored.Root == c.Root:
		v.report.Unsigned, v.report.proven = v.next-c.Size, trusted && !v.broken
	case c.Size < v.next:
		v.report.add(ReasonNotCovered, c.Size, v.next-1, "the checkpoint covers %d entries, the log holds more", c.Size)
	case v.broken:
	case v.tree.Root() == c.Root:
		v.report.proven = trusted
	case !v.report.treeBroken():
		v.report.add(ReasonRootHash, min(v.good, c.Size-1), c.Size-1, "the entries do not have the checkpoint's root hash")
	}
}

// judgePart proves that entries which end before the checkpoint does are a part of its log.
func (v *Verifier) judgePart(c Checkpoint, trusted bool, proof []tlog.Hash) {
	switch {
	case v.broken:
	case v.next == 0 || tlog.CheckTree(proof, c.Size, c.Root, v.next, v.tree.Root()) != nil:
		if !v.report.treeBroken() {
			v.report.add(ReasonRootHash, min(v.good, v.next), max(0, v.next-1), "the entries are not the beginning of the checkpoint's log")
		}
	default:
		v.report.proven = trusted
	}
}

// judgeUnread settles the heads beyond the last entry: the checkpoint's own size can be told, and a part need not reach the others.
func (v *Verifier) judgeUnread(c Checkpoint, ok, part bool) {
	for ; v.held < len(v.heads); v.held++ {
		h := v.heads[v.held]
		switch {
		case h.Size <= v.next: // lost with the tree
		case ok && part && h.Size == c.Size && h.Root == c.Root:
			v.fits(h)
		case ok && part && h.Size == c.Size: // two histories, whatever was read of either
			if v.conflict == nil {
				v.conflict = &conflict{head: h, after: v.good}
			}
		case ok && part:
			v.report.add(ReasonNotCovered, -1, -1, "what was read ends before the %s of size %d", h.Source, h.Size)
		default:
			v.beyond = &h
		}
	}
}
