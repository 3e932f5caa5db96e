package auditlog

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"golang.org/x/mod/sumdb/tlog"
)

// ProveFromExport makes the receipt of the entry at an index from an export that holds it, with no server, and returns the entry's bytes too. All
// of the export is checked on the way, except who signed it: the receipt says that, to whoever verifies it.
func ProveFromExport(r io.Reader, index int64) (receipt string, leaf []byte, err error) {
	x := newExportReader(r, Options{})
	siblings := map[Node]tlog.Hash{}
	x.hook = func(e entryRow, completed []tlog.Hash) error {
		if e.index == index {
			leaf = append([]byte(nil), e.leaf...)
		}
		for level, h := range completed { // the nodes beside the path from the leaf up
			if node := e.index >> level; node == (index>>level)^1 {
				siblings[Node{LeafIndex: e.index, Level: level}] = h
			}
		}
		return nil
	}
	if err := x.read(); err != nil {
		return "", nil, err
	}
	first, next := x.report.FirstIndex, x.next
	before := x.start.Tree
	report := x.conclude()
	for _, f := range report.Findings {
		if f.Certain() || f.Reason == ReasonNoCheckpoint || f.Reason == ReasonUnknownFormat {
			return "", nil, fmt.Errorf("prove from the export: %s", f)
		}
	}
	if leaf == nil {
		return "", nil, fmt.Errorf("prove from the export: it holds the entries %d to %d", first, next-1)
	}
	if report.TreeSize != next {
		return "", nil, fmt.Errorf("prove from the export: it ends before its checkpoint, which covers %d entries", report.TreeSize)
	}
	for _, tree := range []Range{before, x.tree} { // the perfect subtrees at either end
		for i, node := range RangeNodes(tree.Size()) {
			siblings[node] = tree.Roots()[i]
		}
	}
	proof, err := tlog.ProveRecord(next, index, nodeReader(func(n Node) (tlog.Hash, error) {
		h, ok := siblings[n]
		if !ok {
			return h, fmt.Errorf("node %d of level %d is missing", n.LeafIndex, n.Level)
		}
		return h, nil
	}))
	if err != nil {
		return "", nil, fmt.Errorf("prove from the export: %w", err)
	}
	return NewReceipt(index, LeafHash(leaf), proof, x.end.Checkpoint), leaf, nil
}

// nodeReader is a tlog.HashReader that looks up nodes one by one.
type nodeReader func(Node) (tlog.Hash, error)

// ReadHashes implements tlog.HashReader.
func (r nodeReader) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		var err error
		if hashes[i], err = r(NodeAt(index)); err != nil {
			return nil, err
		}
	}
	return hashes, nil
}

// Scratch is where hashes are kept that memory has no room for: a temporary file.
type Scratch interface {
	io.Writer
	io.ReaderAt
}

// ReceiptsFromExport makes a receipt of each entry of a complete export. The hashes go through scratch, which takes 64 bytes an entry.
func ReceiptsFromExport(r io.Reader, scratch Scratch, each func(index int64, receipt string) error) error {
	x := newExportReader(r, Options{})
	keep := bufio.NewWriterSize(scratch, 1<<16)
	x.hook = func(_ entryRow, completed []tlog.Hash) error {
		for i := range completed {
			if _, err := keep.Write(completed[i][:]); err != nil {
				return fmt.Errorf("keep hashes: %w", err)
			}
		}
		return nil
	}
	if err := x.read(); err != nil {
		return err
	}
	if err := keep.Flush(); err != nil {
		return fmt.Errorf("keep hashes: %w", err)
	}
	before := x.start.Tree
	first, next := x.report.FirstIndex, x.next
	report := x.conclude()
	for _, f := range report.Findings {
		if f.Certain() || f.Reason == ReasonNoCheckpoint || f.Reason == ReasonUnknownFormat {
			return fmt.Errorf("make receipts: %s", f)
		}
	}
	if report.TreeSize != next {
		return errors.New("make receipts: the export ends before its checkpoint")
	}
	known := map[Node]tlog.Hash{}
	for i, node := range RangeNodes(first) {
		known[node] = before.Roots()[i]
	}
	base := tlog.StoredHashIndex(0, first)
	lookUp := nodeReader(func(n Node) (h tlog.Hash, err error) {
		if n.LeafIndex < first {
			return known[n], nil
		}
		stored := tlog.StoredHashIndex(n.Level, n.LeafIndex>>n.Level)
		_, err = scratch.ReadAt(h[:], (stored-base)*tlog.HashSize)
		return h, err
	})
	for index := first; index < next; index++ {
		proof, err := tlog.ProveRecord(next, index, lookUp)
		if err != nil {
			return fmt.Errorf("make the receipt of entry %d: %w", index, err)
		}
		leafHash, err := lookUp(Node{LeafIndex: index})
		if err != nil {
			return fmt.Errorf("make the receipt of entry %d: %w", index, err)
		}
		if err := each(index, NewReceipt(index, leafHash, proof, x.end.Checkpoint)); err != nil {
			return err
		}
	}
	return nil
}
