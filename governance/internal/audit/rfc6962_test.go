package audit_test

import (
	"crypto/sha256"

	"golang.org/x/mod/sumdb/tlog"
)

// tree is the leaves of a log, in order. Its methods are the definitions of RFC 6962, section 2.1, word for word and without anything of the wall's
// or of package tlog's: what the wall stores and hands out is held against them.
type tree [][]byte

// root is MTH(D[n]), the Merkle tree hash (section 2.1).
func (d tree) root() tlog.Hash {
	switch len(d) {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return sha256.Sum256(append([]byte{0x00}, d[0]...))
	}
	k := d.split()
	left, right := d[:k].root(), d[k:].root()
	return sha256.Sum256(append(append([]byte{0x01}, left[:]...), right[:]...))
}

// split is k, the largest power of two smaller than n.
func (d tree) split() int {
	k := 1
	for 2*k < len(d) {
		k *= 2
	}
	return k
}

// path is PATH(m, D[n]), the audit path of the leaf at m (section 2.1.1).
func (d tree) path(m int) []tlog.Hash {
	if len(d) == 1 {
		return nil
	}
	k := d.split()
	if m < k {
		return append(d[:k].path(m), d[k:].root())
	}
	return append(d[k:].path(m-k), d[:k].root())
}

// consistency is PROOF(m, D[n]), for 0 < m (section 2.1.2).
func (d tree) consistency(m int) []tlog.Hash { return d.subproof(m, true) }

// subproof is SUBPROOF(m, D[n], b).
func (d tree) subproof(m int, b bool) []tlog.Hash {
	if m == len(d) {
		if b {
			return nil
		}
		return []tlog.Hash{d.root()}
	}
	k := d.split()
	if m <= k {
		return append(d[:k].subproof(m, b), d[k:].root())
	}
	return append(d[k:].subproof(m-k, false), d[:k].root())
}

// completed are the hashes of the nodes that the leaf at an index completes, lowest first: of the perfect subtrees that end with it.
func (d tree) completed(index int) []tlog.Hash {
	var hashes []tlog.Hash
	for size := 1; (index+1)%size == 0; size *= 2 {
		hashes = append(hashes, d[index+1-size:index+1].root())
	}
	return hashes
}
