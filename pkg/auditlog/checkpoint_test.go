package auditlog_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/note"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// The example of c2sp.org/tlog-checkpoint.
const exampleCheckpoint = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n" +
	"— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"

func TestReadSpecificationExample(t *testing.T) {
	t.Parallel()
	c, err := auditlog.Read(exampleCheckpoint)
	if err != nil {
		t.Fatal(err)
	}
	if c.Origin != "example.com/behind-the-sofa" || c.Size != 20852163 || !strings.HasPrefix(c.Root.String(), "CsUYapGG") {
		t.Errorf("Read: %+v", c)
	}
	if !strings.HasPrefix(exampleCheckpoint, c.Text()+"\n— ") {
		t.Errorf("Text: %q", c.Text())
	}
}

func TestSignAndOpen(t *testing.T) {
	t.Parallel()
	l := newLog(t, 5)
	origin := auditlog.Origin(testPrefix, testTenant)
	want := auditlog.Checkpoint{Origin: origin, Size: 5, Root: l.tree.Root()}
	signed, ids, err := want.Sign(testKeys(t, 1, 2)...)
	if err != nil {
		t.Fatal(err)
	}
	if len(ids) != 2 {
		t.Errorf("key ids: %q", ids)
	}
	again, _, err := want.Sign(testKeys(t, 1, 2)...)
	if err != nil || again != signed {
		t.Errorf("signing again gives another note (%v): replicas would disagree", err)
	}

	for _, seed := range []byte{1, 2} { // either key is enough: that is what a rotation rests on
		got, signedBy, err := auditlog.Open(signed, ring(t, seed, testTenant))
		if err != nil || got != want {
			t.Fatalf("Open with key %d: %+v, %v", seed, got, err)
		}
		if len(signedBy) != 1 || signedBy[0] != origin+"+"+ids[seed-1] {
			t.Errorf("signed by %q, want key %s", signedBy, ids[seed-1])
		}
	}
	if _, _, err := auditlog.Open(signed, ring(t, 3, testTenant)); !errors.Is(err, auditlog.ErrUnknownKey) {
		t.Errorf("Open with a key that did not sign: %v", err)
	}
	other := tenant.ID(uuid.MustParse("0190a000-0000-7000-8000-00000000000b"))
	if _, _, err := auditlog.Open(signed, ring(t, 1, other)); !errors.Is(err, auditlog.ErrUnknownKey) {
		t.Errorf("Open with the key under another log's name: %v", err)
	}
	forged := strings.Replace(signed, "\n5\n", "\n6\n", 1)
	if _, _, err := auditlog.Open(forged, ring(t, 1, testTenant)); !errors.Is(err, auditlog.ErrBadSignature) {
		t.Errorf("Open of an altered note: %v", err)
	}

	// The note verifies with the reference implementation alone.
	vkey, err := testKeys(t, 1)[0].VKey(origin)
	if err != nil {
		t.Fatal(err)
	}
	v, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	n, err := note.Open([]byte(signed), note.VerifierList(v))
	if err != nil || n.Text != want.Text() || len(n.Sigs) != 1 || len(n.UnverifiedSigs) != 1 {
		t.Fatalf("note.Open: %+v, %v", n, err)
	}
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	const root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
	const sig = "\n— example.com/log Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
	if _, err := auditlog.Read("example.com/log\n1\n" + root + "\nextension\n" + sig); err != nil {
		t.Errorf("an extension line is allowed: %v", err)
	}
	for name, text := range map[string]string{
		"empty":              "",
		"no signature":       "example.com/log\n1\n" + root + "\n",
		"two lines":          "example.com/log\n1\n" + sig,
		"leading zero":       "example.com/log\n01\n" + root + "\n" + sig,
		"sign":               "example.com/log\n+1\n" + root + "\n" + sig,
		"negative":           "example.com/log\n-1\n" + root + "\n" + sig,
		"size overflows":     "example.com/log\n9223372036854775808\n" + root + "\n" + sig,
		"size beyond bound":  "example.com/log\n9223372036854775807\n" + root + "\n" + sig,
		"hex root":           "example.com/log\n1\n0ac518\n" + sig,
		"short root":         "example.com/log\n1\nAAAA\n" + sig,
		"loose base64":       "example.com/log\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n" + sig,
		"root of empty tree": "example.com/log\n0\n" + root + "\n" + sig,
		"no origin":          "\n1\n" + root + "\n" + sig,
		"carriage return":    "example.com/log\r\n1\r\n" + root + "\r\n" + sig,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c, err := auditlog.Read(text); err == nil {
				t.Errorf("Read: %+v", c)
			}
		})
	}
}

func TestParseSigningKeysKeepsSecrets(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", " ,\n", "c2VjcmV0", "not base64 at all!"} {
		if _, err := auditlog.ParseSigningKeys(bad); err == nil {
			t.Errorf("ParseSigningKeys(%q) succeeded", bad)
		} else if bad == "c2VjcmV0" && strings.Contains(err.Error(), bad) {
			t.Errorf("the error repeats the key: %v", err)
		}
	}
	if _, _, err := (auditlog.Checkpoint{Origin: "x"}).Sign(); err == nil {
		t.Error("signed without a key")
	}
}

func TestParseKeysRefuses(t *testing.T) {
	t.Parallel()
	vkey, err := testKeys(t, 1)[0].VKey("example.com/log")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := auditlog.ParseKeys(vkey, vkey); err != nil {
		t.Errorf("the same key twice: %v", err)
	}
	for _, bad := range []string{"", "x", vkey[:len(vkey)-4], strings.Replace(vkey, "log", "lag", 1)} {
		if _, err := auditlog.ParseKeys(bad); err == nil {
			t.Errorf("ParseKeys(%q) succeeded", bad)
		}
	}
}

func TestCheckOriginPrefix(t *testing.T) {
	t.Parallel()
	for prefix, ok := range map[string]bool{
		"audit.example.com": true, "audit.example.com/log": true,
		"": false, "audit.example.com/": false, "a b": false, "a+b": false, "a\nb": false,
	} {
		if err := auditlog.CheckOriginPrefix(prefix); (err == nil) != ok {
			t.Errorf("CheckOriginPrefix(%q): %v", prefix, err)
		}
	}
}

func FuzzReadCheckpoint(f *testing.F) {
	f.Add(exampleCheckpoint)
	f.Fuzz(func(t *testing.T, text string) {
		c, err := auditlog.Read(text)
		if err != nil {
			return
		}
		if !strings.HasPrefix(text, c.Text()) {
			t.Fatalf("%q read as %q", text, c.Text())
		}
	})
}
