package auditlog

import (
	"fmt"
	"time"
)

// The verdicts. Each is a statement about what was read; failing to read is an error instead.
const (
	// Verified: everything holds, down to a signature by a trusted key.
	Verified Verdict = iota + 1
	// Tampered: something contradicts itself, a signature or a checkpoint that the auditor holds.
	Tampered
	// CannotVerify: nothing contradicts, but something needed to tell is missing.
	CannotVerify
)

// Verdict is the outcome of a verification.
type Verdict uint8

// String returns the verdict's name.
func (v Verdict) String() string {
	switch v {
	case Verified:
		return "VERIFIED"
	case Tampered:
		return "TAMPERED"
	case CannotVerify:
		return "CANNOT_VERIFY"
	default:
		return "UNSPECIFIED"
	}
}

// Reason says what is wrong.
type Reason string

// Reasons for Tampered.
const (
	ReasonMalformed          Reason = "MALFORMED"           // a line or a note is not as the platform writes it
	ReasonMissingEntries     Reason = "MISSING_ENTRIES"     // indexes are absent
	ReasonOutOfOrder         Reason = "OUT_OF_ORDER"        // an index comes again or too early
	ReasonLeafHash           Reason = "LEAF_HASH"           // the leaf's hash is not the stored one: the entry was altered
	ReasonNodeHash           Reason = "NODE_HASH"           // a stored inner node is not the hash of what is below it
	ReasonLeafFormat         Reason = "LEAF_FORMAT"         // the leaf is not an entry
	ReasonLeafPosition       Reason = "LEAF_POSITION"       // the index inside the leaf is not the row's: entries were moved
	ReasonLeafTenant         Reason = "LEAF_TENANT"         // the tenant inside the leaf is another
	ReasonDuplicateEntryID   Reason = "DUPLICATE_ENTRY_ID"  // an entry id comes twice
	ReasonTimeBackwards      Reason = "TIME_BACKWARDS"      // the recorded time falls
	ReasonEntryText          Reason = "ENTRY_TEXT"          // the readable entry is not what the leaf says
	ReasonColumns            Reason = "COLUMNS"             // search columns differ from the leaf
	ReasonRootHash           Reason = "ROOT_HASH"           // the entries do not add up to the checkpoint's root
	ReasonSignature          Reason = "SIGNATURE"           // a trusted key's signature does not verify
	ReasonOrigin             Reason = "ORIGIN"              // the checkpoint is another log's
	ReasonCheckpointConflict Reason = "CHECKPOINT_CONFLICT" // the log contradicts a checkpoint that the auditor holds
	ReasonNotIncluded        Reason = "NOT_INCLUDED"        // a receipt's proof does not lead to its checkpoint
)

// Reasons for CannotVerify.
const (
	ReasonNoTrustedKey   Reason = "NO_TRUSTED_KEY"  // no key to check signatures with was given
	ReasonUnknownKey     Reason = "UNKNOWN_KEY"     // none of the trusted keys signed
	ReasonNoCheckpoint   Reason = "NO_CHECKPOINT"   // the export ends without a checkpoint
	ReasonNotCovered     Reason = "NOT_COVERED"     // entries lie beyond the checkpoint
	ReasonUnknownFormat  Reason = "UNKNOWN_FORMAT"  // written by something newer, or no export at all
	ReasonNoLeafHash     Reason = "NO_LEAF_HASH"    // a receipt alone does not say of which leaf
	ReasonOtherLog       Reason = "OTHER_LOG"       // a checkpoint that the auditor brought is of another log
	ReasonUntrustedKnown Reason = "UNTRUSTED_KNOWN" // a checkpoint that the auditor brought is not signed by a trusted key
	ReasonNotWitnessed   Reason = "NOT_WITNESSED"   // the policy that the auditor demands is not satisfied
)

// cannotVerify lists the reasons that leave a doubt rather than prove a change.
func (r Reason) cannotVerify() bool {
	switch r {
	case ReasonNoTrustedKey, ReasonUnknownKey, ReasonNoCheckpoint, ReasonNotCovered, ReasonUnknownFormat, ReasonNoLeafHash, ReasonOtherLog,
		ReasonUntrustedKnown, ReasonNotWitnessed:
		return true
	default:
		return false
	}
}

// breaksTree lists the reasons after which the root hash cannot fit either, so that saying so adds nothing.
func (r Reason) breaksTree() bool {
	switch r {
	case ReasonMalformed, ReasonMissingEntries, ReasonOutOfOrder, ReasonLeafHash, ReasonNodeHash, ReasonLeafPosition:
		return true
	default:
		return false
	}
}

// Finding is one thing that is wrong, and where: the entries First to Last. When only the tree can tell, that is the smallest range that
// contains the change; when it is about no entry, both are -1.
type Finding struct {
	Reason Reason `json:"reason"`
	First  int64  `json:"first_index"`
	Last   int64  `json:"last_index"`
	Detail string `json:"detail"`
}

// Certain reports whether the finding proves a change. Otherwise it says what kept the verification from telling.
func (f Finding) Certain() bool { return !f.Reason.cannotVerify() }

// String returns the finding for people.
func (f Finding) String() string {
	switch {
	case f.First < 0:
		return fmt.Sprintf("%s: %s", f.Reason, f.Detail)
	case f.First == f.Last:
		return fmt.Sprintf("entry %d: %s: %s", f.First, f.Reason, f.Detail)
	default:
		return fmt.Sprintf("entries %d to %d: %s: %s", f.First, f.Last, f.Reason, f.Detail)
	}
}

// maxFindings bounds a report: the first findings tell the story, and a file that is wrong everywhere must not fill memory.
const maxFindings = 100

// Report is what a verification found.
type Report struct {
	Verdict  Verdict
	Findings []Finding
	// Dropped counts findings beyond the first hundred.
	Dropped int

	Origin   string
	TenantID string
	// FirstIndex and Entries say what was read: that many entries from that index on.
	FirstIndex int64
	Entries    int64
	// First and Last are the recorded times of the first and the last entry.
	First, Last time.Time
	// TreeSize and RootHash are the checkpoint's.
	TreeSize int64
	RootHash [32]byte
	// Checkpoint is the signed note itself.
	Checkpoint string
	// SignedBy names the trusted keys that signed the checkpoint.
	SignedBy []string
	// WitnessedBy names the witnesses of the policy that cosigned it, as the policy does.
	WitnessedBy []string
	// KnownCheckpoints is how many checkpoints of the auditor's fit.
	KnownCheckpoints int
	// StoredCheckpoints is how many checkpoints that came with the log fit, and CommittedHeads how many heads on the platform's log.
	StoredCheckpoints, CommittedHeads int
	// UnsignedCheckpoints is how many checkpoints that came with the log no trusted key signed.
	UnsignedCheckpoints int
	// Unsigned is how many entries lie beyond the checkpoint, where Options.UnsignedTail accepts that.
	Unsigned int64
	// Receipts is how many receipts that came with the log lead from their entry to its root.
	Receipts int64
	// proven is set where the last missing piece fits: nothing else makes a report Verified.
	proven bool
	// UniqueIDs is how many entry ids were compared with each other: all of them, unless Options.MaxIDs is smaller.
	UniqueIDs int64
}

func (r *Report) add(reason Reason, first, last int64, format string, args ...any) {
	if len(r.Findings) >= maxFindings {
		r.Dropped++
		if !reason.cannotVerify() {
			r.Verdict = Tampered
		}
		return
	}
	r.Findings = append(r.Findings, Finding{Reason: reason, First: first, Last: last, Detail: fmt.Sprintf(format, args...)})
}

// Refuse returns the report on something that cannot be judged further.
func Refuse(reason Reason, format string, args ...any) Report {
	var r Report
	r.add(reason, -1, -1, format, args...)
	return r.conclude()
}

// Note adds a finding about no entry to a report that was concluded.
func (r *Report) Note(reason Reason, format string, args ...any) {
	r.add(reason, -1, -1, format, args...)
	r.conclude()
}

// include adds the findings of the report on something that belongs to what was verified.
func (r *Report) include(other *Report, prefix string) {
	for _, f := range other.Findings {
		r.add(f.Reason, -1, -1, "%s%s", prefix, f.Detail)
	}
	r.proven = r.proven && other.proven
}

// conclude derives the verdict: one proof of a change outweighs every doubt, and no finding at all proves nothing.
func (r *Report) conclude() Report {
	for _, f := range r.Findings {
		if !f.Reason.cannotVerify() {
			r.Verdict = Tampered
		}
	}
	switch {
	case r.Verdict == Tampered:
	case r.proven && len(r.Findings) == 0 && r.Dropped == 0:
		r.Verdict = Verified
	default:
		r.Verdict = CannotVerify
	}
	return *r
}

// treeBroken reports whether a finding already explains a wrong root hash.
func (r *Report) treeBroken() bool {
	for _, f := range r.Findings {
		if f.Reason.breaksTree() {
			return true
		}
	}
	return false
}

// covers reports whether a finding about the tree already lies in the range.
func (r *Report) covers(first, last int64) bool {
	for _, f := range r.Findings {
		if f.Reason.breaksTree() && f.First <= last && f.Last >= first {
			return true
		}
	}
	return false
}
