package api_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/grpc/codes"

	"github.com/aumos-enterprise/platform/governance/internal/bundle"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/auth"
	"github.com/aumos-enterprise/platform/pkg/config"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// bundles makes a source of bundles with a key of its own.
func bundles(t testing.TB, pool *pgxpool.Pool, engine *rego.Engine) *bundle.Source {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	signing, known, err := bundle.Config{SigningKey: config.Secret(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))}.Keys()
	if err != nil {
		t.Fatal(err)
	}
	source, err := bundle.NewSource(bundle.SourceConfig{Pool: pool, Engine: engine, Signing: signing, Known: known})
	if err != nil {
		t.Fatal(err)
	}
	return source
}

func (r *replica) bundleClient(id tenant.ID, role auth.Role) governancev1.BundleServiceClient {
	r.t.Helper()
	return governancev1.NewBundleServiceClient(r.Dial(r.t, r.Issuer.Token(r.t, "subject-of-"+string(role), id, role), ""))
}

// A tenant's bundle holds its own policies, and changes when what is active does.
func TestBundleFollowsPolicies(t *testing.T) {
	t.Parallel()
	r := setup(t)
	describe := func(id tenant.ID) *governancev1.Bundle {
		t.Helper()
		res, err := r.bundleClient(id, auth.RoleOperator).GetBundle(t.Context(), &governancev1.GetBundleRequest{})
		if err != nil {
			t.Fatal(err)
		}
		return res.GetBundle()
	}
	empty, theirs := describe(tenantA), describe(tenantB)
	if len(empty.GetPolicies()) != 0 || empty.GetRevision() != theirs.GetRevision() || empty.GetEtag() == theirs.GetEtag() {
		t.Errorf("without policies: %v and %v; the tenant is signed with the content", empty, theirs)
	}
	admin := r.admin(tenantA)
	b, a := admin.active("b", "allow := true", "x.y", "a.b"), admin.active("a", "allow := false")
	admin.version(admin.policy("c").GetId(), "allow := true") // never activated
	first := describe(tenantA)
	if p := first.GetPolicies(); len(p) != 2 || p[0].GetPolicyId() != a.GetId() || p[1].GetPolicyId() != b.GetId() ||
		p[1].GetPolicyVersionId() != b.GetActiveVersionId() || len(p[1].GetContentSha256()) != 32 || p[1].GetDecisionPoints()[0] != "a.b" {
		t.Errorf("described as %v", first)
	}
	if again := describe(tenantA); again.GetEtag() != first.GetEtag() || again.GetRevision() != first.GetRevision() {
		t.Error("nothing has changed, and the bundle has")
	}
	admin.activate(admin.version(b.GetId(), "allow := 1 == 2").GetId())
	if second := describe(tenantA); second.GetRevision() == first.GetRevision() || second.GetEtag() == first.GetEtag() {
		t.Error("another version is active, and the bundle is the same")
	}
	if now := describe(tenantB); now.GetEtag() != theirs.GetEtag() {
		t.Error("another tenant's bundle has changed")
	}
}

func TestHeartbeats(t *testing.T) {
	t.Parallel()
	r := setup(t)
	sidecars := r.bundleClient(tenantA, auth.RoleOperator)
	beat := func(id, revision string) string {
		t.Helper()
		res, err := sidecars.RecordHeartbeat(t.Context(), &governancev1.RecordHeartbeatRequest{SidecarId: id, Version: "x/1", LoadedRevision: revision, Healthy: true})
		if err != nil {
			t.Fatal(err)
		}
		return res.GetCurrentRevision()
	}
	current := beat("old", "before")
	beat("new", current)
	first, err := sidecars.ListSidecars(t.Context(), &governancev1.ListSidecarsRequest{PageSize: 1})
	if err != nil {
		t.Fatal(err)
	}
	second, err := sidecars.ListSidecars(t.Context(), &governancev1.ListSidecarsRequest{PageSize: 1, PageToken: first.GetNextPageToken()})
	if err != nil || second.GetNextPageToken() != "" {
		t.Fatalf("got %v, %v", second, err)
	}
	if s := first.GetSidecars()[0]; s.GetSidecarId() != "new" || !s.GetUpToDate() || !s.GetAlive() || !s.GetHealthy() || s.GetLastSeenTime() == nil {
		t.Errorf("got %v", s)
	}
	if s := second.GetSidecars()[0]; s.GetSidecarId() != "old" || s.GetUpToDate() {
		t.Errorf("got %v", s)
	}
	theirs, err := r.bundleClient(tenantB, auth.RoleViewer).ListSidecars(t.Context(), &governancev1.ListSidecarsRequest{})
	if err != nil || len(theirs.GetSidecars()) != 0 {
		t.Errorf("another tenant sees %v, %v", theirs, err)
	}
	if n := len(r.entries(tenantA)); n != 0 {
		t.Errorf("heartbeats made %d entries", n)
	}
	other := r.bundleClient(tenantA, auth.RoleAdmin)
	_, err = other.RecordHeartbeat(t.Context(), &governancev1.RecordHeartbeatRequest{SidecarId: "old"})
	wantError(t, err, codes.PermissionDenied, governancev1.ErrorReason_ERROR_REASON_SIDECAR_OWNED)
	release := &governancev1.ReleaseSidecarRequest{SidecarId: "old", Reason: "another service runs it now"}
	_, err = r.bundleClient(tenantA, auth.RoleViewer).ReleaseSidecar(t.Context(), release)
	wantError(t, err, codes.PermissionDenied, governancev1.ErrorReason_ERROR_REASON_PERMISSION_MISSING)
	released, err := sidecars.ReleaseSidecar(t.Context(), release)
	if err != nil || released.GetOwner() != "subject-of-operator" {
		t.Fatalf("released %v, %v", released, err)
	}
	entry := r.entries(tenantA)[0]
	if entry.EventType != "governance.sidecar_released" || entry.Resource.ID != "old" || entry.Details["owner"] != "subject-of-operator" || entry.Details["reason"] != release.GetReason() {
		t.Errorf("entry %+v", entry)
	}
	_, err = sidecars.ReleaseSidecar(t.Context(), release)
	wantError(t, err, codes.NotFound, governancev1.ErrorReason_ERROR_REASON_NOT_FOUND)
	_, err = sidecars.RecordHeartbeat(t.Context(), &governancev1.RecordHeartbeatRequest{SidecarId: "a b"})
	wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD)
	_, err = r.bundleClient(tenantA, auth.RoleViewer).GetBundle(t.Context(), &governancev1.GetBundleRequest{})
	wantError(t, err, codes.PermissionDenied, governancev1.ErrorReason_ERROR_REASON_PERMISSION_MISSING)
	keys, err := sidecars.ListBundleKeys(t.Context(), &governancev1.ListBundleKeysRequest{})
	if err != nil || len(keys.GetKeys()) != 1 || keys.GetKeys()[0].GetAlgorithm() != "ES256" {
		t.Errorf("keys %v, %v", keys, err)
	}
}
