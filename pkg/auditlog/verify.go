package auditlog

import (
	"io"
	"time"
)

// Options says what an auditor brings to a verification.
type Options struct {
	// Keys are the public keys that the auditor trusts. Without any the verdict is CannotVerify at best.
	Keys Keyring
	// Known are signed checkpoints of the same log that the auditor holds from elsewhere: the log must contain each of them as a prefix. They are
	// what finds a history that was rewritten consistently, with the log's own key.
	Known []string
	// KnownOthers says that some of them are of other logs and do not count here.
	KnownOthers bool
	// MayBeOlder says that what is read may have been taken before one of them was signed: one beyond its end is then a doubt, and no proof that
	// entries were cut off.
	MayBeOlder bool
	// Policy, when set, must be satisfied by the checkpoint, or, where the head is shown to stand on the platform's log, by that log's: that is the
	// one that witnesses see.
	Policy *Policy
	// TimeTolerance is how far recorded times may fall below the latest before; the platform's never do.
	TimeTolerance time.Duration
	// MaxIDs is how many entry ids are remembered to find duplicates; 0 means 3,145,728, which takes 64 MiB. Later entries are still compared with
	// those. Report.UniqueIDs says how far it went.
	MaxIDs int64
	// UnsignedTail accepts entries beyond the checkpoint, as a log has them that is being written to; Report.Unsigned counts them.
	UnsignedTail bool
	// Progress, when set, is called now and then with the number of entries read.
	Progress func(entries int64)
}

const defaultMaxIDs = 3 << 20

// VerifyExport reads an export and checks all of it: the form, gapless indexes, every leaf against its stored hash, every stored inner node
// against what is below it, the readable entries and the positions, tenants and times inside the leaves, the root hash against the
// checkpoint, its signature, and the checkpoints that the auditor knows. Memory is bounded whatever the size. The error is about reading r only.
func VerifyExport(r io.Reader, opts Options) (Report, error) {
	return VerifyExportWith(r, opts, With{})
}

// With is what came with an export and must fit it.
type With struct {
	// Stored are older checkpoints of the log.
	Stored []string
	// CommitmentLeaf and CommitmentReceipt show a head on the platform's log; see Verifier.Commitment.
	CommitmentLeaf    []byte
	CommitmentReceipt string
}

// VerifyExportWith is VerifyExport of an export that something came with.
func VerifyExportWith(r io.Reader, opts Options, with With) (Report, error) {
	x := newExportReader(r, opts)
	x.with = with
	if err := x.read(); err != nil {
		return Report{}, err
	}
	return x.conclude(), nil
}
