package walldb

import (
	"bytes"
	"testing"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// FuzzAuditRow verifies a row of anything: no byte of its hashes is left out, and it is never the beginning of a sound log.
func FuzzAuditRow(f *testing.F) {
	f.Add([]byte("x"), make([]byte, 64), int64(0))
	f.Add([]byte{8, 1}, make([]byte, 33), int64(1))
	f.Add([]byte(nil), []byte(nil), int64(-1))
	f.Fuzz(func(t *testing.T, leaf, hashes []byte, index int64) {
		r := entryRow{leaf: leaf, hashes: hashes}
		r.columns.LeafIndex = index
		row := r.auditRow(nil)
		if got := bytes.Join(row.StoredHashes, nil); !bytes.Equal(got, hashes) {
			t.Fatalf("%x became %x", hashes, got)
		}
		v := auditlog.NewVerifier(auditlog.LogStart{Origin: "x/platform", TenantID: auditlog.PlatformTenant.String()}, auditlog.Options{UnsignedTail: true})
		v.Add(row)
		if report := v.Conclude(auditlog.LogEnd{}); report.Verdict == auditlog.Verified || len(report.Findings) == 0 {
			t.Fatalf("%+v", report)
		}
	})
}

// FuzzStoredCheckpoint reads a row of a checkpoint that may say anything: what its columns and its note disagree about is a finding.
func FuzzStoredCheckpoint(f *testing.F) {
	f.Add("x\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n— x AAAAAAAAAAA=\n", []byte{1}, int64(1))
	f.Add("", []byte(nil), int64(0))
	f.Fuzz(func(t *testing.T, note string, root []byte, size int64) {
		v := auditlog.NewVerifier(auditlog.LogStart{Origin: "x", TenantID: tenant.ID{}.String()}, auditlog.Options{})
		s := &storedHeads{ctx: t.Context(), v: v, rows: &cursor[checkpointRow]{rows: []checkpointRow{{size, root, note}}, done: true}}
		h, ok, err := s.peek()
		if err != nil {
			t.Fatal(err)
		}
		report := v.Conclude(auditlog.LogEnd{})
		agree := ok && h.Size == size && bytes.Equal(h.Root[:], root)
		found := false
		for _, finding := range report.Findings {
			found = found || finding.Reason == auditlog.ReasonMalformed || finding.Reason == auditlog.ReasonOrigin
		}
		if c, err := auditlog.Read(note); !found && (err != nil || c.Size != size || !bytes.Equal(c.Root[:], root) || !agree) {
			t.Fatalf("%+v of size %d, root %x and %q: %v", h, size, root, note, report.Findings)
		}
	})
}
