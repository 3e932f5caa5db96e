package auditlog_test

import (
	"bytes"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// committedHead is the head of a tenant's log that tests commit to.
func committedHead() auditlog.Checkpoint {
	return auditlog.Checkpoint{Origin: auditlog.Origin(testPrefix, testTenant), Size: 42, Root: tlog.RecordHash([]byte("root"))}
}

// logWith makes a log of the platform with an entry before and after e; it returns e's leaf and receipt, signed by the key with seed 1.
func logWith(t testing.TB, e auditlog.Entry, origin string) (leaf []byte, receipt string) {
	t.Helper()
	l := &memoryLog{t: t}
	for i, each := range []auditlog.Entry{testEntry(1), e, testEntry(2)} {
		each.TenantID = e.TenantID
		l.add(each, testTime)
		if i == 1 {
			leaf = l.rows[1].leaf
		}
	}
	signed, _, err := auditlog.Checkpoint{Origin: origin, Size: l.tree.Size(), Root: l.tree.Root()}.Sign(testKeys(t, 1)...)
	if err != nil {
		t.Fatal(err)
	}
	hashes, err := tlog.ProveRecord(l.tree.Size(), 1, l)
	if err != nil {
		t.Fatal(err)
	}
	return leaf, auditlog.NewReceipt(1, l.rows[1].hashes[0], hashes, signed)
}

func TestCommitmentsReadAsWritten(t *testing.T) {
	t.Parallel()
	head := committedHead()
	e := auditlog.NewCommitment(testTenant, head)
	id, got, err := auditlog.ReadCommitment(e)
	if err != nil || id != testTenant || got != head {
		t.Errorf("read %s, %+v: %v", id, got, err)
	}
	if e.EntryID != auditlog.CommitmentID(testTenant, head) || e.EntryID != auditlog.NewCommitment(testTenant, head).EntryID || !e.EffectiveTime.IsZero() {
		t.Error("two replicas do not commit by the same entry")
	}
	larger := head
	larger.Size++
	other := head
	other.Root = tlog.RecordHash([]byte("other"))
	for _, h := range []auditlog.Checkpoint{larger, other} {
		if auditlog.CommitmentID(testTenant, h) == e.EntryID {
			t.Errorf("another head has the same commitment: %+v", h)
		}
	}
}

func TestReadCommitmentRefuses(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*auditlog.Entry){
		"another tenant's log": func(e *auditlog.Entry) { e.TenantID = testTenant },
		"another event":        func(e *auditlog.Entry) { e.EventType = "audit.wall_started" },
		"another resource":     func(e *auditlog.Entry) { e.Resource.Type = "policy" },
		"no tenant":            func(e *auditlog.Entry) { e.Resource.ID = "x" },
		"another's origin":     func(e *auditlog.Entry) { e.Resource.ID = "0190a000-0000-7000-8000-00000000000b" },
		"itself": func(e *auditlog.Entry) {
			e.Resource.ID, e.Details["origin"] = auditlog.PlatformTenant.String(), auditlog.Origin(testPrefix, auditlog.PlatformTenant)
		},
		"no origin":        func(e *auditlog.Entry) { delete(e.Details, "origin") },
		"no size":          func(e *auditlog.Entry) { delete(e.Details, "tree_size") },
		"a size of 0":      func(e *auditlog.Entry) { e.Details["tree_size"] = 0.0 },
		"a size of 1.5":    func(e *auditlog.Entry) { e.Details["tree_size"] = 1.5 },
		"a huge size":      func(e *auditlog.Entry) { e.Details["tree_size"] = 1e30 },
		"a size in words":  func(e *auditlog.Entry) { e.Details["tree_size"] = "42" },
		"a root that ends": func(e *auditlog.Entry) { e.Details["root_hash"] = "AAAA" },
		"no details":       func(e *auditlog.Entry) { e.Details = nil },
	} {
		e := auditlog.NewCommitment(testTenant, committedHead())
		change(&e)
		if id, head, err := auditlog.ReadCommitment(e); err == nil {
			t.Errorf("%s: read %s, %+v", name, id, head)
		}
	}
}

func TestVerifyHeadCommitment(t *testing.T) {
	t.Parallel()
	platform := auditlog.Origin(testPrefix, auditlog.PlatformTenant)
	keys := ring(t, 1, auditlog.PlatformTenant)
	commitment := auditlog.NewCommitment(testTenant, committedHead())
	leaf, receipt := logWith(t, commitment, platform)
	head, r := auditlog.VerifyHeadCommitment(leaf, receipt, auditlog.ReceiptOptions{Keys: keys})
	if r.Verdict != auditlog.Verified || head != committedHead() || r.Origin != platform || r.TenantID != auditlog.PlatformTenant.String() {
		t.Fatalf("%+v, %+v", head, r)
	}

	other := testEntry(7)
	other.TenantID = auditlog.PlatformTenant
	otherLeaf, otherReceipt := logWith(t, other, platform)
	larger := committedHead()
	larger.Size++
	largerLeaf, _ := logWith(t, auditlog.NewCommitment(testTenant, larger), platform)
	elsewhere := committedHead()
	elsewhere.Origin = auditlog.Origin("other.example.com", testTenant)
	elsewhereLeaf, elsewhereReceipt := logWith(t, auditlog.NewCommitment(testTenant, elsewhere), platform)
	onTenant := commitment
	onTenant.TenantID = testTenant
	tenantLeaf, tenantReceipt := logWith(t, onTenant, auditlog.Origin(testPrefix, testTenant))
	for name, tc := range map[string]struct {
		leaf    []byte
		receipt string
		keys    auditlog.Keyring
		verdict auditlog.Verdict
		reason  auditlog.Reason
	}{
		"another's key":           {leaf, receipt, ring(t, 2, auditlog.PlatformTenant), auditlog.CannotVerify, auditlog.ReasonUnknownKey},
		"no key":                  {leaf, receipt, auditlog.Keyring{}, auditlog.CannotVerify, auditlog.ReasonNoTrustedKey},
		"no commitment":           {otherLeaf, otherReceipt, keys, auditlog.Tampered, auditlog.ReasonCommitment},
		"another head":            {largerLeaf, receipt, keys, auditlog.Tampered, auditlog.ReasonLeafHash},
		"another platform's head": {elsewhereLeaf, elsewhereReceipt, keys, auditlog.Tampered, auditlog.ReasonCommitment},
		"on the tenant's log":     {tenantLeaf, tenantReceipt, ring(t, 1, testTenant), auditlog.Tampered, auditlog.ReasonCommitment},
		"no leaf":                 {nil, receipt, keys, auditlog.Tampered, auditlog.ReasonCommitment},
		"a flipped bit":           {flipped(leaf, len(leaf)-1), receipt, keys, auditlog.Tampered, auditlog.ReasonLeafHash},
		"no receipt":              {leaf, "", keys, auditlog.Tampered, auditlog.ReasonMalformed},
	} {
		_, r := auditlog.VerifyHeadCommitment(tc.leaf, tc.receipt, auditlog.ReceiptOptions{Keys: tc.keys})
		if r.Verdict != tc.verdict || !reports(r, tc.reason) {
			t.Errorf("%s: %s %v, want %s %s", name, r.Verdict, r.Findings, tc.verdict, tc.reason)
		}
	}
}

func flipped(b []byte, i int) []byte {
	b = bytes.Clone(b)
	b[i] ^= 1
	return b
}

func reports(r auditlog.Report, reason auditlog.Reason) bool {
	for _, f := range r.Findings {
		if f.Reason == reason {
			return true
		}
	}
	return false
}

// FuzzVerifyHeadCommitment: whatever is shown, only what was committed to is Verified.
func FuzzVerifyHeadCommitment(f *testing.F) {
	leaf, receipt := logWith(f, auditlog.NewCommitment(testTenant, committedHead()), auditlog.Origin(testPrefix, auditlog.PlatformTenant))
	keys := ring(f, 1, auditlog.PlatformTenant)
	f.Add(leaf, receipt)
	f.Add([]byte{}, strings.ReplaceAll(receipt, "index 1", "index 0"))
	f.Fuzz(func(t *testing.T, shown []byte, text string) {
		head, r := auditlog.VerifyHeadCommitment(shown, text, auditlog.ReceiptOptions{Keys: keys})
		if r.Verdict == auditlog.Verified && (head != committedHead() || !bytes.Equal(shown, leaf)) {
			t.Errorf("verified %+v by %x", head, shown)
		}
	})
}

// A tenant cannot be made that has the platform's name.
func TestOriginsOfTenantsAreNotThePlatforms(t *testing.T) {
	t.Parallel()
	if id, err := tenant.Parse("platform"); err == nil {
		t.Errorf("platform is the tenant %s", id)
	}
}
