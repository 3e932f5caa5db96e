package auditlog_test

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/bits"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
)

// proofVector is a test vector of github.com/transparency-dev/merkle: see testdata/README.md.
type proofVector struct {
	LeafIdx, TreeSize  json.Number // some are beyond an int64
	Size1, Size2       json.Number
	Root, Root1, Root2 string
	LeafHash           string
	Proof              []string
	Desc               string
	WantErr            bool
}

func readVectors(t *testing.T, name string, each func(line int, v proofVector)) {
	t.Helper()
	file, err := os.Open("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	lines := bufio.NewScanner(file)
	n := 0
	for ; lines.Scan(); n++ {
		var v proofVector
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatalf("line %d: %v", n+1, err)
		}
		each(n+1, v)
	}
	if lines.Err() != nil || n < 90 {
		t.Fatalf("%d vectors, %v", n, lines.Err())
	}
}

// hashOf reads a hash of a vector; some damaged ones are none.
func hashOf(text string) (h tlog.Hash, ok bool) {
	b, err := base64.StdEncoding.DecodeString(text)
	return tlog.Hash(append(b, h[:]...)), err == nil && len(b) == len(h)
}

// ctNodes is the tree of ctTree as the wall stores it.
func ctNodes(t *testing.T) *memoryLog {
	t.Helper()
	l := &memoryLog{t: t}
	for _, step := range ctTree {
		leaf, err := hex.DecodeString(step.leaf)
		if err != nil {
			t.Fatal(err)
		}
		l.rows = append(l.rows, row{leaf: leaf, hashes: l.tree.Append(nil, auditlog.LeafHash(leaf))})
	}
	return l
}

// TestInclusionVectors: a receipt with the vector's proof, under a signed checkpoint with its size and root, verifies when the vector is sound and
// only then; and the sound ones are what the stored hashes of the tree give.
func TestInclusionVectors(t *testing.T) {
	t.Parallel()
	l := ctNodes(t)
	key := testKeys(t, 1)[0]
	origin := auditlog.Origin(testPrefix, testTenant)
	readVectors(t, "merkle-inclusion.jsonl", func(line int, v proofVector) {
		text := strings.Join(append([]string{"c2sp.org/tlog-proof@v1", "index " + v.LeafIdx.String()}, v.Proof...), "\n") + "\n"
		size, sizeErr := v.TreeSize.Int64()
		root, rootOK := hashOf(v.Root)
		leaf, leafOK := hashOf(v.LeafHash)
		signed, _, err := auditlog.Checkpoint{Origin: origin, Size: size, Root: root}.Sign(key)
		if err != nil {
			t.Fatal(err)
		}
		r := auditlog.VerifyReceipt(text+"\n"+signed, auditlog.ReceiptOptions{Keys: ring(t, 1, testTenant), LeafHash: &leaf})
		formed := sizeErr == nil && rootOK && leafOK
		if verified := r.Verdict == auditlog.Verified && formed; verified == v.WantErr {
			t.Errorf("line %d, %s: %v %v", line, v.Desc, r.Verdict, r.Findings)
		}
		if !v.WantErr && root.String() == rootOf(t, size) {
			proof, err := tlog.ProveRecord(size, r.FirstIndex, l)
			if err != nil || !slices.Equal(texts(proof), v.Proof) {
				t.Errorf("line %d: the stored hashes prove %v, %v", line, proof, err)
			}
		}
	})
}

// rootOf returns ctTree's root at a size as vectors write it; "" beyond it.
func rootOf(t *testing.T, size int64) string {
	t.Helper()
	if size < 1 || size > int64(len(ctTree)) {
		return ""
	}
	b, err := hex.DecodeString(ctTree[size-1].root)
	if err != nil {
		t.Fatal(err)
	}
	return tlog.Hash(b).String()
}

func texts(hashes []tlog.Hash) (list []string) {
	for _, h := range hashes {
		list = append(list, h.String())
	}
	return list
}

// TestConsistencyVectors: a log that ends at the vector's first size, under a checkpoint of the second, verifies with the vector's proof when that is
// sound and only then; and the sound ones are what the stored hashes of the tree give. Trees of no entries, and what has no hashes for roots, the wall
// has no proofs of.
func TestConsistencyVectors(t *testing.T) {
	t.Parallel()
	l := ctNodes(t)
	key := testKeys(t, 1)[0]
	origin := auditlog.Origin(testPrefix, testTenant)
	judged, sound := 0, 0
	readVectors(t, "merkle-consistency.jsonl", func(line int, v proofVector) {
		first, err1 := v.Size1.Int64()
		second, err2 := v.Size2.Int64()
		root1, ok1 := hashOf(v.Root1)
		root2, ok2 := hashOf(v.Root2)
		proof := make([]tlog.Hash, len(v.Proof))
		for i, text := range v.Proof {
			h, ok := hashOf(text)
			proof[i], ok1 = h, ok1 && ok
		}
		if err1 != nil || err2 != nil || first < 1 || !ok1 || !ok2 {
			return
		}
		if err := tlog.CheckTree(proof, second, root2, first, root1); (err != nil) != v.WantErr {
			t.Errorf("line %d, %s: CheckTree: %v", line, v.Desc, err)
		}
		if root1.String() != rootOf(t, first) || second < 1 {
			return // a log that ends with another root than this one needs other leaves
		}
		var roots []tlog.Hash
		for _, n := range auditlog.RangeNodes(first) {
			roots = append(roots, l.rows[n.LeafIndex].hashes[n.Level])
		}
		start, err := auditlog.NewRange(first, roots)
		if err != nil || start.Root() != root1 {
			t.Fatalf("the range of %d: %v", first, err)
		}
		signed, _, err := auditlog.Checkpoint{Origin: origin, Size: second, Root: root2}.Sign(key)
		if err != nil {
			t.Fatal(err)
		}
		verifier := auditlog.NewVerifier(auditlog.LogStart{Origin: origin, TenantID: testTenant.String(), Tree: start}, auditlog.Options{Keys: ring(t, 1, testTenant)})
		r := verifier.Conclude(auditlog.LogEnd{Checkpoint: signed, Consistency: proof})
		judged++
		if (r.Verdict == auditlog.Verified) == v.WantErr {
			t.Errorf("line %d, %s: %v %v", line, v.Desc, r.Verdict, r.Findings)
		}
		if v.WantErr {
			return
		}
		sound++
		made, err := tlog.ProveTree(second, first, l)
		if err != nil || !slices.Equal(texts(made), v.Proof) {
			t.Errorf("line %d: the stored hashes prove %v, %v", line, made, err)
		}
	})
	if judged < 50 || sound != 5 {
		t.Errorf("%d vectors were judged, %d of them sound", judged, sound)
	}
}

// TestSubtreeVectors computes two of the accumulated test vectors of draft-ietf-plants-merkle-tree-certs (appendix "Subtree Test Vectors"), as
// github.com/transparency-dev/merkle has them (testonly/vectors_test.go): the roots and the inclusion proofs of every tree that stands within trees
// of up to 130 leaves 0x00, 0x01, and so on, folded into one SHA-256 each. Every such tree is one of RFC 6962 over its own leaves.
func TestSubtreeVectors(t *testing.T) {
	t.Parallel()
	const most = 130
	roots, proofs := sha256.New(), sha256.New()
	for end := range most + 1 {
		for start := range end + 1 {
			n := end - start
			if start > 0 && n > 0 && start%(1<<bits.Len(uint(n-1))) != 0 { // small and not negative
				continue
			}
			l := &memoryLog{t: t}
			for leaf := start; leaf < end; leaf++ {
				l.rows = append(l.rows, row{hashes: l.tree.Append(nil, auditlog.LeafHash([]byte{byte(leaf)}))})
			}
			root := l.tree.Root()
			fmt.Fprintf(roots, "[%d, %d) %x\n", start, end, root[:])
			for index := range int64(n) {
				proof, err := tlog.ProveRecord(int64(n), index, l)
				if err != nil {
					t.Fatal(err)
				}
				fmt.Fprintf(proofs, "%d [%d, %d)", int64(start)+index, start, end)
				for _, h := range proof {
					fmt.Fprintf(proofs, " %x", h[:])
				}
				_, _ = io.WriteString(proofs, "\n")
			}
		}
	}
	if got := hex.EncodeToString(roots.Sum(nil)); got != "b82806ad4265bb151c1119c0f4db437bb4d1a1f887b3a7fba1cd4ebf552e3e81" {
		t.Errorf("roots: %s", got)
	}
	if got := hex.EncodeToString(proofs.Sum(nil)); got != "ac2a8f989e44d99e399db448050ff5f19757df53cfb716aa81015d3955d8163f" {
		t.Errorf("inclusion proofs: %s", got)
	}
}

// The example of c2sp.org/tlog-proof, signatures shortened as there.
const exampleProof = `c2sp.org/tlog-proof@v1
extra YWdlLXYxLjIuMS1kYXJ3aW4tYXJtNjQudGFyLmd6kYXJ3aW4tYXJ
index 73894
gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=
B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=
EKNzoDWG8LGC0Yp9o+sv3qllpMP9uHQ9B20KNL+Q1zs=
RoopEkOdqkYqMB4MJXrbt/hMjOxsVn0IrWjpz1ZMMes=
AHCioX9nLjsrse6YhjRRmk1WUEirVOLLRoOQ6vfO5vk=

example.com/fancylog
109482
sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=

— example.com/fancylog hI2DJw[...]1roloI=
— witness1.example mJirIklj[...]qY9v2B/5bg==
— witness2.example TnKKVHLX[...]xwYwrSjgow==
— witness3.example S4X82uH5[...]3oEcROGLFQ==
`

func TestTlogProofExample(t *testing.T) {
	t.Parallel()
	p, err := auditlog.ParseProof(exampleProof)
	if err != nil {
		t.Fatal(err)
	}
	if p.Index != 73894 || len(p.Hashes) != 5 || p.Hashes[4].String() != "AHCioX9nLjsrse6YhjRRmk1WUEirVOLLRoOQ6vfO5vk=" ||
		!strings.HasPrefix(string(p.Extra), "age-v1.2.1-darwin-arm64.tar.gz") || !strings.HasPrefix(p.Checkpoint, "example.com/fancylog\n109482\n") {
		t.Errorf("%+v", p)
	}
	if p.String() != exampleProof {
		t.Errorf("written as %q", p.String())
	}
}

// TestSignedNoteExample: the key and the note of c2sp.org/signed-note's example fit. It is no checkpoint, which is all that Open opens.
func TestSignedNoteExample(t *testing.T) {
	t.Parallel()
	if _, err := auditlog.ParseKeys(exampleVKey); err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(exampleVKey)
	if err != nil {
		t.Fatal(err)
	}
	merged, err := auditlog.AddSignatures(exampleNote, strings.SplitAfter(exampleNote, "\n\n")[1])
	if err != nil || merged != exampleNote {
		t.Fatalf("with its own signature again: %q, %v", merged, err)
	}
	if n, err := note.Open([]byte(merged), note.VerifierList(verifier)); err != nil || n.Text != "This is an example message.\n" {
		t.Errorf("%+v, %v", n, err)
	}
	if c, err := auditlog.Read(exampleNote); err == nil {
		t.Errorf("it was read as a checkpoint: %+v", c)
	}
	const poem = "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n" +
		"— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n"
	if c, err := auditlog.Read(poem); err == nil {
		t.Errorf("it was read as a checkpoint: %+v", c)
	}
}

// The example of c2sp.org/tlog-cosignature, whose witness's key it does not give.
const exampleCosigned = exampleCheckpoint +
	"— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"

// TestCosignatureExample: a cosigned checkpoint reads as the one without, and what we cosign at the example's time is the message that the specification
// spells out.
func TestCosignatureExample(t *testing.T) {
	t.Parallel()
	bare, err := auditlog.Read(exampleCheckpoint)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := auditlog.Read(exampleCosigned); err != nil || c != bare {
		t.Errorf("%+v, %v", c, err)
	}
	if again, err := auditlog.AddSignatures(exampleCheckpoint, strings.TrimPrefix(exampleCosigned, exampleCheckpoint)); err != nil || again != exampleCosigned {
		t.Errorf("put together: %q, %v", again, err)
	}
	seed := bytes.Repeat([]byte{3}, ed25519.SeedSize)
	w, err := auditlog.NewCosigningKey("witness.example.com/w1", seed)
	if err != nil {
		t.Fatal(err)
	}
	if found, err := auditlog.Cosignatures(exampleCosigned, w.WitnessKey); err != nil || len(found) != 0 {
		t.Errorf("another key of that name: %+v, %v", found, err)
	}
	line, err := w.Cosign(exampleCheckpoint, time.Unix(1679315147, 0))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(strings.TrimPrefix(line, "— witness.example.com/w1 ")))
	if err != nil || len(raw) != 4+8+ed25519.SignatureSize {
		t.Fatalf("%q: %v", line, err)
	}
	example, err := base64.StdEncoding.DecodeString("jWbPPwAAAABkGFDL")
	if err != nil || !bytes.Equal(raw[4:12], example[4:]) {
		t.Errorf("the time is %x, in the example %x", raw[4:12], example[4:])
	}
	const message = "cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
	if public, ok := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey); !ok || !ed25519.Verify(public, []byte(message), raw[12:]) {
		t.Error("another message was cosigned")
	}
}
