package auditlog_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// exampleVKey and exampleNote are the example of c2sp.org/signed-note.
const (
	exampleVKey = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
	exampleNote = "This is an example message.\n\n" +
		"— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)

// Whatever reads as a key is the one form of that key, and is the same key under another log's origin and back.
func FuzzParseKeys(f *testing.F) {
	f.Add(exampleVKey, testPrefix+"/platform")
	f.Add(witnessNavigli, "x")
	f.Add(strings.Replace(exampleVKey, "530d903a", "530D903A", 1), testPrefix+"/platform")
	f.Fuzz(func(t *testing.T, vkey, origin string) {
		if w, err := auditlog.ParseWitnessKey(vkey); err == nil && w.VKey() != vkey {
			t.Fatalf("%q was read as the witness key %q", vkey, w.VKey())
		}
		ring, err := auditlog.ParseKeys(vkey)
		if err != nil {
			return
		}
		name, _, _ := strings.Cut(strings.TrimSpace(vkey), "+")
		if ring.Empty() || !ring.Has(name) {
			t.Fatalf("%q is read as a key that is not %q's", vkey, name)
		}
		derived, err := auditlog.KeyOfLog(strings.TrimSpace(vkey), origin)
		if err != nil {
			return
		}
		if _, err := auditlog.ParseKeys(derived); err != nil {
			return // an origin that can be no key's name
		}
		if back, err := auditlog.KeyOfLog(derived, name); err != nil || back != strings.TrimSpace(vkey) {
			t.Fatalf("%q under %q is %q, and back %q, %v", vkey, origin, derived, back, err)
		}
	})
}

// An error about signing keys does not show them.
func FuzzParseSigningKeys(f *testing.F) {
	seed := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	f.Add(seed)
	f.Add(seed + ", " + seed[:20])
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := auditlog.ParseSigningKeys(text)
		if err != nil {
			for part := range strings.FieldsSeq(strings.ReplaceAll(text, ",", " ")) {
				if len(part) > 12 && strings.Contains(err.Error(), part) {
					t.Fatalf("%v shows a key", err)
				}
			}
			return
		}
		for _, k := range keys {
			vkey, err := k.VKey(testPrefix + "/platform")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := auditlog.ParseKeys(vkey); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func FuzzParseOrigin(f *testing.F) {
	f.Add(testPrefix+"/platform", testPrefix)
	f.Add(auditlog.Origin(testPrefix, testTenant), "a b")
	f.Fuzz(func(t *testing.T, origin, prefix string) {
		p, id, err := auditlog.ParseOrigin(origin)
		if err == nil && auditlog.Origin(p, id) != origin {
			t.Fatalf("%q was read as %q of %s", origin, p, id)
		}
		if auditlog.CheckOriginPrefix(prefix) != nil {
			return
		}
		for _, id := range []tenant.ID{testTenant, auditlog.PlatformTenant} {
			made := auditlog.Origin(prefix, id)
			if p, again, err := auditlog.ParseOrigin(made); err != nil || p != prefix || again != id {
				t.Fatalf("%q was read as %q of %s, %v", made, p, again, err)
			}
			if c, err := auditlog.Read(made + "\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n— x AAAAAAAAAAA=\n"); err != nil || c.Origin != made {
				t.Fatalf("%q does not begin a checkpoint: %v", made, err)
			}
		}
	})
}

// No cosignature is found but on the text that was cosigned, and its line is one of the note's.
func FuzzCosignatures(f *testing.F) {
	w, err := auditlog.NewCosigningKey("w", bytes.Repeat([]byte{1}, ed25519.SeedSize))
	if err != nil {
		f.Fatal(err)
	}
	line, err := w.Cosign(exampleCheckpoint, testTime)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(exampleCheckpoint + line)
	f.Add(exampleNote)
	text, _, _ := strings.Cut(exampleCheckpoint, "\n\n")
	f.Fuzz(func(t *testing.T, signed string) {
		found, err := auditlog.Cosignatures(signed, w.WitnessKey)
		if err != nil || len(found) == 0 {
			return
		}
		if len(found) != 1 || !found[0].Time.Equal(testTime.Truncate(time.Second)) || found[0].Line+"\n" != line ||
			!strings.HasPrefix(signed, text+"\n\n") || !strings.Contains(signed, "\n"+line) {
			t.Fatalf("%+v from %q", found, signed)
		}
	})
}

// A receipt that verifies is of the leaf, the index and the tree that the key signed, whatever else stands in it.
func FuzzVerifyReceipt(f *testing.F) {
	l := newLog(f, 5)
	good := l.receipt(2)
	f.Add(good)
	f.Add(exampleProof)
	opts := auditlog.ReceiptOptions{Keys: ring(f, 1, testTenant), Leaf: l.rows[2].leaf}
	root := l.tree.Root()
	f.Fuzz(func(t *testing.T, text string) {
		r := auditlog.VerifyReceipt(text, opts)
		if r.Verdict == auditlog.Verified && (r.FirstIndex != 2 || r.TreeSize != 5 || r.RootHash != root || r.Origin != auditlog.Origin(testPrefix, testTenant)) {
			t.Fatalf("%+v from %q", r, text)
		}
	})
}

// A row is compared with a leaf that may be anything.
func FuzzMismatched(f *testing.F) {
	l := newLog(f, 1)
	f.Add(l.rows[0].leaf, "policy.version_activated")
	f.Add([]byte("x"), "")
	f.Fuzz(func(t *testing.T, leaf []byte, eventType string) {
		c := auditlog.Columns{TenantID: uuid.UUID(testTenant), EventType: eventType}
		names := c.Mismatched(leaf)
		if _, err := auditlog.Unmarshal(leaf); err != nil && len(names) != 1 {
			t.Fatalf("what is no entry differs in %q", names)
		}
		if len(names) == 0 {
			t.Fatal("a row without an entry's digest fits") // nobody finds bytes with a digest of no bytes
		}
	})
}
