package auditlog

import (
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// Verifier checks a log whose entries it is given one after the other, wherever they are from: an export, a server, the database. It keeps the
// tree in compact form, so that memory is bounded whatever the log's size.
type Verifier struct {
	opts   Options
	report Report
	ids    *idSet

	heads    []Head // that the log must have, by size; those before held are done
	held     int
	good     int64 // the size of the largest head that fits: a change must lie after it
	signed   int64 // LogStart.Signed
	stored   Head  // the largest stored head that fits, up to that of signed
	conflict *conflict
	beyond   *Head   // the largest head that lies after the last entry
	platform *Report // on the commitment on the platform's log
	// witnessed is the head that the commitment is to, where a policy is demanded of it.
	witnessed *Checkpoint

	tenantID []byte
	tree     Range
	broken   bool      // the tree can no longer be followed: an index is missing or came out of order
	next     int64     // the index that must come next
	latest   time.Time // the latest recorded time so far

	text      []byte      // scratch
	hashes    []tlog.Hash // scratch
	completed []tlog.Hash // scratch
	encoded   []byte      // scratch
}

// LogStart says which log is verified, and from where on.
type LogStart struct {
	// Origin is the log's origin.
	Origin string
	// TenantID is the tenant whose log it is.
	TenantID string
	// Tree is the tree before the first entry: empty for a whole log.
	Tree Range
	// Signed is the size of the checkpoint that the log will end with, if it is not the newest of those stored with it: with Options.UnsignedTail
	// others may follow, such as have no witnesses yet. 0 stands for the newest.
	Signed int64
}

// Row is an entry as its source holds it.
type Row struct {
	// LeafIndex is where the source has it, whatever the leaf says.
	LeafIndex int64
	// Leaf is the exact bytes that are the Merkle leaf. It is used during the call only.
	Leaf []byte
	// StoredHashes are those of the nodes that the leaf completes, leaf hash first, as the source holds them.
	StoredHashes [][]byte
	// Mismatched names search columns whose value is not what the leaf says.
	Mismatched []string
}

// LogEnd is what a verification ends with.
type LogEnd struct {
	// Checkpoint is the signed note over the entries.
	Checkpoint string
	// Consistency, for entries that end before the checkpoint does, proves that the tree up to them is a prefix of the checkpoint's (RFC 6962,
	// section 2.1.2).
	Consistency []tlog.Hash
}

// NewVerifier begins a verification.
func NewVerifier(start LogStart, opts Options) *Verifier {
	v := &Verifier{}
	v.init(opts)
	v.begin(start)
	return v
}

func (v *Verifier) init(opts Options) {
	if opts.MaxIDs <= 0 {
		opts.MaxIDs = defaultMaxIDs
	}
	v.opts, v.ids = opts, newIDSet(opts.MaxIDs)
}

func (v *Verifier) begin(start LogStart) {
	v.report.Origin, v.report.TenantID, v.report.FirstIndex = start.Origin, start.TenantID, start.Tree.Size()
	v.tenantID, v.tree, v.next, v.signed = []byte(start.TenantID), start.Tree.Clone(), start.Tree.Size(), start.Signed
	v.openKnown()
}

// Size returns how many entries the log has as far as it was read: the index that must come next.
func (v *Verifier) Size() int64 { return v.next }

// Malformed adds a finding about a thing that the source holds in a form that the platform does not write.
func (v *Verifier) Malformed(format string, args ...any) {
	v.report.add(ReasonMalformed, -1, -1, format, args...)
}

// Add judges the next entry. Entries come in the order in which the source has them.
func (v *Verifier) Add(row Row) {
	e := entryRow{index: row.LeafIndex, leaf: row.Leaf, hashes: v.hashes[:0]}
	for _, h := range row.StoredHashes {
		if len(h) != tlog.HashSize {
			e.excess = true
			break
		}
		e.hashes = append(e.hashes, tlog.Hash(h))
	}
	v.hashes = e.hashes
	e.mismatched = row.Mismatched
	v.entry(e)
}

// Conclude judges the end and returns the report.
func (v *Verifier) Conclude(end LogEnd) Report {
	v.ended()
	v.holdHeads()
	if end.Checkpoint == "" {
		v.report.add(ReasonNoCheckpoint, -1, -1, "there is no checkpoint over the entries")
		v.judgeUnread(Checkpoint{}, false, false)
	} else {
		v.judgeCheckpoint(end)
	}
	v.judgeHeads()
	if p := v.platform; p != nil {
		v.report.include(p, "the commitment on the platform's log: ")
		v.report.WitnessedBy = p.WitnessedBy
	}
	return v.report.conclude()
}

// Abandon ends a verification whose source ended before its last entry, so that nothing is said about what is not there.
func (v *Verifier) Abandon(format string, args ...any) Report {
	v.ended()
	v.holdHeads()
	v.report.add(ReasonNoCheckpoint, -1, -1, format, args...)
	v.judgeHeads()
	return v.report.conclude()
}

// ended counts.
func (v *Verifier) ended() {
	v.report.Entries = v.next - v.report.FirstIndex
	v.report.UniqueIDs = v.ids.count
}
