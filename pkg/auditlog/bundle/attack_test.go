package bundle_test

import (
	"bytes"
	"crypto/ed25519"
	"testing"
	"time"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
)

// committed shows the head of a log at a size on the platform's log, whose checkpoint a witness has cosigned, and returns the policy that demands that.
func committed(tb testing.TB, log *memory, size int) (leaf []byte, receipt string, policy auditlog.Policy) {
	tb.Helper()
	witness, err := auditlog.NewCosigningKey("witness.example.com", bytes.Repeat([]byte{7}, ed25519.SeedSize))
	if err != nil {
		tb.Fatal(err)
	}
	head, err := auditlog.Read(log.notes[size-1])
	if err != nil {
		tb.Fatal(err)
	}
	platform := newLog(tb, auditlog.PlatformTenant, 2)
	platform.add(auditlog.NewCommitment(owner, head))
	line, err := witness.Cosign(platform.notes[2], time.Unix(1_700_000_000, 0))
	if err != nil {
		tb.Fatal(err)
	}
	platform.notes[2] += line
	if receipt, leaf, err = auditlog.ProveFromExport(bytes.NewReader(platform.export()), 2); err != nil {
		tb.Fatal(err)
	}
	policy, err = auditlog.ParsePolicy([]byte("log " + vkey(tb, auditlog.PlatformTenant) + "\nwitness w " + witness.VKey() + "\nquorum w\n"))
	if err != nil {
		tb.Fatal(err)
	}
	return leaf, receipt, policy
}

// What witnesses have seen of a log's beginning says nothing of its end, which whoever has the signing key may have made up since.
func TestPolicyIsDemandedOfTheCheckpoint(t *testing.T) {
	t.Parallel()
	const n = 9
	c := content(t, n)
	log := newLog(t, owner, n)
	opts := options(t)
	for size, want := range map[int]auditlog.Verdict{n: auditlog.Verified, n - 4: auditlog.CannotVerify} {
		var policy auditlog.Policy
		c.CommitmentLeaf, c.CommitmentReceipt, policy = committed(t, log, size)
		opts.Policy = &policy
		r := verify(t, pack(t, c), opts)
		if r.Verdict != want {
			t.Errorf("a commitment to %d of %d entries: %v %v, want %v", size, n, r.Verdict, r.Findings, want)
		}
		if want == auditlog.CannotVerify && (len(r.Findings) != 1 || r.Findings[0].Reason != auditlog.ReasonNotWitnessed) {
			t.Errorf("a commitment to %d of %d entries: %v", size, n, r.Findings)
		}
		opts.Policy = nil // without a demand it is one more head that fits
		if r := verify(t, pack(t, c), opts); r.Verdict != auditlog.Verified || r.CommittedHeads != 1 {
			t.Errorf("a commitment to %d of %d entries, no policy: %v %v", size, n, r.Verdict, r.Findings)
		}
	}
}
