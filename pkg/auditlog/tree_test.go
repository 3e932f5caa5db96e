package auditlog_test

import (
	"encoding/hex"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
)

// The test tree of the Certificate Transparency reference implementation (google/certificate-transparency, merkletree_test.cc): leaves, and the
// root after each.
var ctTree = []struct{ leaf, root string }{
	{"", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
	{"00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"},
	{"10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"},
	{"2021", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"},
	{"3031", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"},
	{"40414243", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"},
	{"5051525354555657", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"},
	{"606162636465666768696a6b6c6d6e6f", "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"},
}

func TestRangeKnownRoots(t *testing.T) {
	t.Parallel()
	var tree auditlog.Range
	if got := hexOf(tree.Root()); got != "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" {
		t.Errorf("root of the empty tree: %s", got)
	}
	for i, step := range ctTree {
		leaf, err := hex.DecodeString(step.leaf)
		if err != nil {
			t.Fatal(err)
		}
		tree.Append(nil, auditlog.LeafHash(leaf))
		if got := hexOf(tree.Root()); got != step.root {
			t.Errorf("root of %d leaves: %s, want %s", i+1, got, step.root)
		}
	}
}

// TestRangeAgreesWithTlog compares every stored hash and root with package tlog's, and restores the range from stored hashes at each size.
func TestRangeAgreesWithTlog(t *testing.T) {
	t.Parallel()
	const leaves = 1100
	var tree auditlog.Range
	var stored []tlog.Hash
	rows := make([][]tlog.Hash, 0, leaves)
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			out[i] = stored[index]
			if n := auditlog.NodeAt(index); rows[n.LeafIndex][n.Level] != out[i] {
				t.Fatalf("NodeAt(%d) = %+v is another hash", index, n)
			}
		}
		return out, nil
	})
	for i := range int64(leaves) {
		leaf := auditlog.LeafHash([]byte{byte(i), byte(i >> 8)})
		want, err := tlog.StoredHashesForRecordHash(i, leaf, reader)
		if err != nil {
			t.Fatal(err)
		}
		got := tree.Append(nil, leaf)
		if len(got) != len(want) {
			t.Fatalf("leaf %d completes %d hashes, tlog says %d", i, len(got), len(want))
		}
		for level := range got {
			if got[level] != want[level] {
				t.Fatalf("leaf %d level %d differs", i, level)
			}
		}
		stored = append(stored, want...)
		rows = append(rows, got)
		root, err := tlog.TreeHash(i+1, reader)
		if err != nil {
			t.Fatal(err)
		}
		if tree.Root() != root {
			t.Fatalf("root of %d leaves differs", i+1)
		}
		var roots []tlog.Hash
		for _, n := range auditlog.RangeNodes(i + 1) {
			roots = append(roots, rows[n.LeafIndex][n.Level])
		}
		again, err := auditlog.NewRange(i+1, roots)
		if err != nil {
			t.Fatal(err)
		}
		if again.Root() != root || again.Size() != tree.Size() {
			t.Fatalf("the range of %d leaves restored from stored hashes has another root", i+1)
		}
	}
	if _, err := auditlog.NewRange(3, rows[0]); err == nil {
		t.Error("NewRange accepted one root for three leaves")
	}
}

func TestLeafHash(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 600, 2046, 2047, 2048, 2049, 65535} {
		leaf := make([]byte, n)
		for i := range leaf {
			leaf[i] = byte(i)
		}
		if auditlog.LeafHash(leaf) != tlog.RecordHash(leaf) {
			t.Errorf("LeafHash of %d bytes differs from tlog.RecordHash", n)
		}
	}
}

func hexOf(h tlog.Hash) string { return hex.EncodeToString(h[:]) }
