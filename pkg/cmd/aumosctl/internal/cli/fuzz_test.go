package cli

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
)

// now is when the tests' durations end.
func now() time.Time { return time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC) }

// What names an entry is its index, or its id in the one form that the contract takes.
func FuzzEntryKey(f *testing.F) {
	for _, text := range []string{"0", "12", "-1", "9223372036854775808", "0198c0de-1111-7000-8000-000000000001", "urn:uuid:0198C0DE-1111-7000-8000-000000000001"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		req, err := entryKey(text)
		if err != nil {
			return
		}
		if id := req.GetEntryId(); id != "" {
			if parsed, err := uuid.Parse(id); err != nil || parsed.String() != id {
				t.Fatalf("%q is sent as the id %q", text, id)
			}
			return
		}
		if index := req.GetLeafIndex(); index < 0 || !strings.HasSuffix(text, strconv.FormatInt(index, 10)) {
			t.Fatalf("%q is sent as the index %d", text, index)
		}
	})
}

// A moment is a time that the contract can carry, and the one that was said.
func FuzzMoment(f *testing.F) {
	for _, text := range []string{"", "24h", "-1h", "7d", "-3d", "99999d", "d", "7", "-7", "2026-11-22T10:00:00Z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999-23:00", "2562047h"} {
		f.Add(text, text)
	}
	f.Fuzz(func(t *testing.T, at, effective string) {
		m, err := momentOptions{at: at, effective: effective}.moment("at", "effective", now())
		if err != nil {
			return
		}
		if (m == nil) != (at == "" && effective == "") {
			t.Fatalf("%q and %q are %v", at, effective, m)
		}
		if known := m.GetRecordedTime(); known != nil && !known.IsValid() || m.GetLeafIndex() < 0 {
			t.Fatalf("%q is %v", at, m)
		}
		ts := m.GetEffectiveTime()
		if ts != nil && !ts.IsValid() {
			t.Fatalf("%q is %v", effective, m)
		}
		if said, err := time.Parse(time.RFC3339, effective); err == nil && !ts.AsTime().Equal(said) {
			t.Fatalf("%q is %v", effective, ts.AsTime())
		}
	})
}

func FuzzResourceReference(f *testing.F) {
	f.Add("policy/0198c0de-0000-7000-8000-000000000001")
	f.Add("/")
	f.Fuzz(func(t *testing.T, text string) {
		if r, err := resourceReference(text); err == nil && (r.GetType()+"/"+r.GetId() != text || strings.Contains(r.GetType(), "/")) {
			t.Fatalf("%q is %v", text, r)
		}
	})
}

// What an auditor brings may be any file; what is taken from it was in it.
func FuzzEvidence(f *testing.F) {
	f.Add([]byte("# wall\nexample.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k\n"))
	f.Add([]byte("c2sp.org/tlog-proof@v1\nindex 0\n\nx\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n— x AAAAAAAAAAA=\n"))
	f.Add([]byte(`{"note":"x"}` + "\n"))
	path := filepath.Join(f.TempDir(), "evidence")
	f.Fuzz(func(t *testing.T, content []byte) {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		vkeys, err := readVKeys([]string{path})
		for _, vkey := range vkeys {
			if err != nil || vkey == "" || !strings.Contains(string(content), vkey) {
				t.Fatalf("%q was read, %v", vkey, err)
			}
		}
		var options auditlog.Options
		known := addKnown(&options, path, true)
		if known != nil && len(options.Known) > 0 {
			t.Fatalf("%v, and yet %q", known, options.Known)
		}
	})
}
