package auditlog_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
)

// hashes makes a log's stored hashes readable for package tlog.
func (l *memoryLog) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		n := auditlog.NodeAt(index)
		out[i] = l.rows[n.LeafIndex].hashes[n.Level]
	}
	return out, nil
}

func (l *memoryLog) receipt(index int64) string {
	l.t.Helper()
	hashes, err := tlog.ProveRecord(l.tree.Size(), index, l)
	if err != nil {
		l.t.Fatal(err)
	}
	return auditlog.NewReceipt(index, l.rows[index].hashes[0], hashes, l.checkpoint(1))
}

func TestReceipts(t *testing.T) {
	t.Parallel()
	for size := 1; size <= 17; size++ {
		l := newLog(t, size)
		for index := range int64(size) {
			text := l.receipt(index)
			p, err := auditlog.ParseProof(text)
			if err != nil {
				t.Fatalf("size %d index %d: %v\n%s", size, index, err, text)
			}
			if p.String() != text {
				t.Fatalf("formatted again:\n%s\nwas:\n%s", p.String(), text)
			}
			for name, opts := range map[string]auditlog.ReceiptOptions{
				"alone":          {},
				"with leaf":      {Leaf: l.rows[index].leaf},
				"with leaf hash": {LeafHash: &l.rows[index].hashes[0]},
				"with origin":    {Origin: auditlog.Origin(testPrefix, testTenant)},
			} {
				opts.Keys = ring(t, 1, testTenant)
				r := auditlog.VerifyReceipt(text, opts)
				if r.Verdict != auditlog.Verified || r.FirstIndex != index || r.TreeSize != int64(size) || len(r.SignedBy) != 1 {
					t.Fatalf("size %d index %d %s: %+v", size, index, name, r)
				}
			}
		}
	}
}

func TestVerifyReceiptFinds(t *testing.T) {
	t.Parallel()
	l := newLog(t, 11)
	receipt := l.receipt(4)
	keys := ring(t, 1, testTenant)
	leaf := l.rows[4].leaf
	altered := append([]byte(nil), leaf...)
	altered[len(altered)-1] ^= 1
	withoutExtra := func(text string) string {
		head, rest, _ := strings.Cut(text, "\n")
		_, rest, _ = strings.Cut(rest, "\n")
		return head + "\n" + rest
	}
	for name, tc := range map[string]struct {
		text    string
		opts    auditlog.ReceiptOptions
		verdict auditlog.Verdict
		reason  auditlog.Reason
	}{
		"another leaf":  {receipt, auditlog.ReceiptOptions{Keys: keys, Leaf: l.rows[5].leaf}, auditlog.Tampered, auditlog.ReasonLeafHash},
		"altered leaf":  {receipt, auditlog.ReceiptOptions{Keys: keys, Leaf: altered}, auditlog.Tampered, auditlog.ReasonLeafHash},
		"another index": {strings.Replace(receipt, "index 4", "index 5", 1), auditlog.ReceiptOptions{Keys: keys}, auditlog.Tampered, auditlog.ReasonNotIncluded},
		"another size":  {strings.Replace(receipt, "\n11\n", "\n12\n", 1), auditlog.ReceiptOptions{Keys: keys}, auditlog.Tampered, auditlog.ReasonSignature},
		"another origin asked for": {
			receipt, auditlog.ReceiptOptions{Keys: keys, Origin: "other"}, auditlog.Tampered, auditlog.ReasonOrigin,
		},
		"no key":      {receipt, auditlog.ReceiptOptions{}, auditlog.CannotVerify, auditlog.ReasonNoTrustedKey},
		"unknown key": {receipt, auditlog.ReceiptOptions{Keys: ring(t, 2, testTenant)}, auditlog.CannotVerify, auditlog.ReasonUnknownKey},
		"no leaf hash": {
			withoutExtra(receipt), auditlog.ReceiptOptions{Keys: keys}, auditlog.CannotVerify, auditlog.ReasonNoLeafHash,
		},
		"no receipt": {"hello", auditlog.ReceiptOptions{Keys: keys}, auditlog.Tampered, auditlog.ReasonMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := auditlog.VerifyReceipt(tc.text, tc.opts)
			if r.Verdict != tc.verdict || len(r.Findings) == 0 || r.Findings[0].Reason != tc.reason {
				t.Errorf("%v %v, want %v %v", r.Verdict, r.Findings, tc.verdict, tc.reason)
			}
		})
	}
	if r := auditlog.VerifyReceipt(withoutExtra(receipt), auditlog.ReceiptOptions{Keys: keys, Leaf: leaf}); r.Verdict != auditlog.Verified {
		t.Errorf("a receipt without extra line, with the leaf: %+v", r)
	}
}

// TestReceiptBitFlips changes every bit of a receipt, one at a time: none may verify.
func TestReceiptBitFlips(t *testing.T) {
	t.Parallel()
	l := newLog(t, 5)
	opts := auditlog.ReceiptOptions{Keys: ring(t, 1, testTenant)}
	receipt := []byte(l.receipt(2))
	for i := range receipt {
		for bit := range 8 {
			receipt[i] ^= 1 << bit
			if r := auditlog.VerifyReceipt(string(receipt), opts); r.Verdict == auditlog.Verified {
				t.Errorf("verified with bit %d of byte %d (%q) changed", bit, i, receipt[max(0, i-10):min(len(receipt), i+10)])
			}
			receipt[i] ^= 1 << bit
		}
	}
}

func TestParseProofRefuses(t *testing.T) {
	t.Parallel()
	const hash = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
	const head = "c2sp.org/tlog-proof@v1\n"
	want := auditlog.Proof{Extra: []byte("hi"), Index: 7, Hashes: []tlog.Hash{{}}, Checkpoint: exampleCheckpoint}
	got, err := auditlog.ParseProof(want.String())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ParseProof (-want +got):\n%s", diff)
	}
	for name, text := range map[string]string{
		"empty":                  "",
		"another version":        "c2sp.org/tlog-proof@v2\nindex 0\n\n" + exampleCheckpoint,
		"no checkpoint":          head + "index 0\n",
		"no index":               head + "\n" + exampleCheckpoint,
		"leading zero":           head + "index 00\n\n" + exampleCheckpoint,
		"negative":               head + "index -1\n\n" + exampleCheckpoint,
		"index twice":            head + "index 0\nindex 0\n\n" + exampleCheckpoint,
		"extra after index":      head + "index 0\nextra aGk=\n\n" + exampleCheckpoint,
		"extra twice":            head + "extra aGk=\nextra aGk=\nindex 0\n\n" + exampleCheckpoint,
		"extra empty":            head + "extra \nindex 0\n\n" + exampleCheckpoint,
		"extra loose base64":     head + "extra aGl=\nindex 0\n\n" + exampleCheckpoint,
		"hash too short":         head + "index 0\nAAAA\n\n" + exampleCheckpoint,
		"more hashes than fit":   head + "index 0\n" + strings.Repeat(hash, 64) + "\n" + exampleCheckpoint,
		"carriage return":        head + "index 0\r\n\n" + exampleCheckpoint,
		"carriage return inside": head + "extra aG\rk=\nindex 0\n\n" + exampleCheckpoint,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if p, err := auditlog.ParseProof(text); err == nil {
				t.Errorf("ParseProof: %+v", p)
			}
		})
	}
	if _, _, err := got.Verify(tlog.Hash{}, auditlog.Keyring{}); !errors.Is(err, auditlog.ErrNotIncluded) {
		t.Errorf("Verify of a proof of nothing: %v", err)
	}
}

func FuzzParseProof(f *testing.F) {
	f.Add(auditlog.Proof{Extra: []byte("hi"), Index: 7, Hashes: []tlog.Hash{{}, {1}}, Checkpoint: exampleCheckpoint}.String())
	f.Add(auditlog.Proof{Checkpoint: exampleCheckpoint}.String())
	f.Fuzz(func(t *testing.T, text string) {
		p, err := auditlog.ParseProof(text)
		if err != nil {
			return
		}
		if p.String() != text {
			t.Fatalf("%q was read, and written as %q", text, p.String())
		}
		if _, _, err := p.Verify(tlog.Hash{}, auditlog.Keyring{}); err == nil {
			t.Fatalf("verified without a key: %q", text)
		}
	})
}
