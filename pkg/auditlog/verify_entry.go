package auditlog

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/tlog"
)

// progressEvery is how many entries lie between two calls of Options.Progress.
const progressEvery = 1 << 14

// entryRow is an entry with what its source says about it. The slices are valid during the call only.
type entryRow struct {
	index      int64
	leaf       []byte
	hashes     []tlog.Hash
	excess     bool     // something that is no hash follows them
	mismatched []string // columns
	hashed     []byte   // the leaf behind the prefix that it is hashed with, where the source has it so

	line     bool   // of an export: what follows is set, and hashes are not
	hashText []byte // the stored hashes as they stand in the line
	tail     []byte // what follows them
}

func (e *entryRow) leafHash() tlog.Hash {
	if e.hashed != nil {
		return sha256.Sum256(e.hashed)
	}
	return LeafHash(e.leaf)
}

// readHashes takes the hashes of a line apart, which is worth it only where they are not those that they should be.
func (e *entryRow) readHashes() {
	if e.line {
		e.hashes, e.excess = splitHashes(nil, e.hashText)
	}
}

// entry judges one entry.
func (v *Verifier) entry(e entryRow) {
	switch {
	case e.index > v.next:
		v.report.add(ReasonMissingEntries, v.next, e.index-1, "the log goes on at index %d", e.index)
		v.broken = true
	case e.index < v.next:
		v.report.add(ReasonOutOfOrder, e.index, e.index, "it stands where entry %d belongs", v.next)
		v.broken = true
		v.content(e, false)
		return // next stays: whatever follows is judged against the same place
	}
	v.nodes(e)
	v.next = e.index + 1
	v.content(e, true)
	if v.opts.Progress != nil && v.next%progressEvery == 0 {
		v.opts.Progress(v.next - v.report.FirstIndex)
	}
}

// nodes adds the leaf to the tree and compares what it completes with the stored hashes.
func (v *Verifier) nodes(e entryRow) {
	v.holdHeads()
	leafHash := e.leafHash()
	if v.broken { // the tree is lost, the leaf's own hash is not
		e.readHashes()
		if len(e.hashes) == 0 || e.hashes[0] != leafHash {
			v.report.add(ReasonLeafHash, e.index, e.index, "the entry's bytes do not have the stored hash")
		}
		return
	}
	v.completed = v.tree.Append(v.completed[:0], leafHash)
	if e.line && v.hashTextIs(e.hashText, v.completed) || !e.line && !e.excess && slices.Equal(e.hashes, v.completed) {
		return
	}
	e.readHashes()
	for level, want := range v.completed {
		if level < len(e.hashes) && e.hashes[level] == want {
			continue
		}
		first := e.index - (1<<level - 1)
		switch {
		case level == 0:
			v.report.add(ReasonLeafHash, e.index, e.index, "the entry's bytes do not have the stored hash")
		case level >= len(e.hashes):
			v.report.add(ReasonNodeHash, e.index, e.index, "the stored hash of level %d is missing", level)
			return
		case !v.report.covers(first, e.index): // otherwise it follows from what was found below
			v.report.add(ReasonNodeHash, first, e.index, "the hash stored with entry %d for level %d does not fit the entries", e.index, level)
		}
	}
	if len(e.hashes) > len(v.completed) || e.excess {
		v.report.add(ReasonNodeHash, e.index, e.index, "more hashes are stored than the entry completes")
	}
}

// content judges what the leaf says, and what its source says about it. The time counts only where the entry stands in its place.
func (v *Verifier) content(e entryRow, inPlace bool) {
	text, facts, err := appendLeafJSON(v.text[:0], e.leaf)
	v.text = text
	if err != nil {
		reason := ReasonLeafFormat
		if facts.formatVersion > FormatVersion && errors.Is(err, errFormat) {
			reason = ReasonUnknownFormat
		}
		v.report.add(reason, e.index, e.index, "%v", err)
		return
	}
	if e.line {
		v.readable(e)
	}
	if len(e.mismatched) > 0 {
		v.report.add(ReasonColumns, e.index, e.index, "search columns differ from the entry: %s", strings.Join(e.mismatched, ", "))
	}
	v.facts(e.index, facts)
	if inPlace {
		v.time(e.index, facts.recorded)
	}
}

// readable compares the rest of an export's line with the leaf, whose text was just written.
func (v *Verifier) readable(e entryRow) {
	rest, ok := bytes.CutPrefix(e.tail, v.text)
	if ok {
		rest, ok = bytes.CutPrefix(rest, []byte(columnsPrefix))
	}
	if !ok {
		v.report.add(ReasonEntryText, e.index, e.index, "the readable entry is not what the leaf says")
	} else if columns, ok := bytes.CutSuffix(rest, []byte(entrySuffix)); !ok {
		v.report.add(ReasonMalformed, e.index, e.index, "the entry's line was altered")
	} else if len(columns) > 0 {
		v.report.add(ReasonColumns, e.index, e.index, "search columns differ from the entry: %s", columns)
	}
}

func (v *Verifier) facts(index int64, facts leafFacts) {
	if facts.leafIndex != index {
		v.report.add(ReasonLeafPosition, index, index, "the leaf says index %s", strconv.FormatInt(facts.leafIndex, 10))
	}
	if !bytes.Equal(facts.tenantID, v.tenantID) {
		v.report.add(ReasonLeafTenant, index, index, "the leaf says tenant %q", facts.tenantID)
	}
	id, err := uuid.ParseBytes(facts.entryID)
	switch {
	case err != nil || len(facts.entryID) != 36 || id == uuid.Nil:
		v.report.add(ReasonLeafFormat, index, index, "the entry id %q is not a UUID", facts.entryID)
	case v.ids.add(id):
		v.report.add(ReasonDuplicateEntryID, index, index, "the entry id %s comes a second time", id)
	}
}

// time judges a recorded time by the latest before: many small steps back are no smaller than one.
func (v *Verifier) time(index int64, recorded time.Time) {
	switch {
	case recorded.IsZero():
		v.report.add(ReasonLeafFormat, index, index, "the leaf has no recorded time")
		return
	case !v.latest.IsZero() && recorded.Before(v.latest.Add(-v.opts.TimeTolerance)):
		v.report.add(ReasonTimeBackwards, index, index, "recorded %s, an entry before %s",
			recorded.Format(time.RFC3339Nano), v.latest.Format(time.RFC3339Nano))
	}
	if v.report.First.IsZero() {
		v.report.First = recorded
	}
	v.report.Last = recorded
	if recorded.After(v.latest) {
		v.latest = recorded
	}
}
