package interceptor_test

import (
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	typev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/type/v1"
	"github.com/aumos-enterprise/platform/pkg/interceptor"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

func TestAuthorizationMetadata(t *testing.T) {
	t.Parallel()
	b := setup(t, interceptor.RateLimit{})
	conn, good := b.Dial(t, "", ""), b.user(t)
	for name, values := range map[string][]string{
		"none":                 nil,
		"empty":                {""},
		"no scheme":            {good},
		"another scheme":       {"Basic " + good},
		"scheme alone":         {"Bearer"},
		"scheme and a space":   {"Bearer "},
		"two spaces":           {"Bearer  " + good},
		"two values":           {"Bearer " + good, "Bearer " + good},
		"good, then bad":       {"Bearer " + good, "Bearer x"},
		"two in one value":     {"Bearer " + good + ", Bearer " + good},
		"token of another key": {"Bearer " + good[:len(good)-8] + "AAAAAAAA"},
		"over 16 KiB":          {"Bearer " + good + strings.Repeat("A", 16<<10)},
	} {
		for kind, rpc := range rpcs() {
			t.Run(kind+"/"+name, func(t *testing.T) {
				t.Parallel()
				ctx := t.Context()
				for _, v := range values {
					ctx = with(ctx, "authorization", v)
				}
				a := want(t, rpc.call(ctx, conn, true), codes.Unauthenticated, "INVALID_TOKEN")
				if !strings.HasPrefix(a.text, "the bearer token is missing or does not verify") || len(a.info.GetMetadata()) != 1 {
					t.Errorf("the client learns more: %q %v", a.text, a.info)
				}
			})
		}
	}
	t.Run("scheme in any case", func(t *testing.T) {
		t.Parallel()
		if err := rpcs()["unary"].call(with(t.Context(), "authorization", "bEARER "+good), conn, true); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		if strings.Contains(b.Log.String(), good[len(good)-40:]) || strings.Contains(b.Log.String(), good[:40]) {
			t.Error("the log holds a token")
		}
	})
}

func TestPermissionIsNamed(t *testing.T) {
	t.Parallel()
	b := setup(t, interceptor.RateLimit{})
	conn := b.Dial(t, b.Issuer.Token(t, "viewer", parse(t, tenantA), auth.RoleViewer), "")
	a := want(t, rpcs()["stream"].call(t.Context(), conn, true), codes.PermissionDenied, "PERMISSION_MISSING")
	if a.info.GetMetadata()["permission"] != "baseline.write" {
		t.Errorf("metadata = %v", a.info.GetMetadata())
	}
	if line := b.line(t, "UploadBaseline"); line["principal"] != "viewer" {
		t.Errorf("the log does not name who was refused: %v", line)
	}
}

func TestTenant(t *testing.T) {
	t.Parallel()
	b := setup(t, interceptor.RateLimit{})
	a, none := parse(t, tenantA), tenant.ID{}
	for name, tc := range map[string]struct {
		claim  tenant.ID
		role   auth.Role
		values []string
		code   codes.Code
		reason string
	}{
		"user":                                 {a, auth.RoleMLEngineer, nil, codes.OK, ""},
		"user repeats the claim":               {a, auth.RoleMLEngineer, []string{tenantA}, codes.OK, ""},
		"user repeats it in capitals":          {a, auth.RoleMLEngineer, []string{strings.ToUpper(tenantA)}, codes.OK, ""},
		"user names another":                   {a, auth.RoleMLEngineer, []string{tenantB}, codes.PermissionDenied, "TENANT_MISMATCH"},
		"user without a claim":                 {none, auth.RoleMLEngineer, nil, codes.InvalidArgument, "TENANT_MISSING"},
		"user without a claim names one":       {none, auth.RoleMLEngineer, []string{tenantA}, codes.InvalidArgument, "TENANT_MISSING"},
		"admin names another":                  {a, auth.RoleAdmin, []string{tenantB}, codes.PermissionDenied, "TENANT_MISMATCH"},
		"service":                              {none, auth.RoleService, []string{tenantA}, codes.OK, ""},
		"service names none":                   {none, auth.RoleService, nil, codes.InvalidArgument, "TENANT_MISSING"},
		"service of one tenant names none":     {a, auth.RoleService, nil, codes.InvalidArgument, "TENANT_MISSING"},
		"service of one tenant names it":       {a, auth.RoleService, []string{tenantA}, codes.OK, ""},
		"service of one tenant names another":  {a, auth.RoleService, []string{tenantB}, codes.PermissionDenied, "TENANT_MISMATCH"},
		"same value twice":                     {a, auth.RoleMLEngineer, []string{tenantA, tenantA}, codes.InvalidArgument, "INVALID_FIELD"},
		"claim's tenant, then another":         {a, auth.RoleMLEngineer, []string{tenantA, tenantB}, codes.InvalidArgument, "INVALID_FIELD"},
		"service names two":                    {none, auth.RoleService, []string{tenantA, tenantB}, codes.InvalidArgument, "INVALID_FIELD"},
		"two in one value":                     {none, auth.RoleService, []string{tenantA + "," + tenantB}, codes.InvalidArgument, "INVALID_FIELD"},
		"malformed":                            {none, auth.RoleService, []string{"acme"}, codes.InvalidArgument, "INVALID_FIELD"},
		"empty":                                {none, auth.RoleService, []string{""}, codes.InvalidArgument, "INVALID_FIELD"},
		"nil UUID":                             {none, auth.RoleService, []string{"00000000-0000-0000-0000-000000000000"}, codes.InvalidArgument, "INVALID_FIELD"},
		"another form of the UUID":             {none, auth.RoleService, []string{"urn:uuid:" + tenantA}, codes.InvalidArgument, "INVALID_FIELD"},
		"user repeats the claim in other form": {a, auth.RoleMLEngineer, []string{"{" + tenantA + "}"}, codes.InvalidArgument, "INVALID_FIELD"},
	} {
		for kind, rpc := range rpcs() {
			t.Run(kind+"/"+name, func(t *testing.T) {
				t.Parallel()
				ctx := with(t.Context(), "authorization", "Bearer "+b.Issuer.Token(t, "someone", tc.claim, auth.RoleMLEngineer, tc.role))
				for _, v := range tc.values {
					ctx = with(ctx, "x-tenant-id", v)
				}
				err := rpc.call(ctx, b.Dial(t, "", ""), true)
				if tc.code == codes.OK {
					if err != nil {
						t.Fatal(err)
					}
					return
				}
				got := want(t, err, tc.code, tc.reason)
				if strings.Contains(got.text, tenantA) || strings.Contains(got.text, tenantB) {
					t.Errorf("the message names a tenant: %q", got.text)
				}
			})
		}
	}
}

// The handler acts for the tenant that the service named.
func TestServiceActsForTheNamedTenant(t *testing.T) {
	t.Parallel()
	b := setup(t, interceptor.RateLimit{})
	service := b.Issuer.Token(t, "drift", tenant.ID{}, auth.RoleService)
	for _, id := range []string{tenantA, tenantB} {
		if _, err := governancev1.NewAuditServiceClient(b.Dial(t, service, id)).RecordEntry(t.Context(), entry()); err != nil {
			t.Fatal(err)
		}
	}
	var seen []any
	for _, l := range b.Log.Lines(t, "rpc") {
		if l["method"] == "/aumos.governance.v1.AuditService/RecordEntry" {
			seen = append(seen, l["tenant_id"])
		}
	}
	if len(seen) != 2 || seen[0] != tenantA || seen[1] != tenantB {
		t.Errorf("tenants = %v", seen)
	}
}

func TestServiceOnly(t *testing.T) {
	t.Parallel()
	b := setup(t, interceptor.RateLimit{})
	for _, role := range []auth.Role{auth.RoleAdmin, auth.RoleAuditor, auth.RoleOperator} {
		_, err := governancev1.NewAuditServiceClient(b.Dial(t, b.Issuer.Token(t, "person", parse(t, tenantA), role), "")).RecordEntry(t.Context(), entry())
		want(t, err, codes.PermissionDenied, "PERMISSION_MISSING")
	}
}

func entry() *governancev1.RecordEntryRequest {
	return &governancev1.RecordEntryRequest{
		EntryId: policyID, EventType: "drift.detection", Action: "detection.run", Outcome: governancev1.AuditOutcome_AUDIT_OUTCOME_SUCCESS,
		Actor:    &typev1.Actor{Kind: typev1.ActorKind_ACTOR_KIND_SERVICE, Id: "drift"},
		Resource: &governancev1.AuditResource{Type: "detection", Id: policyID}, Details: &structpb.Struct{},
	}
}
