package auditlog

import (
	"cmp"
	"errors"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// knownCheckpoint is a checkpoint that the auditor brought.
type knownCheckpoint struct {
	Checkpoint
	computed tlog.Hash // the log's root at that size
	reached  bool
}

// openKnown checks the auditor's checkpoints before they judge anything.
func (v *verifier) openKnown() {
	for i, signed := range v.opts.Known {
		c, _, err := Open(signed, v.opts.Keys)
		switch {
		case errors.Is(err, ErrUnknownKey) && !v.opts.Keys.Empty(): // without keys the auditor's word is all there is
			v.report.add(ReasonUntrustedKnown, -1, -1, "no trusted key signed known checkpoint %d (size %d)", i+1, c.Size)
		case err != nil && !errors.Is(err, ErrUnknownKey):
			v.report.add(ReasonMalformed, -1, -1, "known checkpoint %d: %v", i+1, err)
		case c.Origin != v.report.Origin:
			v.report.add(ReasonOtherLog, -1, -1, "known checkpoint %d is of the log %s", i+1, c.Origin)
		default:
			v.known = append(v.known, knownCheckpoint{Checkpoint: c})
		}
	}
	slices.SortStableFunc(v.known, func(a, b knownCheckpoint) int { return cmp.Compare(a.Size, b.Size) })
	for v.held < len(v.known) && v.known[v.held].Size < v.report.FirstIndex {
		v.report.add(ReasonNotCovered, -1, -1, "the export begins after the known checkpoint of size %d", v.known[v.held].Size)
		v.held++
	}
}

// holdKnown notes the root of the tree as it stands for the known checkpoints of its size.
func (v *verifier) holdKnown() {
	for v.held < len(v.known) && v.known[v.held].Size == v.tree.Size() {
		v.known[v.held].computed, v.known[v.held].reached = v.tree.Root(), true
		v.held++
	}
}

// judgeKnown compares the log with the known checkpoints. The first conflict is reported; larger ones follow from it.
func (v *verifier) judgeKnown() {
	for _, k := range v.known {
		switch {
		case k.reached && k.computed == k.Root:
			v.report.KnownCheckpoints++
		case k.reached:
			if !v.report.covers(v.good, k.Size-1) {
				v.report.add(ReasonCheckpointConflict, min(v.good, k.Size-1), k.Size-1,
					"the entries contradict the known checkpoint of size %d: history was rewritten", k.Size)
			}
			return
		case k.Size > v.next && k.Size > v.report.FirstIndex:
			v.report.add(ReasonCheckpointConflict, v.next, k.Size-1,
				"the known checkpoint of size %d covers more than the export: entries were cut off, unless the export is the older of the two", k.Size)
		}
	}
}

// judgeCheckpoint compares the log with its own checkpoint.
func (v *verifier) judgeCheckpoint() {
	if !v.broken {
		v.holdKnown()
	}
	for _, k := range v.known {
		if k.reached && k.computed == k.Root {
			v.good = max(v.good, k.Size)
		}
	}
	c, signedBy, err := Open(v.checkpoint, v.opts.Keys)
	switch {
	case errors.Is(err, ErrUnknownKey) && v.opts.Keys.Empty():
		v.report.add(ReasonNoTrustedKey, -1, -1, "no trusted key was given to check the checkpoint's signature with")
	case errors.Is(err, ErrUnknownKey):
		v.report.add(ReasonUnknownKey, -1, -1, "none of the trusted keys signed the checkpoint")
	case errors.Is(err, ErrBadSignature):
		v.report.add(ReasonSignature, -1, -1, "%v", err)
		return
	case err != nil:
		v.report.add(ReasonMalformed, -1, -1, "the checkpoint: %v", err)
		return
	}
	v.report.TreeSize, v.report.RootHash, v.report.SignedBy = c.Size, c.Root, signedBy
	v.report.judgePolicy(v.checkpoint, v.opts.Policy)
	if c.Origin != v.report.Origin || !originOf(c.Origin, v.report.TenantID) {
		v.report.add(ReasonOrigin, -1, -1, "the checkpoint is of the log %q, the export says %q of tenant %s",
			c.Origin, v.report.Origin, v.report.TenantID)
	}
	switch {
	case c.Size > v.next:
		v.report.add(ReasonMissingEntries, v.next, c.Size-1, "the checkpoint covers %d entries, the export ends before", c.Size)
	case c.Size < v.next:
		v.report.add(ReasonNotCovered, c.Size, v.next-1, "the checkpoint covers %d entries, the export holds more", c.Size)
	case v.broken:
	case v.tree.Root() == c.Root:
		v.report.proven = err == nil
	case !v.report.treeBroken():
		v.report.add(ReasonRootHash, min(v.good, c.Size-1), c.Size-1, "the entries do not have the checkpoint's root hash")
	}
}
