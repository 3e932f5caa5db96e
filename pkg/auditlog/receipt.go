package auditlog

import (
	"bytes"
	"errors"

	"golang.org/x/mod/sumdb/tlog"
)

// ReceiptOptions says what an auditor brings to the verification of a receipt.
type ReceiptOptions struct {
	// Keys are the public keys that the auditor trusts.
	Keys Keyring
	// Leaf is the entry's exact bytes, where the auditor has them (LogEntry.leaf).
	Leaf []byte
	// LeafHash is its hash, where that is what the auditor has.
	LeafHash *tlog.Hash
	// Origin is the log that the receipt must be of; "" accepts any whose key is trusted.
	Origin string
	// Policy, when set, must be satisfied by the receipt's checkpoint.
	Policy *Policy
}

// NewReceipt returns the receipt of an entry: a proof that carries the leaf hash.
func NewReceipt(index int64, leafHash tlog.Hash, hashes []tlog.Hash, checkpoint string) string {
	return Proof{Extra: leafHash[:], Index: index, Hashes: hashes, Checkpoint: checkpoint}.String()
}

// VerifyReceipt checks a receipt: the inclusion of the leaf in the tree of its checkpoint, and that a trusted key signed that. Without leaf or leaf
// hash it proves that the entry with the hash in the receipt is in the log, not what the entry says.
func VerifyReceipt(text string, opts ReceiptOptions) Report {
	var r Report
	p, err := ParseProof(text)
	if err != nil {
		r.add(ReasonMalformed, -1, -1, "%v", err)
		return r.conclude()
	}
	r.FirstIndex = p.Index
	leafHash, ok := r.leafHash(p, opts)
	if !ok {
		return r.conclude()
	}
	c, signedBy, err := p.Verify(leafHash, opts.Keys)
	switch {
	case errors.Is(err, ErrUnknownKey) && opts.Keys.Empty():
		r.add(ReasonNoTrustedKey, -1, -1, "no trusted key was given to check the checkpoint's signature with")
	case errors.Is(err, ErrUnknownKey):
		r.add(ReasonUnknownKey, -1, -1, "none of the trusted keys signed the checkpoint")
	case errors.Is(err, ErrBadSignature):
		r.add(ReasonSignature, -1, -1, "%v", err)
	case errors.Is(err, ErrNotIncluded):
		r.add(ReasonNotIncluded, p.Index, p.Index, "%v", err)
	case err != nil:
		r.add(ReasonMalformed, -1, -1, "%v", err)
	}
	r.judgePolicy(p.Checkpoint, opts.Policy)
	r.Origin, r.TreeSize, r.RootHash, r.SignedBy = c.Origin, c.Size, c.Root, signedBy
	if opts.Origin != "" && c.Origin != "" && c.Origin != opts.Origin {
		r.add(ReasonOrigin, -1, -1, "the receipt is of the log %s", c.Origin)
	}
	if opts.Leaf != nil {
		r.leaf(p.Index, opts.Leaf)
	}
	if err == nil {
		r.proven, r.Entries = true, 1
	}
	return r.conclude()
}

// leafHash finds the hash to prove the inclusion of.
func (r *Report) leafHash(p Proof, opts ReceiptOptions) (tlog.Hash, bool) {
	carried := len(p.Extra) == tlog.HashSize
	var h tlog.Hash
	switch {
	case opts.Leaf != nil:
		h = LeafHash(opts.Leaf)
	case opts.LeafHash != nil:
		h = *opts.LeafHash
	case carried:
		return tlog.Hash(p.Extra), true
	default:
		r.add(ReasonNoLeafHash, -1, -1, "the receipt carries no leaf hash: bring the entry or its hash")
		return h, false
	}
	if carried && !bytes.Equal(p.Extra, h[:]) {
		r.add(ReasonLeafHash, p.Index, p.Index, "the receipt is of an entry with another hash")
	}
	return h, true
}

// leaf judges what an entry says about its place.
func (r *Report) leaf(index int64, leaf []byte) {
	_, facts, err := appendLeafJSON(nil, leaf)
	switch {
	case err != nil:
		r.add(ReasonLeafFormat, index, index, "%v", err)
	case facts.leafIndex != index:
		r.add(ReasonLeafPosition, index, index, "the leaf says index %d", facts.leafIndex)
	case r.Origin != "" && !originOf(r.Origin, string(facts.tenantID)):
		r.add(ReasonLeafTenant, index, index, "the leaf says tenant %q", facts.tenantID)
	default:
		r.TenantID, r.First, r.Last = string(facts.tenantID), facts.recorded, facts.recorded
	}
}
