package auditlog_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"pgregory.net/rapid"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
)

// Keys of public witnesses (witness-network.org), whose hashes others computed.
const (
	witnessNavigli   = "witness.navigli.sunlight.geomys.org+a3e00fe2+BNy/co4C1Hn1p+INwJrfUlgz7W55dSZReusH/GhUhJ/G"
	witnessStagemole = "witness.stagemole.eu+67f7aea0+BEqSG3yu9YrmcM3BHvQYTxwFj3uSWakQepafafpUqklv"
	witnessBells     = "staging.witness.transparency.goog/ring-any-bells+2e1a8dc9+BG5JTpLc3FJtwzgh1Uv+Qelz9qeOH2bfWjS1s0s+y4rL"
)

// cosigner returns the key of a witness made from a seed byte.
func cosigner(t testing.TB, name string, seed byte) auditlog.CosigningKey {
	t.Helper()
	k, err := auditlog.NewCosigningKey(name, bytes.Repeat([]byte{seed}, ed25519.SeedSize))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// cosign returns a note with the cosignatures of witnesses.
func cosign(t testing.TB, signed string, keys ...auditlog.CosigningKey) string {
	t.Helper()
	for _, k := range keys {
		line, err := k.Cosign(signed, testTime)
		if err != nil {
			t.Fatal(err)
		}
		if signed, err = auditlog.AddSignatures(signed, line); err != nil {
			t.Fatal(err)
		}
	}
	return signed
}

func TestParseWitnessKey(t *testing.T) {
	t.Parallel()
	for _, vkey := range []string{witnessNavigli, witnessStagemole, witnessBells} {
		k, err := auditlog.ParseWitnessKey(vkey)
		if err != nil {
			t.Errorf("%s: %v", vkey, err)
			continue
		}
		if k.VKey() != vkey || !strings.HasPrefix(vkey, k.Name()+"+"+k.ID()+"+") {
			t.Errorf("%s: VKey %s, Name %s, ID %s", vkey, k.VKey(), k.Name(), k.ID())
		}
	}
	logKey, err := testKeys(t, 1)[0].VKey("log.example.com")
	if err != nil {
		t.Fatal(err)
	}
	for name, vkey := range map[string]string{
		"nothing":            "",
		"a log's key":        logKey,
		"another hash":       strings.Replace(witnessStagemole, "67f7aea0", "67f7aea1", 1),
		"upper-case hash":    strings.Replace(witnessNavigli, "a3e00fe2", "A3E00FE2", 1),
		"another name":       strings.Replace(witnessStagemole, "witness.", "witless.", 1),
		"a space in it":      strings.Replace(witnessStagemole, "witness.", "wit ness.", 1),
		"a short key":        witnessStagemole[:len(witnessStagemole)-4],
		"a line feed inside": strings.Replace(witnessStagemole, "+BEqS", "+BE\nqS", 1),
		"ML-DSA":             strings.Replace(witnessStagemole, "+BEqS", "+BkqS", 1),
	} {
		if _, err := auditlog.ParseWitnessKey(vkey); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestCosignatures(t *testing.T) {
	t.Parallel()
	w1, w2 := cosigner(t, "witness.example.com/w1", 11), cosigner(t, "witness.example.com/w2", 12)
	signed := cosign(t, exampleCheckpoint, w1, w2)

	got, err := auditlog.Cosignatures(signed, w1.WitnessKey, w2.WitnessKey)
	if err != nil || len(got) != 2 {
		t.Fatalf("Cosignatures: %+v, %v", got, err)
	}
	if got[0].Key.Name() != w1.Name() || got[1].Key.Name() != w2.Name() || !got[0].Time.Equal(testTime.Truncate(time.Second)) {
		t.Errorf("Cosignatures: %+v", got)
	}
	if want := exampleCheckpoint + got[0].Line + "\n" + got[1].Line + "\n"; signed != want {
		t.Errorf("lines %q do not make up the note %q", got, signed)
	}
	if got, err := auditlog.Cosignatures(signed, cosigner(t, "witness.example.com/w1", 13).WitnessKey); err != nil || len(got) != 0 {
		t.Errorf("of a stranger with a known name: %+v, %v", got, err)
	}
	if got, err := auditlog.Cosignatures(signed); err != nil || len(got) != 0 {
		t.Errorf("without keys: %+v, %v", got, err)
	}

	// The log's own verifier and the witness's read one note: cosignatures do not disturb who does not know them.
	if _, err := note.Open([]byte(signed), note.VerifierList(w2.WitnessKey)); err != nil {
		t.Errorf("note.Open: %v", err)
	}
	// A cosignature is of one head, and of one time.
	other := strings.Replace(signed, "20852163", "20852164", 1)
	if _, err := auditlog.Cosignatures(other, w1.WitnessKey); !errors.Is(err, auditlog.ErrBadSignature) {
		t.Errorf("on another head: %v", err)
	}
	later, err := w1.Cosign(exampleCheckpoint, testTime.Add(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	if later == got[0].Line+"\n" {
		t.Error("the time is not part of the cosignature")
	}
}

// The timestamp is signed: a witness's word of yesterday cannot be shown as today's.
func TestCosignatureTimeIsSigned(t *testing.T) {
	t.Parallel()
	w := cosigner(t, "w", 11)
	text := []byte("origin\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n")
	line, err := w.Cosign(string(text)+"\n", testTime)
	if err != nil {
		t.Fatal(err)
	}
	n, err := note.Open([]byte(string(text)+"\n"+line), note.VerifierList(w.WitnessKey))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := base64.StdEncoding.DecodeString(n.Sigs[0].Base64)
	if err != nil {
		t.Fatal(err)
	}
	raw = raw[4:] // the key's hash
	if !w.Verify(text, raw) {
		t.Fatal("the signature itself does not verify")
	}
	for i := range raw {
		for bit := range 8 {
			raw[i] ^= 1 << bit
			if w.Verify(text, raw) {
				t.Errorf("verifies with bit %d of byte %d changed", bit, i)
			}
			raw[i] ^= 1 << bit
		}
	}
	for _, cut := range [][]byte{nil, raw[:8], raw[:71], append(raw[:72:72], 0)} {
		if w.Verify(text, cut) {
			t.Errorf("verifies with %d bytes", len(cut))
		}
	}
}

func TestAddSignatures(t *testing.T) {
	t.Parallel()
	w := cosigner(t, "w", 11)
	line, err := w.Cosign(exampleCheckpoint, testTime)
	if err != nil {
		t.Fatal(err)
	}
	once, err := auditlog.AddSignatures(exampleCheckpoint, line)
	if err != nil || once != exampleCheckpoint+line {
		t.Fatalf("AddSignatures: %q, %v", once, err)
	}
	again, err := auditlog.AddSignatures(once, strings.TrimSuffix(line, "\n"), line)
	if err != nil || again != once {
		t.Errorf("adding it again: %q, %v", again, err)
	}
	for _, bad := range []string{"", "w AAAAAAA=", "— w", "— w A", "— w AAAA", "— w x AAAAAAA=", line + line, "— w+1 AAAAAAA=", "—\u00a0w AAAAAAA="} {
		if got, err := auditlog.AddSignatures(exampleCheckpoint, bad); err == nil {
			t.Errorf("adding %q: %q", bad, got)
		}
	}
	for _, bad := range []string{"", "a\n1\n", strings.TrimSuffix(exampleCheckpoint, "\n"), exampleCheckpoint + "more\n"} {
		if got, err := auditlog.AddSignatures(bad, line); err == nil {
			t.Errorf("adding to %q: %q", bad, got)
		}
	}
}

// Whatever lines are added, the note stays one that opens, with the signatures that it had.
func FuzzAddSignatures(f *testing.F) {
	w, err := auditlog.NewCosigningKey("w", bytes.Repeat([]byte{1}, ed25519.SeedSize))
	if err != nil {
		f.Fatal(err)
	}
	line, err := w.Cosign(exampleCheckpoint, testTime)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(exampleCheckpoint, line)
	f.Add(exampleCheckpoint+line, "— x AAAAAAA=\n")
	f.Fuzz(func(t *testing.T, signed, line string) {
		merged, err := auditlog.AddSignatures(signed, line)
		if err != nil {
			return
		}
		var before, after *note.UnverifiedNoteError
		if _, err := note.Open([]byte(signed), note.VerifierList()); !errors.As(err, &before) {
			return // was no note: whoever reads the result will say so
		}
		if _, err := note.Open([]byte(merged), note.VerifierList()); !errors.As(err, &after) {
			t.Fatalf("%q made %q of it: %v", line, merged, err)
		}
		if after.Note.Text != before.Note.Text || len(after.Note.UnverifiedSigs) < len(before.Note.UnverifiedSigs) {
			t.Fatalf("%q was lost from %q", before.Note.Text, merged)
		}
	})
}

func TestCosignatureProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.SliceOfN(rapid.Byte(), ed25519.SeedSize, ed25519.SeedSize).Draw(t, "seed")
		at := time.Unix(rapid.Int64Range(0, 1<<40).Draw(t, "at"), 0).UTC()
		w, err := auditlog.NewCosigningKey(rapid.StringMatching(`[a-zé./-]{1,40}`).Draw(t, "name"), seed)
		if err != nil {
			t.Fatal(err)
		}
		line, err := w.Cosign(exampleCheckpoint, at)
		if err != nil {
			t.Fatal(err)
		}
		again, err := auditlog.ParseWitnessKey(w.VKey())
		if err != nil {
			t.Fatal(err)
		}
		got, err := auditlog.Cosignatures(exampleCheckpoint+line, again)
		if err != nil || len(got) != 1 || !got[0].Time.Equal(at) || got[0].Line+"\n" != line {
			t.Fatalf("%+v, %v", got, err)
		}
	})
}
