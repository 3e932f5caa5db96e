// Package authtest gives tests real tokens: a development issuer on loopback and a verifier that trusts it.
package authtest

import (
	"net/http/httptest"
	"testing"

	"github.com/aumos-enterprise/platform/pkg/auth"
	"github.com/aumos-enterprise/platform/pkg/auth/devissuer"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// Issuer is a development issuer that serves until the test ends.
type Issuer struct{ *devissuer.Issuer }

// Start serves an issuer with the clients.
func Start(tb testing.TB, clients ...devissuer.Client) *Issuer {
	tb.Helper()
	server := httptest.NewUnstartedServer(nil)
	issuer, err := devissuer.New(devissuer.Config{URL: "http://" + server.Listener.Addr().String(), Clients: clients})
	if err != nil {
		tb.Fatal(err)
	}
	server.Config.Handler = issuer.Handler()
	server.Start()
	tb.Cleanup(server.Close)
	return &Issuer{issuer}
}

// Verifier returns a new verifier that trusts the issuer.
func (i *Issuer) Verifier(tb testing.TB) *auth.Verifier {
	tb.Helper()
	v, err := auth.NewVerifier(tb.Context(), auth.Config{Issuer: i.URL(), Audience: i.Audience()})
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

// Token returns a token for the subject. The zero tenant leaves the tenant_id claim out, as service principals that act for any tenant have it.
func (i *Issuer) Token(tb testing.TB, subject string, id tenant.ID, roles ...auth.Role) string {
	tb.Helper()
	var tenantID string
	if id != (tenant.ID{}) {
		tenantID = id.String()
	}
	token, err := i.IssueToken(subject, tenantID, roles...)
	if err != nil {
		tb.Fatal(err)
	}
	return token
}

// Sign returns a token with the claims; see devissuer.Issuer.Sign.
func (i *Issuer) Sign(tb testing.TB, claims map[string]any) string {
	tb.Helper()
	token, err := i.Issuer.Sign(claims)
	if err != nil {
		tb.Fatal(err)
	}
	return token
}
