package interceptor

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/pkg/auth"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// Whatever a caller sends, what is taken as a request id can stand in a log, a header and an audit entry.
func FuzzRequestID(f *testing.F) {
	for _, s := range []string{"", "req-1", "a b", "a\nb", "\xff", strings.Repeat("a", 129), "é", "\x7f"} {
		f.Add(s, "")
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		id, err := requestIDFrom([]string{first})
		if made := id != first; err != nil || len(id) > maxRequestID || made && !isNew(id) || made == fit(first) {
			t.Errorf("requestIDFrom(%q) = %q, %v", first, id, err)
		}
		if i := strings.IndexFunc(id, func(r rune) bool { return r <= ' ' || r > '~' }); i >= 0 || id == "" {
			t.Errorf("requestIDFrom(%q) keeps the byte at %d", first, i)
		}
		if id, err := requestIDFrom([]string{first, second}); err != nil || !isNew(id) {
			t.Errorf("two values give %q, %v", id, err)
		}
	})
}

func isNew(id string) bool {
	made, err := uuid.Parse(id)
	return err == nil && made.Version() == 7
}

// Whatever a caller sends, it acts for a tenant that its token allows, or for none.
func FuzzTenant(f *testing.F) {
	const a, b = "0198c0de-0000-7000-8000-00000000000a", "0198c0de-0000-7000-8000-00000000000b"
	for _, claim := range []string{"", a} {
		for _, value := range []string{"", a, b, "x", "urn:uuid:" + a, "{" + b + "}", strings.ToUpper(b), a + "," + b} {
			f.Add(claim, value, "", 1, true)
			f.Add(claim, value, b, 2, false)
		}
	}
	f.Fuzz(func(t *testing.T, claim, first, second string, count int, service bool) {
		p := auth.Principal{Subject: "s", Kind: auth.KindUser}
		if service {
			p.Kind = auth.KindService
		}
		if id, err := tenant.Parse(claim); err == nil {
			p.Tenant = id
		}
		values := []string{first, second}[:max(0, min(count, 2))]
		got, err := tenantOf(p, values)
		none := tenant.ID{}
		switch {
		case (err == nil) == (got == none):
			t.Errorf("tenantOf(%+v, %q) = %v, %v", p, values, got, err)
		case err != nil:
		case p.Tenant != none && got != p.Tenant:
			t.Errorf("tenantOf(%+v, %q) = %v: not the claim's", p, values, got)
		case p.Tenant == none && !service:
			t.Errorf("tenantOf(%+v, %q) = %v: a person without a tenant", p, values, got)
		case len(values) > 1 || (service && len(values) == 0):
			t.Errorf("tenantOf(%+v, %q) = %v: not one named tenant", p, values, got)
		case len(values) == 1 && got.String() != strings.ToLower(values[0]):
			t.Errorf("tenantOf(%+v, %q) = %v: not the named one", p, values, got)
		}
	})
}

// Whatever the authorization value is, a token is what follows one "Bearer ".
func FuzzBearerToken(f *testing.F) {
	for _, s := range []string{"", "Bearer x", "bearer  x", "Basic x", "Bearer", "Bearer "} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		token, err := bearerToken([]string{value})
		if (err == nil) != (token != "") || (err == nil && !strings.EqualFold(value, "Bearer "+token)) {
			t.Errorf("bearerToken(%q) = %q, %v", value, token, err)
		}
		if token, err := bearerToken([]string{value, value}); err == nil {
			t.Errorf("two values give %q", token)
		}
	})
}
