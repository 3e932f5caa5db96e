package auth_test

import (
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aumos-enterprise/platform/pkg/auth"
	"github.com/aumos-enterprise/platform/pkg/auth/authtest"
	"github.com/aumos-enterprise/platform/pkg/config"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

const tenantID = "0198c0de-0000-7000-8000-000000000001"

func parse(t testing.TB, s string) tenant.ID {
	t.Helper()
	id, err := tenant.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestVerify(t *testing.T) {
	t.Parallel()
	issuer := authtest.Start(t)
	verifier := issuer.Verifier(t)
	for name, tc := range map[string]struct {
		claims map[string]any
		want   auth.Principal
	}{
		"user": {
			map[string]any{"sub": "alice", "tenant_id": tenantID, "roles": []string{"viewer", "policy-author"}},
			auth.Principal{Subject: "alice", Kind: auth.KindUser, Tenant: parse(t, tenantID), Roles: []auth.Role{auth.RoleViewer, auth.RolePolicyAuthor}},
		},
		"service": {
			map[string]any{"sub": "drift", "roles": []string{"service"}},
			auth.Principal{Subject: "drift", Kind: auth.KindService, Roles: []auth.Role{auth.RoleService}},
		},
		"foreign and repeated roles grant nothing more": {
			map[string]any{"sub": "bob", "roles": []string{"offline_access", "viewer", "viewer", "root"}},
			auth.Principal{Subject: "bob", Kind: auth.KindUser, Roles: []auth.Role{auth.RoleViewer}},
		},
		"no roles":           {map[string]any{"sub": "bob"}, auth.Principal{Subject: "bob", Kind: auth.KindUser}},
		"null claims":        {map[string]any{"sub": "bob", "tenant_id": json.RawMessage("null"), "roles": json.RawMessage("null")}, auth.Principal{Subject: "bob", Kind: auth.KindUser}},
		"several audiences":  {map[string]any{"sub": "bob", "aud": []string{"other", "aumos"}}, auth.Principal{Subject: "bob", Kind: auth.KindUser}},
		"clock a bit behind": {map[string]any{"sub": "bob", "nbf": time.Now().Add(20 * time.Second).Unix(), "iat": time.Now().Add(20 * time.Second).Unix()}, auth.Principal{Subject: "bob", Kind: auth.KindUser}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.want.Expiry = time.Now().Add(time.Hour).Truncate(time.Second)
			tc.claims["exp"] = tc.want.Expiry.Unix()
			token := issuer.Sign(t, tc.claims)
			for _, pass := range []string{"fresh", "cached"} {
				got, err := verifier.Verify(t.Context(), token)
				if err != nil {
					t.Fatal(pass, err)
				}
				if diff := cmp.Diff(tc.want, got); diff != "" {
					t.Error(pass, diff)
				}
			}
		})
	}
}

func TestVerifyRefusesClaims(t *testing.T) {
	t.Parallel()
	issuer := authtest.Start(t)
	verifier := issuer.Verifier(t)
	for name, claims := range map[string]map[string]any{
		"wrong audience":          {"aud": "other"},
		"no audience":             {"aud": nil},
		"wrong issuer":            {"iss": "https://evil.example"},
		"issuer with a slash":     {"iss": issuer.URL() + "/"},
		"no issuer":               {"iss": nil},
		"expired":                 {"exp": time.Now().Add(-time.Second).Unix()},
		"no expiry":               {"exp": nil},
		"nbf in the future":       {"nbf": time.Now().Add(time.Minute).Unix()},
		"iat in the future":       {"iat": time.Now().Add(time.Minute).Unix()},
		"nbf as text":             {"nbf": "soon"},
		"no subject":              {"sub": nil},
		"empty subject":           {"sub": ""},
		"subject is no string":    {"sub": 7},
		"long subject":            {"sub": strings.Repeat("a", 256)},
		"subject with a newline":  {"sub": "a\nb"},
		"over 16 KiB":             {"padding": strings.Repeat("a", 16<<10)},
		"tenant is no UUID":       {"tenant_id": "acme"},
		"tenant is empty":         {"tenant_id": ""},
		"tenant is the nil UUID":  {"tenant_id": "00000000-0000-0000-0000-000000000000"},
		"tenant in another form":  {"tenant_id": "urn:uuid:" + tenantID},
		"tenants are a list":      {"tenant_id": []string{tenantID}},
		"tenant is an object":     {"tenant_id": map[string]any{"id": tenantID}},
		"roles are a string":      {"roles": "admin"},
		"roles are numbers":       {"roles": []int{1}},
		"expiry twice by case":    {"exp": time.Now().Add(-time.Hour).Unix(), "EXP": time.Now().Add(time.Hour).Unix()},
		"tenant in capitals":      {"Tenant_ID": tenantID},
		"subject with a long s":   {"\u017fub": "admin"},
		"distributed claim's end": {"_claim_names": map[string]any{"roles": "x"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := map[string]any{"sub": "alice", "tenant_id": tenantID, "roles": []string{"admin"}}
			maps.Copy(all, claims)
			refused(t, verifier, issuer.Sign(t, all))
		})
	}
	if n := verifier.CacheLen(); n != 0 {
		t.Errorf("%d refused tokens are remembered", n)
	}
}

// refused checks that the token is INVALID_TOKEN and that the client would learn nothing of why.
func refused(t *testing.T, v *auth.Verifier, token string) {
	t.Helper()
	p, err := v.Verify(t.Context(), token)
	if err == nil {
		t.Fatalf("accepted as %+v", p)
	}
	var public *errs.Error
	if !errors.As(err, &public) || public.Kind != errs.Unauthenticated || public.Reason != errs.ReasonInvalidToken {
		t.Fatalf("error = %v", err)
	}
	if public.Message != "the bearer token is missing or does not verify" || len(public.Metadata)+len(public.Violations) > 0 {
		t.Errorf("the client learns more than that the token is invalid: %+v", public)
	}
	if public.Cause == nil {
		t.Error("the log learns nothing")
	}
	if token != "" && strings.Contains(err.Error(), token) {
		t.Error("the log would hold the token")
	}
}

func TestRolesClaim(t *testing.T) {
	t.Parallel()
	issuer := authtest.Start(t)
	for name, tc := range map[string]struct {
		path   string
		claims map[string]any
		want   []auth.Role
		bad    bool
	}{
		"keycloak realm":     {"realm_access.roles", map[string]any{"realm_access": map[string]any{"roles": []string{"viewer"}}}, []auth.Role{auth.RoleViewer}, false},
		"keycloak client":    {"resource_access.aumos.roles", map[string]any{"resource_access": map[string]any{"aumos": map[string]any{"roles": []string{"admin"}}}}, []auth.Role{auth.RoleAdmin}, false},
		"name with dots":     {"https://aumos.example/roles", map[string]any{"https://aumos.example/roles": []string{"auditor"}}, []auth.Role{auth.RoleAuditor}, false},
		"path is absent":     {"realm_access.roles", map[string]any{}, nil, false},
		"end is absent":      {"realm_access.roles", map[string]any{"realm_access": map[string]any{}}, nil, false},
		"default is ignored": {"realm_access.roles", map[string]any{"roles": []string{"admin"}}, nil, false},
		"middle is a list":   {"realm_access.roles", map[string]any{"realm_access": []string{"roles"}}, nil, true},
		"end is an object":   {"realm_access", map[string]any{"realm_access": map[string]any{"roles": []string{"admin"}}}, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, err := auth.NewVerifier(t.Context(), auth.Config{Issuer: issuer.URL(), Audience: issuer.Audience(), RolesClaim: tc.path})
			if err != nil {
				t.Fatal(err)
			}
			claims := map[string]any{"sub": "alice"}
			maps.Copy(claims, tc.claims)
			token := issuer.Sign(t, claims)
			if tc.bad {
				refused(t, v, token)
				return
			}
			got, err := v.Verify(t.Context(), token)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got.Roles); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNewVerifierRefuses(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]auth.Config{
		"no issuer":      {Audience: "aumos"},
		"no audience":    {Issuer: "https://issuer"},
		"no URL":         {Issuer: "issuer", Audience: "aumos"},
		"another scheme": {Issuer: "ftp://issuer", Audience: "aumos"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := auth.NewVerifier(t.Context(), cfg); err == nil {
				t.Error("no error")
			}
		})
	}
}

func TestConfigIsDocumented(t *testing.T) {
	t.Parallel()
	if got, err := config.Undocumented(&auth.Config{}); err != nil || len(got) > 0 {
		t.Error(got, err)
	}
}

func BenchmarkVerify(b *testing.B) {
	issuer := authtest.Start(b)
	claims := map[string]any{"sub": "alice", "tenant_id": tenantID, "roles": []string{"viewer", "policy-author"}}
	b.Run("cached", func(b *testing.B) {
		v, token := issuer.Verifier(b), issuer.Sign(b, claims)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := v.Verify(b.Context(), token); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("uncached", func(b *testing.B) {
		// A cache of one and two tokens in turn: none is ever found.
		v, err := auth.NewVerifier(b.Context(), auth.Config{Issuer: issuer.URL(), Audience: issuer.Audience(), CacheSize: 1})
		if err != nil {
			b.Fatal(err)
		}
		tokens := [2]string{issuer.Sign(b, claims), issuer.Sign(b, claims)}
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if _, err := v.Verify(b.Context(), tokens[i%2]); err != nil {
				b.Fatal(err)
			}
		}
	})
}
