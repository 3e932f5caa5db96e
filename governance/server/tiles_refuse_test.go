package server_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aumos-enterprise/platform/governance/server"
	"github.com/aumos-enterprise/platform/pkg/auth"
	"github.com/aumos-enterprise/platform/pkg/interceptor"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

func TestTilesRefuse(t *testing.T) {
	t.Parallel()
	s := newTiles(t, interceptor.RateLimit{})
	id := newTenant()
	s.grow(t, id, 3)
	client := s.client(t, id)
	if head, _ := client.head(); head.N != 3 {
		t.Fatalf("the log has %d entries", head.N)
	}
	s.grow(t, id, 2) // not covered yet
	auditor, none := s.auditor(t, id), tenant.ID{}
	service := s.issuer.Token(t, "mirror", none, auth.RoleService, auth.RoleAuditor)
	for _, c := range []struct {
		name, method, path, token string
		code                      int
		reason                    string
	}{
		{"no token", "GET", "/" + id.String() + "/checkpoint", "", 401, "INVALID_TOKEN"},
		{"a token of nobody's", "GET", "/" + id.String() + "/checkpoint", "x.y.z", 401, "INVALID_TOKEN"},
		{"no token and no such path", "GET", "/" + id.String() + "/secret", "", 401, "INVALID_TOKEN"},
		{"a role that does not read the log", "GET", "/" + id.String() + "/tile/0/000.p/3", s.issuer.Token(t, "vera", id, auth.RoleViewer), 403, "PERMISSION_MISSING"},
		{"a service that records alone", "GET", "/" + id.String() + "/checkpoint", s.issuer.Token(t, "drift", none, auth.RoleService), 403, "PERMISSION_MISSING"},
		{"another tenant", "GET", "/" + id.String() + "/checkpoint", s.auditor(t, newTenant()), 404, "NOT_FOUND"},
		{"a service of another tenant", "GET", "/" + id.String() + "/checkpoint", s.issuer.Token(t, "mirror", newTenant(), auth.RoleService, auth.RoleAuditor), 404, "NOT_FOUND"},
		{"a token of no tenant", "GET", "/" + id.String() + "/checkpoint", s.auditor(t, none), 404, "NOT_FOUND"},
		{"no tenant", "GET", "/", service, 404, "NOT_FOUND"},
		{"the nil tenant", "GET", "/" + none.String() + "/checkpoint", service, 404, "NOT_FOUND"},
		{"a tenant that is no UUID", "GET", "/checkpoint/checkpoint", service, 404, "NOT_FOUND"},
		{"an escaped tenant", "GET", "/%" + hex.EncodeToString([]byte{id.String()[0]}) + id.String()[1:] + "/checkpoint", auditor, 404, "NOT_FOUND"},
		{"POST", "POST", "/" + id.String() + "/checkpoint", auditor, 405, ""},
		{"OPTIONS", "OPTIONS", "/" + id.String() + "/checkpoint", auditor, 405, ""},
		{"DELETE", "DELETE", "/" + id.String() + "/tile/0/000.p/3", auditor, 405, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			response, body := do(t, c.method, "http://"+s.running.addresses.Tiles+c.path, c.token)
			checkRefusal(t, response, body, c.code, c.reason)
		})
	}
	for _, path := range []string{
		"", "checkpoint/", "Checkpoint", "/checkpoint", "./checkpoint", "x/../checkpoint", "%63heckpoint", "tile", "tile/", "tile/0", "tile/0/", "tile/0/000/",
		"tile/00/000.p/3", "tile/+0/000.p/3", "tile/-1/000.p/3", "tile/64/000.p/3", "tile/64/000", "tile/256/000", "tile/8/0/000.p/3", "tile/data/000.p/3",
		"tile/0/0.p/3", "tile/0/00.p/3", "tile/0/0000.p/3", "tile/0/x000.p/3", "tile/0/x000/000.p/3", "tile/0/000/000.p/3", "tile/0/-01.p/3", "tile/0/+01.p/3",
		"tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/03", "tile/0/000.p/+3", "tile/0/000.p/", "tile/0/000.p", "tile/0/000.p/3/", "tile/0/000.p/3.p/3",
		"tile/0/000%2ep/3", "tile/0/000.p%2f3", "tile/entries", "tile/entries/", "tile/entries/0.p/3", "tile/entries/000.p/0", "tile/entries/000.p/256",
		"tile/0/x001/x000/x000/x000/x000/x000/000", "tile/0/x999/x999/x999/x999/x999/999", "tile/entries/x999/x999/x999/x999/x999/999",
		// Beyond what is signed, or what a log can hold.
		"tile/0/000.p/4", "tile/0/000", "tile/0/001.p/1", "tile/entries/000.p/4", "tile/entries/000", "tile/entries/001.p/1", "tile/1/000.p/1", "tile/1/000",
		"tile/7/000.p/1", "tile/8/000.p/1", "tile/63/000", "tile/0/x001/234.p/1",
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			response, body := do(t, "GET", s.url(id)+"/"+path, auditor)
			checkRefusal(t, response, body, 404, "NOT_FOUND")
		})
	}
	t.Run("until it is covered", func(t *testing.T) {
		t.Parallel()
		other := newTenant()
		s.grow(t, other, 2)
		client := s.client(t, other)
		if _, err := client.get("tile/0/000.p/1"); err == nil {
			t.Error("a tile was served that no checkpoint covers")
		}
		client.head()
		for _, path := range []string{"tile/0/000.p/1", "tile/0/000.p/2", "tile/entries/000.p/1", "tile/entries/000.p/2"} {
			if _, err := client.get(path); err != nil {
				t.Error(err)
			}
		}
	})
}

// checkRefusal checks what every refusal has in common.
func checkRefusal(t *testing.T, response reply, body string, code int, reason string) {
	t.Helper()
	var got struct {
		Status    int    `json:"status"`
		Reason    string `json:"reason"`
		RequestID string `json:"request_id"`
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatalf("%s: %q: %v", response.Status, body, err)
	}
	if response.StatusCode != code || got.Status != code || got.Reason != reason {
		t.Errorf("got %s, %s; want %d, %s", response.Status, body, code, reason)
	}
	header := response.Header
	if id := header.Get("X-Request-Id"); id == "" || id != got.RequestID {
		t.Errorf("request id %q in the header, %q in the body", id, got.RequestID)
	}
	if header.Get("Content-Type") != "application/problem+json" || header.Get("Cache-Control") != "no-store" || header.Get("ETag") != "" {
		t.Errorf("header: %v", header)
	}
	if (header.Get("WWW-Authenticate") == "Bearer") != (code == 401) || (header.Get("Allow") == "GET, HEAD") != (code == 405) {
		t.Errorf("header: %v", header)
	}
}

// Nothing in an answer tells a tenant's log from one that does not exist.
func TestTilesHideOtherTenants(t *testing.T) {
	t.Parallel()
	s := newTiles(t, interceptor.RateLimit{})
	theirs, unknown := newTenant(), newTenant()
	s.grow(t, theirs, 2)
	s.client(t, theirs).head()
	for name, token := range map[string]string{
		"a person": s.auditor(t, newTenant()), "a service": s.issuer.Token(t, "mirror", newTenant(), auth.RoleService, auth.RoleAuditor),
	} {
		for _, path := range []string{"/checkpoint", "/tile/0/000.p/1", "/tile/entries/000.p/2", "/tile/0/000", "/nothing", ""} {
			var answers []string
			for _, id := range []tenant.ID{theirs, unknown} {
				response, body := do(t, "GET", s.url(id)+path, token, "X-Request-Id", "same")
				response.Header.Del("Date")
				answers = append(answers, fmt.Sprintf("%+v %s", response, body))
			}
			if diff := cmp.Diff(answers[0], answers[1]); diff != "" || !strings.HasPrefix(answers[0], "{Proto:HTTP/1.1 Status:404 ") {
				t.Errorf("%s, %s: %s%s", name, path, answers[0], diff)
			}
		}
	}
}

// A service principal without a tenant reads the log that the path names.
func TestTilesForServices(t *testing.T) {
	t.Parallel()
	s := newTiles(t, interceptor.RateLimit{})
	id := newTenant()
	s.grow(t, id, 2)
	client := s.client(t, id)
	client.token = s.issuer.Token(t, "mirror", tenant.ID{}, auth.RoleService, auth.RoleAuditor)
	head, _ := client.head()
	if leaves := client.leaves(head.N); len(leaves) != 2 {
		t.Errorf("%d entries", len(leaves))
	}
}

func TestTilesPlaintextInProduction(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		set     []string
		refused bool
	}{
		{[]string{"TILES__LISTEN=:9290"}, true},
		{[]string{"TILES__LISTEN=:9290", "ALLOW_INSECURE=plaintext_tiles"}, false},
		{[]string{"TILES__LISTEN=:9290", "SERVER__TLS__CERT_FILE=/tls.crt", "SERVER__TLS__KEY_FILE=/tls.key"}, false},
		{nil, false},
	} {
		environ := append(required(), server.Prefix+"PRODUCTION=true")
		for _, setting := range c.set {
			environ = append(environ, server.Prefix+setting)
		}
		cfg, err := server.Load(environ)
		if err != nil {
			t.Fatal(err)
		}
		err = cfg.Validate()
		if refused := err != nil && strings.Contains(err.Error(), "plaintext_tiles"); refused != c.refused {
			t.Errorf("%q: got %v", c.set, err)
		}
	}
}
