package auditlog_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
)

// policyText is the example of c2sp.org/tlog-policy with keys: X1 to X3 are cosigners 1 to 3, Y1 to Y3 are 4 to 6.
func policyText(t testing.TB, log string) string {
	t.Helper()
	b := strings.Builder{}
	fmt.Fprintf(&b, "# two organisations\nlog %s\n\n", log)
	for i, name := range []string{"X1", "X2", "X3", "Y1", "Y2", "Y3"} {
		fmt.Fprintf(&b, "witness\t%s  %s https://%s.example.com/\n", name, xy(t, i).VKey(), name)
	}
	b.WriteString("group X-witnesses 2 X1 X2 X3\n  group Y-witnesses any Y1 Y2 Y3\t\ngroup X-and-Y all X-witnesses Y-witnesses\nquorum X-and-Y\n")
	return b.String()
}

// xy returns the key of the i-th witness of policyText.
func xy(t testing.TB, i int) auditlog.CosigningKey {
	t.Helper()
	return cosigner(t, fmt.Sprintf("witness.example.com/%d", i), byte(100+i))
}

// platformLog returns a signed head of a log and its verifier key.
func platformLog(t testing.TB) (signed, vkey string) {
	t.Helper()
	c := auditlog.Checkpoint{Origin: testPrefix + "/platform", Size: 7}
	signed, _, err := c.Sign(testKeys(t, 1)...)
	if err != nil {
		t.Fatal(err)
	}
	if vkey, err = testKeys(t, 1)[0].VKey(c.Origin); err != nil {
		t.Fatal(err)
	}
	return signed, vkey
}

func TestPolicySatisfied(t *testing.T) {
	t.Parallel()
	signed, vkey := platformLog(t)
	p, err := auditlog.ParsePolicy([]byte(policyText(t, vkey)))
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Witnesses) != 6 || p.Witnesses[4].URL != "https://Y2.example.com/" || p.Logs[0].VKey != vkey || p.Quorum() != "X-and-Y" {
		t.Errorf("ParsePolicy: %+v", p)
	}
	for _, tt := range []struct {
		by   []int
		want bool
	}{
		{nil, false},
		{[]int{0, 1, 2}, false},
		{[]int{0, 3}, false},
		{[]int{3, 4, 5}, false},
		{[]int{0, 2, 4}, true},
		{[]int{0, 1, 2, 3, 4, 5}, true},
		{[]int{0, 0, 4}, false},
	} {
		n, names := signed, []string(nil)
		for _, i := range tt.by {
			n = cosign(t, n, xy(t, i))
			names = append(names, p.Witnesses[i].Name)
		}
		who, ok, err := p.Satisfied(n)
		if err != nil || ok != tt.want || !slices.Equal(who, slices.Compact(names)) {
			t.Errorf("by %v: %q, %t, %v", tt.by, who, ok, err)
		}
	}

	full := cosign(t, signed, xy(t, 0), xy(t, 1), xy(t, 3))
	// A stranger's signature changes nothing, one that bears a witness's name and does not fit makes the note worthless.
	if _, ok, err := p.Satisfied(cosign(t, full, cosigner(t, "X1", 9))); !ok || err != nil {
		t.Errorf("with a stranger's: %t, %v", ok, err)
	}
	elsewhere, _, err := auditlog.Checkpoint{Origin: testPrefix + "/platform", Size: 8}.Sign(testKeys(t, 1)...)
	if err != nil {
		t.Fatal(err)
	}
	line, err := xy(t, 4).Cosign(elsewhere, testTime)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok, err := p.Satisfied(full + line); ok || !errors.Is(err, auditlog.ErrBadSignature) {
		t.Errorf("with a cosignature of another head: %t, %v", ok, err)
	}
	// The witnesses' word for a log that the policy does not name is nothing to it.
	other, _, err := auditlog.Checkpoint{Origin: testPrefix + "/platform", Size: 7}.Sign(testKeys(t, 2)...)
	if err != nil {
		t.Fatal(err)
	}
	if who, ok, err := p.Satisfied(cosign(t, other, xy(t, 0), xy(t, 1), xy(t, 3))); ok || err != nil || len(who) != 3 {
		t.Errorf("another log's: %q, %t, %v", who, ok, err)
	}
	if _, ok, err := p.Satisfied("nothing"); ok || err == nil {
		t.Errorf("no note: %t, %v", ok, err)
	}
	if _, ok, _ := (auditlog.Policy{}).Satisfied(full); ok {
		t.Error("the zero policy is satisfied")
	}
}

func TestPolicyQuorumNone(t *testing.T) {
	t.Parallel()
	signed, vkey := platformLog(t)
	for text, want := range map[string]bool{
		"quorum none\n":                         true, // the log's keys are known from elsewhere
		"log " + vkey + "\nquorum none":         true,
		"log " + logKey(t, 2) + "\nquorum none": false,
	} {
		p, err := auditlog.ParsePolicy([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if _, ok, err := p.Satisfied(signed); ok != want || err != nil {
			t.Errorf("%q: %t, %v", text, ok, err)
		}
	}
}

func logKey(t testing.TB, seed byte) string {
	t.Helper()
	vkey, err := testKeys(t, seed)[0].VKey(testPrefix + "/platform")
	if err != nil {
		t.Fatal(err)
	}
	return vkey
}

func TestParsePolicyRefuses(t *testing.T) {
	t.Parallel()
	w1, w2, l := xy(t, 1).VKey(), xy(t, 2).VKey(), logKey(t, 1)
	// The same public key under another name is the same witness.
	alias := cosigner(t, "alias", 101).VKey()
	for name, text := range map[string]string{
		"nothing":                   "",
		"no quorum":                 "witness a " + w1 + "\n",
		"two quorums":               "quorum none\nquorum none\n",
		"an unknown word":           "quorum none\nwitnes a " + w1 + "\n",
		"a carriage return":         "quorum none\r\n",
		"a delete":                  "quorum none\n# \x7f\n",
		"a quorum before":           "quorum a\nwitness a " + w1 + "\n",
		"a quorum of nobody":        "quorum a\n",
		"a quorum of two":           "witness a " + w1 + "\nwitness b " + w2 + "\nquorum a b\n",
		"a witness's key twice":     "witness a " + w1 + "\nwitness b " + w1 + "\nquorum a\n",
		"under another name":        "witness a " + w1 + "\nwitness b " + alias + "\nquorum a\n",
		"a name twice":              "witness a " + w1 + "\nwitness a " + w2 + "\nquorum a\n",
		"a group's name twice":      "witness a " + w1 + "\ngroup a any a\nquorum a\n",
		"a witness named none":      "witness none " + w1 + "\nquorum none\n",
		"a group named none":        "witness a " + w1 + "\ngroup none any a\nquorum none\n",
		"none as a member":          "group g any none\nquorum g\n",
		"a group of nobody":         "group g any\nquorum none\n",
		"a group of what follows":   "group g any a\nwitness a " + w1 + "\nquorum g\n",
		"a member twice":            "witness a " + w1 + "\ngroup g 2 a a\nquorum g\n",
		"a member of two groups":    "witness a " + w1 + "\ngroup g any a\ngroup h any a\nquorum g\n",
		"a threshold of zero":       "witness a " + w1 + "\ngroup g 0 a\nquorum g\n",
		"a threshold too high":      "witness a " + w1 + "\ngroup g 2 a\nquorum g\n",
		"a threshold in words":      "witness a " + w1 + "\ngroup g one a\nquorum g\n",
		"a threshold with zeros":    "witness a " + w1 + "\ngroup g 01 a\nquorum g\n",
		"a log's key for a witness": "witness a " + l + "\nquorum a\n",
		"a witness's key for a log": "log " + w1 + "\nquorum none\n",
		"a log twice":               "log " + l + "\nlog " + l + " https://example.com\nquorum none\n",
		"a log without key":         "log\nquorum none\n",
		"too many words":            "log " + l + " https://example.com x\nquorum none\n",
		"a witness without key":     "witness a\nquorum a\n",
	} {
		if p, err := auditlog.ParsePolicy([]byte(text)); err == nil {
			t.Errorf("%s: %+v", name, p)
		}
	}
}

func TestParsePolicyManyWitnesses(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	var all []string
	for i := range 32 {
		all = append(all, fmt.Sprintf("w\xff%d", i)) // names are octets, not text
		fmt.Fprintf(&b, "witness %s %s\n", all[i], cosigner(t, fmt.Sprintf("w%d", i), byte(i)).VKey())
	}
	fmt.Fprintf(&b, "group g 17 %s\nquorum g", strings.Join(all, " "))
	p, err := auditlog.ParsePolicy([]byte(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	if p.Met(all[:16]...) || !p.Met(all[:17]...) {
		t.Error("17 of 32 does not mean 17")
	}
}

// Receipts and exports are judged by the policy that the auditor brings.
func TestVerifyWithPolicy(t *testing.T) {
	t.Parallel()
	l := newLog(t, 9)
	origin := auditlog.Origin(testPrefix, testTenant)
	vkey, err := testKeys(t, 1)[0].VKey(origin)
	if err != nil {
		t.Fatal(err)
	}
	policy, err := auditlog.ParsePolicy([]byte(policyText(t, vkey)))
	if err != nil {
		t.Fatal(err)
	}
	bare := l.checkpoint(1)
	witnessed := cosign(t, bare, xy(t, 0), xy(t, 1), xy(t, 3))
	line, err := xy(t, 4).Cosign(newLog(t, 8).checkpoint(1), testTime) // the witness said this of another head
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, checkpoint string
		policy           *auditlog.Policy
		want             auditlog.Verdict
		reason           auditlog.Reason
		by               int
	}{
		{"witnessed", witnessed, &policy, auditlog.Verified, "", 3},
		{"not asked for", witnessed, nil, auditlog.Verified, "", 0},
		{"one missing", cosign(t, bare, xy(t, 0), xy(t, 3)), &policy, auditlog.CannotVerify, auditlog.ReasonNotWitnessed, 2},
		{"none", bare, &policy, auditlog.CannotVerify, auditlog.ReasonNotWitnessed, 0},
		{"forged", witnessed + line, &policy, auditlog.Tampered, auditlog.ReasonSignature, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			receipt := strings.Replace(l.receipt(4), bare, tt.checkpoint, 1)
			got := auditlog.VerifyReceipt(receipt, auditlog.ReceiptOptions{Keys: ring(t, 1, testTenant), Policy: tt.policy})
			checkPolicyReport(t, "receipt", got, tt.want, tt.reason, tt.by)
			got = verify(t, l.export(l.header(), tt.checkpoint), auditlog.Options{Keys: ring(t, 1, testTenant), Policy: tt.policy})
			checkPolicyReport(t, "export", got, tt.want, tt.reason, tt.by)
		})
	}
}

func checkPolicyReport(t *testing.T, what string, got auditlog.Report, want auditlog.Verdict, reason auditlog.Reason, by int) {
	t.Helper()
	if got.Verdict != want || len(got.WitnessedBy) != by || (reason == "") != (len(got.Findings) == 0) {
		t.Errorf("%s: %s by %q: %v", what, got.Verdict, got.WitnessedBy, got.Findings)
	}
	for _, f := range got.Findings {
		if f.Reason != reason {
			t.Errorf("%s: %s, want %s", what, f, reason)
		}
	}
}

// A quorum never falls away when another witness joins.
func TestPolicyIsMonotone(t *testing.T) {
	t.Parallel()
	_, vkey := platformLog(t)
	p, err := auditlog.ParsePolicy([]byte(policyText(t, vkey)))
	if err != nil {
		t.Fatal(err)
	}
	all := []string{"X1", "X2", "X3", "Y1", "Y2", "Y3"}
	rapid.Check(t, func(t *rapid.T) {
		some := rapid.SliceOfDistinct(rapid.SampledFrom(all), rapid.ID[string]).Draw(t, "some")
		more := append(slices.Clone(some), rapid.SampledFrom(all).Draw(t, "one more"))
		if p.Met(some...) && !p.Met(more...) {
			t.Fatalf("%q suffice, %q do not", some, more)
		}
	})
}

func FuzzParsePolicy(f *testing.F) {
	f.Add([]byte("quorum none\n"))
	f.Add([]byte("log example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k https://example.com\n" +
		"witness a " + witnessNavigli + "\nwitness b " + witnessStagemole + " https://b.example.com\ngroup g 1 a b\nquorum g\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := auditlog.ParsePolicy(text)
		if err != nil {
			return
		}
		names := make([]string, len(p.Witnesses))
		for i, w := range p.Witnesses {
			names[i] = w.Name
		}
		if !p.Met(names...) {
			t.Fatal("all witnesses together are no quorum")
		}
		if p.Quorum() != "none" && p.Met() {
			t.Fatal("no witness at all is a quorum")
		}
	})
}
