package api_test

import (
	"bytes"
	"context"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// TestAuditorVerifiesOffline does what an auditor does: takes the keys, a receipt and an export through the api, and verifies them without it. Then a
// row is altered behind the service's back.
func TestAuditorVerifiesOffline(t *testing.T) {
	t.Parallel()
	s := startAudit(t)
	service, auditor := s.service(tenantA), s.person(tenantA, auth.RoleAuditor)
	var last *governancev1.LogPosition
	for range 9 {
		last = record(t, service, recordRequest(t))
	}
	keys, err := auditor.ListLogKeys(t.Context(), &governancev1.ListLogKeysRequest{})
	if err != nil || len(keys.GetKeys()) != 1 {
		t.Fatalf("ListLogKeys: %v, %v", keys, err)
	}
	ring, err := auditlog.ParseKeys(keys.GetKeys()[0].GetVkey())
	if err != nil {
		t.Fatal(err)
	}
	receipt, err := auditor.GetReceipt(t.Context(), &governancev1.GetReceiptRequest{EntryId: last.GetEntryId()})
	if err != nil {
		t.Fatal(err)
	}
	if !proto.Equal(receipt.GetPosition(), last) {
		t.Errorf("receipt of %v, want %v", receipt.GetPosition(), last)
	}
	if r := auditlog.VerifyReceipt(receipt.GetReceipt(), auditlog.ReceiptOptions{Keys: ring}); r.Verdict != auditlog.Verified {
		t.Errorf("receipt: %+v", r)
	}
	checkpoint, err := auditor.GetCheckpoint(t.Context(), &governancev1.GetCheckpointRequest{})
	if err != nil {
		t.Fatal(err)
	}
	head := checkpoint.GetCheckpoint()
	if r := exportAndVerify(t, auditor, keys.GetKeys()[0], head, ring); r.Verdict != auditlog.Verified || r.Entries != 9 {
		t.Errorf("export: %+v", r)
	}

	admin := s.db.Admin()
	for _, sql := range []string{
		`ALTER EVENT TRIGGER aumos_audit_deny_ddl DISABLE`,
		`ALTER TABLE gov_audit_trail_entries DISABLE TRIGGER ALL`,
		`DO $$ BEGIN FOR i IN 0..3 LOOP EXECUTE format('ALTER TABLE gov_audit_trail_entries_p%s DISABLE TRIGGER ALL', i); END LOOP; END $$`,
		`UPDATE gov_audit_trail_entries SET entry = set_byte(entry, 210, get_byte(entry, 210) # 1) WHERE leaf_index = 5`,
	} {
		if _, err := admin.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	r := exportAndVerify(t, auditor, keys.GetKeys()[0], head, ring)
	if r.Verdict != auditlog.Tampered || len(r.Findings) == 0 || r.Findings[0].First != 5 || r.Findings[0].Last != 5 {
		t.Errorf("export of the altered log: %v %v", r.Verdict, r.Findings)
	}
}

func exportAndVerify(
	t *testing.T, auditor governancev1.AuditServiceClient, key *governancev1.LogKey, head *governancev1.Checkpoint, ring auditlog.Keyring,
) auditlog.Report {
	t.Helper()
	var file bytes.Buffer
	x, err := auditlog.NewExportWriter(&file, auditlog.ExportHeader{Origin: key.GetOrigin(), TenantID: tenantA.String(), Keys: []string{key.GetVkey()}})
	if err != nil {
		t.Fatal(err)
	}
	last := head.GetTreeSize() - 1 // what follows tells of this reading
	for token, first := "", true; first || token != ""; first = false {
		res, err := auditor.ListEntries(context.WithoutCancel(t.Context()), &governancev1.ListEntriesRequest{PageSize: 4, PageToken: token, MaxLeafIndex: &last})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range res.GetEntries() {
			if err := x.Add(e); err != nil {
				t.Fatal(err)
			}
		}
		token = res.GetNextPageToken()
	}
	if err := x.End(auditlog.LogEnd{Checkpoint: head.GetNote()}); err != nil {
		t.Fatal(err)
	}
	r, err := auditlog.VerifyExport(&file, auditlog.Options{Keys: ring})
	if err != nil {
		t.Fatal(err)
	}
	return r
}
