package auditlog

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strconv"
	"time"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/tlog"
)

// progressEvery is how many entries lie between two calls of Options.Progress.
const progressEvery = 1 << 14

// exportedEntry is an entry's line, taken apart. The slices point into the line, leaf into the verifier's scratch.
type exportedEntry struct {
	index   int64
	leaf    []byte
	hashes  []byte // the stored hashes as they stand in the line: "…","…"
	tail    []byte // what follows the stored hashes
	columns []byte
}

// split takes a line apart at its fixed parts. It does not parse JSON: the exporter's form is the only one there is.
func (v *verifier) split(line []byte) (e exportedEntry, ok bool) {
	rest, ok := bytes.CutPrefix(line, []byte(entryPrefix))
	if !ok {
		return e, false
	}
	digits, rest, ok := bytes.Cut(rest, []byte(leafPrefix))
	if !ok {
		return e, false
	}
	if e.index, ok = v.index(digits); !ok {
		return e, false
	}
	encoded, rest, ok := bytes.Cut(rest, []byte(hashesPrefix))
	if !ok || bytes.IndexByte(encoded, '\r') >= 0 { // which package base64 skips
		return e, false
	}
	var err error
	v.leaf, err = strictBase64.AppendDecode(v.leaf[:0], encoded)
	if err != nil {
		return e, false
	}
	e.leaf = v.leaf
	e.hashes, e.tail, ok = bytes.Cut(rest, []byte(textPrefix))
	return e, ok
}

// index reads an index. Nearly always it is the next one, which needs no parsing.
func (v *verifier) index(digits []byte) (int64, bool) {
	var buf [20]byte
	if bytes.Equal(digits, strconv.AppendInt(buf[:0], v.next, 10)) {
		return v.next, true
	}
	index, err := parseDecimal(string(digits))
	return index, err == nil && index <= maxTreeSize
}

var strictBase64 = base64.StdEncoding.Strict() //nolint:gochecknoglobals // a constant

// entry judges one entry.
func (v *verifier) entry(e exportedEntry) {
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
	v.next = e.index + 1
	v.nodes(e)
	v.content(e, true)
	if v.opts.Progress != nil && v.next%progressEvery == 0 {
		v.opts.Progress(v.next - v.report.FirstIndex)
	}
}

// nodes adds the leaf to the tree and compares what it completes with the stored hashes.
func (v *verifier) nodes(e exportedEntry) {
	leafHash := LeafHash(e.leaf)
	hashes := hashList{rest: e.hashes}
	if v.broken { // the tree is lost, the leaf's own hash is not
		stored, ok := hashes.next()
		if !ok || stored != leafHash {
			v.report.add(ReasonLeafHash, e.index, e.index, "the entry's bytes do not have the stored hash")
		}
		return
	}
	v.holdKnown()
	v.completed = v.tree.Append(v.completed[:0], leafHash)
	for level, want := range v.completed {
		stored, ok := hashes.next()
		if ok && stored == want {
			continue
		}
		first := e.index - (1<<level - 1)
		switch {
		case level == 0:
			v.report.add(ReasonLeafHash, e.index, e.index, "the entry's bytes do not have the stored hash")
		case !ok:
			v.report.add(ReasonNodeHash, e.index, e.index, "the stored hash of level %d is missing", level)
			return
		case !v.report.covers(first, e.index): // otherwise it follows from what was found below
			v.report.add(ReasonNodeHash, first, e.index, "the hash stored with entry %d for level %d does not fit the entries", e.index, level)
		}
	}
	if len(hashes.rest) != 0 {
		v.report.add(ReasonNodeHash, e.index, e.index, "more hashes are stored than the entry completes")
	}
}

// hashList reads stored hashes as they stand in a line: "…","…".
type hashList struct {
	rest []byte
	more bool // a comma must come first
}

func (l *hashList) next() (h tlog.Hash, ok bool) {
	const quoted = 2 + 44 // the base64 of 32 bytes has 44 characters
	b := l.rest
	if l.more {
		if len(b) == 0 || b[0] != ',' {
			return h, false
		}
		b = b[1:]
	}
	if len(b) < quoted || b[0] != '"' || b[quoted-1] != '"' {
		return h, false
	}
	var buf [33]byte // a padded group decodes into 3 bytes before it is cut
	n, err := strictBase64.Decode(buf[:], b[1:quoted-1])
	if err != nil || n != tlog.HashSize {
		return h, false
	}
	l.rest, l.more = b[quoted:], true
	return tlog.Hash(buf[:tlog.HashSize]), true
}

// content judges what the leaf says, and what the line says about it. The time counts only where the entry stands in its place.
func (v *verifier) content(e exportedEntry, inPlace bool) {
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
	rest, ok := bytes.CutPrefix(e.tail, text)
	if ok {
		rest, ok = bytes.CutPrefix(rest, []byte(columnsPrefix))
	}
	if !ok {
		v.report.add(ReasonEntryText, e.index, e.index, "the readable entry is not what the leaf says")
	} else if e.columns, ok = bytes.CutSuffix(rest, []byte(entrySuffix)); !ok {
		v.report.add(ReasonMalformed, e.index, e.index, "the entry's line was altered")
	} else if len(e.columns) > 0 {
		v.report.add(ReasonColumns, e.index, e.index, "search columns differ from the entry: %s", e.columns)
	}
	v.facts(e.index, facts)
	if inPlace {
		v.time(e.index, facts.recorded)
	}
}

func (v *verifier) facts(index int64, facts leafFacts) {
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

// time judges a recorded time.
func (v *verifier) time(index int64, recorded time.Time) {
	switch {
	case recorded.IsZero():
		v.report.add(ReasonLeafFormat, index, index, "the leaf has no recorded time")
		return
	case !v.last.IsZero() && recorded.Before(v.last.Add(-v.opts.TimeTolerance)):
		v.report.add(ReasonTimeBackwards, index, index, "recorded %s, the entry before %s",
			recorded.Format(time.RFC3339Nano), v.last.Format(time.RFC3339Nano))
	}
	if v.report.First.IsZero() {
		v.report.First = recorded
	}
	v.last, v.report.Last = recorded, recorded
}
