package devissuer_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/aumos-enterprise/platform/pkg/auth"
	"github.com/aumos-enterprise/platform/pkg/auth/authtest"
	"github.com/aumos-enterprise/platform/pkg/auth/devissuer"
)

const tenantID = "0198c0de-0000-7000-8000-000000000001"

func clients() []devissuer.Client {
	return []devissuer.Client{
		{ID: "alice", Secret: "alice secret/+&", TenantID: tenantID, Roles: []auth.Role{auth.RoleViewer}},
		{ID: "drift", Secret: "drift-secret", Subject: "service:drift", Roles: []auth.Role{auth.RoleService}},
	}
}

func post(t *testing.T, issuer *authtest.Issuer, form string, edit func(*http.Request)) (int, map[string]any, http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, issuer.URL()+"/token", strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if edit != nil {
		edit(req)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var body map[string]any
	if b, err := io.ReadAll(resp.Body); err != nil || json.Unmarshal(b, &body) != nil {
		t.Fatalf("body %q: %v", b, err)
	}
	return resp.StatusCode, body, resp.Header
}

func basic(id, secret string) func(*http.Request) {
	return func(r *http.Request) { r.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret)) }
}

func TestTokenEndpoint(t *testing.T) {
	t.Parallel()
	issuer := authtest.Start(t, clients()...)
	verifier := issuer.Verifier(t)
	form := func(id, secret string) string {
		return url.Values{"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {secret}}.Encode()
	}
	for name, tc := range map[string]struct {
		form    string
		edit    func(*http.Request)
		subject string
		kind    auth.Kind
	}{
		"by form":           {form("drift", "drift-secret"), nil, "service:drift", auth.KindService},
		"by header":         {"grant_type=client_credentials", basic("drift", "drift-secret"), "service:drift", auth.KindService},
		"subject is the id": {form("alice", "alice secret/+&"), nil, "alice", auth.KindUser},
		"encoded header":    {"grant_type=client_credentials", basic("alice", "alice secret/+&"), "alice", auth.KindUser},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, body, header := post(t, issuer, tc.form, tc.edit)
			if code != http.StatusOK || body["token_type"] != "Bearer" || body["expires_in"] != 900.0 {
				t.Fatalf("%d %v", code, body)
			}
			if header.Get("Cache-Control") != "no-store" {
				t.Error("the token may be cached")
			}
			p, err := verifier.Verify(t.Context(), body["access_token"].(string))
			if err != nil {
				t.Fatal(err)
			}
			if p.Subject != tc.subject || p.Kind != tc.kind {
				t.Errorf("principal = %+v", p)
			}
		})
	}
}

func TestTokenEndpointRefuses(t *testing.T) {
	t.Parallel()
	issuer := authtest.Start(t, clients()...)
	const grant = "grant_type=client_credentials"
	for name, tc := range map[string]struct {
		form   string
		edit   func(*http.Request)
		code   int
		reason string
	}{
		"wrong secret":               {grant + "&client_id=drift&client_secret=x", nil, 401, "invalid_client"},
		"prefix of the secret":       {grant + "&client_id=drift&client_secret=drift-secre", nil, 401, "invalid_client"},
		"another client's secret":    {grant + "&client_id=alice&client_secret=drift-secret", nil, 401, "invalid_client"},
		"no secret":                  {grant + "&client_id=drift", nil, 401, "invalid_client"},
		"unknown client":             {grant + "&client_id=root&client_secret=x", nil, 401, "invalid_client"},
		"unknown client, no secret":  {grant + "&client_id=root", nil, 401, "invalid_client"},
		"no client":                  {grant, nil, 401, "invalid_client"},
		"wrong header":               {grant, basic("drift", "x"), 401, "invalid_client"},
		"header badly encoded":       {grant, func(r *http.Request) { r.SetBasicAuth("%zz", "x") }, 401, "invalid_client"},
		"two ways at once":           {grant + "&client_id=drift&client_secret=drift-secret", basic("drift", "drift-secret"), 401, "invalid_client"},
		"another grant":              {"grant_type=password&client_id=drift&client_secret=drift-secret", nil, 400, "unsupported_grant_type"},
		"no grant":                   {"client_id=drift&client_secret=drift-secret", nil, 400, "unsupported_grant_type"},
		"secret in the query string": {grant, func(r *http.Request) { r.URL.RawQuery = "client_id=drift&client_secret=drift-secret" }, 400, "invalid_request"},
		"too much":                   {grant + "&x=" + strings.Repeat("a", 64<<10), nil, 400, "invalid_request"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, body, _ := post(t, issuer, tc.form, tc.edit)
			if code != tc.code || body["error"] != tc.reason || body["access_token"] != nil {
				t.Errorf("%d %v, want %d %s", code, body, tc.code, tc.reason)
			}
		})
	}
}

// The grant as the services' own library asks for it.
func TestClientCredentialsLibrary(t *testing.T) {
	t.Parallel()
	issuer := authtest.Start(t, clients()...)
	grant := clientcredentials.Config{ClientID: "alice", ClientSecret: "alice secret/+&", TokenURL: issuer.URL() + "/token"}
	token, err := grant.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p, err := issuer.Verifier(t).Verify(t.Context(), token.AccessToken)
	if err != nil || p.Subject != "alice" || p.Tenant.String() != tenantID {
		t.Errorf("principal = %+v, %v", p, err)
	}
	grant.ClientSecret = "x"
	_, err = grant.Token(t.Context())
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) || refused.Response.StatusCode != http.StatusUnauthorized {
		t.Errorf("with a wrong secret: %v", err)
	}
}

func TestIssuerUnderAPath(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(nil)
	issuer, err := devissuer.New(devissuer.Config{URL: "http://" + server.Listener.Addr().String() + "/realms/dev/"})
	if err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = issuer.Handler()
	server.Start()
	defer server.Close()
	v, err := auth.NewVerifier(t.Context(), auth.Config{Issuer: issuer.URL(), Audience: issuer.Audience()})
	if err != nil {
		t.Fatal(err)
	}
	token, err := issuer.IssueToken("alice", tenantID, auth.RoleViewer)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Verify(t.Context(), token); err != nil {
		t.Error(err)
	}
}

func TestKeyFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "issuer.key")
	server := httptest.NewUnstartedServer(nil)
	cfg := devissuer.Config{URL: "http://" + server.Listener.Addr().String(), KeyFile: path}
	first, err := devissuer.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("key file: %v, %v", info.Mode(), err)
	}
	token, err := first.IssueToken("alice", tenantID, auth.RoleViewer)
	if err != nil {
		t.Fatal(err)
	}
	second, err := devissuer.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = second.Handler()
	server.Start()
	defer server.Close()
	v, err := auth.NewVerifier(t.Context(), auth.Config{Issuer: cfg.URL, Audience: "aumos"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Verify(t.Context(), token); err != nil {
		t.Errorf("a token from before the restart: %v", err)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("the directory holds %v, %v", entries, err)
	}
}

func TestKeyFileRefused(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		content string
		mode    os.FileMode
		want    string
	}{
		"others may read it": {"", 0o644, "chmod 600"},
		"no PEM":             {"x", 0o600, "no PEM"},
		"no key":             {"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", 0o600, "open signing key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "key")
			if err := os.WriteFile(path, []byte(tc.content), tc.mode); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, tc.mode); err != nil {
				t.Fatal(err)
			}
			_, err := devissuer.New(devissuer.Config{URL: "http://localhost", KeyFile: path})
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error = %v", err)
			}
			if b, readErr := os.ReadFile(path); readErr != nil || string(b) != tc.content {
				t.Error("the file was changed")
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]devissuer.Config{
		"no URL":           {},
		"no secret":        {URL: "http://x", Clients: []devissuer.Client{{ID: "a"}}},
		"no id":            {URL: "http://x", Clients: []devissuer.Client{{Secret: "s"}}},
		"client twice":     {URL: "http://x", Clients: []devissuer.Client{{ID: "a", Secret: "s"}, {ID: "a", Secret: "t"}}},
		"key file nowhere": {URL: "http://x", KeyFile: "/no/such/dir/key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := devissuer.New(cfg); err == nil {
				t.Error("no error")
			}
		})
	}
}
