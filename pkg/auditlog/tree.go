package auditlog

import (
	"crypto/sha256"
	"fmt"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// leafHashPrefix tells leaves from inner nodes (RFC 6962, section 2.1).
const leafHashPrefix = 0x00

// LeafHash returns the hash of a leaf: SHA-256(0x00 ‖ leaf) (RFC 6962, section 2.1). It equals tlog.RecordHash, without its allocations: the
// prefix is put before leaves that fit a buffer.
func LeafHash(leaf []byte) tlog.Hash {
	var buf [2048]byte // whose first byte is leafHashPrefix
	if len(leaf) >= len(buf) {
		return tlog.RecordHash(leaf)
	}
	n := copy(buf[1:], leaf)
	return sha256.Sum256(buf[:n+1])
}

// Range is a Merkle tree in compact form: the roots of its perfect subtrees, largest first. It is all that appending to the tree and knowing
// its root takes. The zero Range is the empty tree.
type Range struct {
	size  int64
	roots []tlog.Hash
}

// NewRange returns the tree of a size from the roots of its perfect subtrees, largest first: one for each bit that is set in size.
func NewRange(size int64, roots []tlog.Hash) (Range, error) {
	if size < 0 || bits.OnesCount64(uint64(size)) != len(roots) {
		return Range{}, fmt.Errorf("a tree of %d leaves does not have %d perfect subtrees", size, len(roots))
	}
	return Range{size: size, roots: append([]tlog.Hash(nil), roots...)}, nil
}

// Size returns the number of leaves.
func (r *Range) Size() int64 { return r.size }

// Roots returns the roots of the perfect subtrees, largest first. The result is valid until the next Append.
func (r *Range) Roots() []tlog.Hash { return r.roots }

// Clone returns an independent copy.
func (r *Range) Clone() Range {
	return Range{size: r.size, roots: append([]tlog.Hash(nil), r.roots...)}
}

// Append adds a leaf and appends to completed the hashes of the nodes that it completes, lowest level first, the leaf hash itself included:
// what is stored with the leaf (the hashes of tlog.StoredHashes).
func (r *Range) Append(completed []tlog.Hash, leaf tlog.Hash) []tlog.Hash {
	h := leaf
	completed = append(completed, h)
	for n := r.size; n&1 == 1; n >>= 1 { // each trailing 1 of the index is a perfect subtree to the left, as large as the one just completed
		last := len(r.roots) - 1
		h = tlog.NodeHash(r.roots[last], h)
		r.roots = r.roots[:last]
		completed = append(completed, h)
	}
	r.roots = append(r.roots, h)
	r.size++
	return completed
}

// Root returns the tree's root hash.
func (r *Range) Root() tlog.Hash {
	if r.size == 0 {
		return emptyRoot()
	}
	h := r.roots[len(r.roots)-1]
	for i := len(r.roots) - 2; i >= 0; i-- {
		h = tlog.NodeHash(r.roots[i], h)
	}
	return h
}

// emptyRoot is SHA-256 of nothing (RFC 6962, section 2.1).
func emptyRoot() tlog.Hash {
	h, _ := tlog.TreeHash(0, nil) // reads nothing and cannot fail for 0
	return h
}

// Node says where a stored hash stands: among the hashes that a leaf completes, the one at a level.
type Node struct {
	LeafIndex int64
	Level     int
}

// NodeAt returns where the hash with a stored hash index (tlog.StoredHashIndex) stands.
func NodeAt(storedHashIndex int64) Node {
	level, n := tlog.SplitStoredHashIndex(storedHashIndex)
	return Node{LeafIndex: (n+1)<<level - 1, Level: level}
}

// RangeNodes returns where the roots of the perfect subtrees of a tree stand, largest first: what NewRange needs.
func RangeNodes(size int64) []Node {
	nodes := make([]Node, 0, bits.OnesCount64(uint64(size))) // sizes are not negative
	end := int64(0)
	for level := 62; level >= 0; level-- {
		if size&(1<<level) != 0 {
			end += 1 << level
			nodes = append(nodes, Node{LeafIndex: end - 1, Level: level})
		}
	}
	return nodes
}
