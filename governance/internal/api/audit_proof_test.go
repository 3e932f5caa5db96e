package api_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/tlog"
	"google.golang.org/grpc/codes"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// TestGetHeadCommitment verifies a commitment with what the service hands out, as an auditor does.
func TestGetHeadCommitment(t *testing.T) {
	t.Parallel()
	s := startAudit(t)
	auditor := s.person(tenantA, auth.RoleAuditor)
	_, err := auditor.GetHeadCommitment(t.Context(), &governancev1.GetHeadCommitmentRequest{})
	wantError(t, err, codes.NotFound, governancev1.ErrorReason_ERROR_REASON_NOT_FOUND)
	for range 3 {
		record(t, s.service(tenantA), recordRequest(t))
	}
	record(t, s.service(tenantB), recordRequest(t))
	keys, err := auditor.ListLogKeys(t.Context(), &governancev1.ListLogKeysRequest{})
	if err != nil || len(keys.GetPlatformKeys()) != 1 || keys.GetPlatformKeys()[0].GetOrigin() != "audit.example.com/platform" {
		t.Fatalf("ListLogKeys: %v, %v", keys, err)
	}
	trusted := func(key *governancev1.LogKey) auditlog.Keyring {
		ring, err := auditlog.ParseKeys(key.GetVkey())
		if err != nil {
			t.Fatal(err)
		}
		return ring
	}
	res, err := auditor.GetHeadCommitment(t.Context(), &governancev1.GetHeadCommitmentRequest{})
	if err != nil {
		t.Fatal(err)
	}
	c := res.GetCommitment()
	head, r := auditlog.VerifyHeadCommitment(c.GetLeaf(), c.GetReceipt(), auditlog.ReceiptOptions{Keys: trusted(keys.GetPlatformKeys()[0])})
	shown, _, err := auditlog.Open(c.GetCheckpoint().GetNote(), trusted(keys.GetKeys()[0]))
	if r.Verdict != auditlog.Verified || err != nil || shown != head || head.Size != 3 {
		t.Errorf("the commitment: %+v of %+v, the checkpoint %+v (%v)", r, head, shown, err)
	}
	_, err = s.person(auditlog.PlatformTenant, auth.RoleAuditor).GetHeadCommitment(t.Context(), &governancev1.GetHeadCommitmentRequest{})
	wantError(t, err, codes.PermissionDenied, governancev1.ErrorReason_ERROR_REASON_PLATFORM_LOG)
}

// TestNobodyWritesOnThePlatformLog: whoever acts for its tenant reads, and nothing else.
func TestNobodyWritesOnThePlatformLog(t *testing.T) {
	t.Parallel()
	s := startAudit(t)
	_, err := s.service(auditlog.PlatformTenant).RecordEntry(t.Context(), recordRequest(t))
	wantError(t, err, codes.PermissionDenied, governancev1.ErrorReason_ERROR_REASON_PLATFORM_LOG)
	_, err = s.service(auditlog.PlatformTenant).BatchRecordEntries(t.Context(), &governancev1.BatchRecordEntriesRequest{
		Entries: []*governancev1.RecordEntryRequest{recordRequest(t), recordRequest(t)},
	})
	wantError(t, err, codes.PermissionDenied, governancev1.ErrorReason_ERROR_REASON_PLATFORM_LOG)
	record(t, s.service(tenantA), recordRequest(t))
	if _, err := s.person(tenantA, auth.RoleAuditor).GetHeadCommitment(t.Context(), &governancev1.GetHeadCommitmentRequest{}); err != nil {
		t.Fatal(err)
	}
	list, err := s.person(auditlog.PlatformTenant, auth.RoleAuditor).ListEntries(t.Context(), &governancev1.ListEntriesRequest{EventType: auditlog.EventHeadCommitted})
	if err != nil || len(list.GetEntries()) == 0 || list.GetEntries()[0].GetEntry().GetResource().GetId() != tenantA.String() {
		t.Errorf("ListEntries: %v, %v", list, err)
	}

	g := setup(t)
	platform := g.admin(auditlog.PlatformTenant)
	_, err = platform.CreatePolicy(t.Context(), &governancev1.CreatePolicyRequest{Name: "p"})
	wantError(t, err, codes.PermissionDenied, governancev1.ErrorReason_ERROR_REASON_PLATFORM_LOG)
	_, err = platform.Evaluate(t.Context(), askPolicy(uuid.NewString(), nil))
	wantError(t, err, codes.PermissionDenied, governancev1.ErrorReason_ERROR_REASON_PLATFORM_LOG)
	_, err = platform.Evaluate(t.Context(), askPoint("claims.approve", nil))
	wantError(t, err, codes.PermissionDenied, governancev1.ErrorReason_ERROR_REASON_PLATFORM_LOG)
}

func TestProofRpcs(t *testing.T) {
	t.Parallel()
	s := startAudit(t)
	service, auditor := s.service(tenantA), s.person(tenantA, auth.RoleAuditor)
	for range 7 {
		record(t, service, recordRequest(t))
	}
	checkpoint, err := auditor.GetCheckpoint(t.Context(), &governancev1.GetCheckpointRequest{})
	if err != nil {
		t.Fatal(err)
	}
	head := checkpoint.GetCheckpoint()
	if head.GetTreeSize() != 7 || time.Since(head.GetCreateTime().AsTime()) > time.Minute {
		t.Errorf("checkpoint: %v", head)
	}
	inclusion, err := auditor.GetInclusionProof(t.Context(), &governancev1.GetInclusionProofRequest{LeafIndex: 4, TreeSize: 6})
	if err != nil {
		t.Fatal(err)
	}
	if err := tlog.CheckRecord(hashesOf(inclusion.GetHashes()), inclusion.GetTreeSize(), tlog.Hash(inclusion.GetRootHash()),
		inclusion.GetLeafIndex(), tlog.Hash(inclusion.GetLeafHash())); err != nil || inclusion.GetTreeSize() != 6 {
		t.Errorf("inclusion: %v, %v", inclusion, err)
	}
	consistency, err := auditor.GetConsistencyProof(t.Context(), &governancev1.GetConsistencyProofRequest{FirstTreeSize: 3})
	if err != nil {
		t.Fatal(err)
	}
	if err := tlog.CheckTree(hashesOf(consistency.GetHashes()), consistency.GetSecondTreeSize(), tlog.Hash(consistency.GetSecondRootHash()),
		consistency.GetFirstTreeSize(), tlog.Hash(consistency.GetFirstRootHash())); err != nil || !bytes.Equal(consistency.GetSecondRootHash(), head.GetRootHash()) {
		t.Errorf("consistency: %v, %v", consistency, err)
	}
	_, err = auditor.GetInclusionProof(t.Context(), &governancev1.GetInclusionProofRequest{LeafIndex: 4, TreeSize: 8})
	wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_TREE_SIZE_BEYOND_LOG)
	_, err = auditor.GetConsistencyProof(t.Context(), &governancev1.GetConsistencyProofRequest{FirstTreeSize: 4, SecondTreeSize: 3})
	wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD)
	if _, named := fieldsOf(err)["first_tree_size"]; !named {
		t.Errorf("fields %v, want first_tree_size", fieldsOf(err))
	}
	_, err = auditor.ListEntries(t.Context(), &governancev1.ListEntriesRequest{MinLeafIndex: 4, MaxLeafIndex: new(int64(3))})
	wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD)
	if _, named := fieldsOf(err)["max_leaf_index"]; !named {
		t.Errorf("fields %v, want max_leaf_index", fieldsOf(err))
	}
}

func hashesOf(messages [][]byte) []tlog.Hash {
	hashes := make([]tlog.Hash, len(messages))
	for i, m := range messages {
		hashes[i] = tlog.Hash(m)
	}
	return hashes
}
