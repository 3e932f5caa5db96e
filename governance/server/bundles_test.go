package server_test

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"

	"github.com/aumos-enterprise/platform/governance/server"
	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

func TestBundleOverHTTP(t *testing.T) {
	t.Parallel()
	s := newBundles(t)
	id := newTenant()
	ann := s.author(t, id)
	empty := ann.bundle()
	ann.activate(ann.policy("one", "a.b"), "allow := true")
	described := ann.bundle()
	if described.GetRevision() == empty.GetRevision() || len(described.GetPolicies()) != 1 || described.GetHttpPath() != "/bundles/"+id.String()+"/bundle.tar.gz" {
		t.Errorf("described as %v", described)
	}
	url, token := "http://"+s.running.addresses.Bundles+described.GetHttpPath(), s.sidecarToken(t, id)
	get, body := do(t, "GET", url, token)
	sum := sha256.Sum256([]byte(body))
	tag := `"` + hex.EncodeToString(sum[:]) + `"`
	if h := get.Header; get.StatusCode != http.StatusOK || h.Get("ETag") != tag || described.GetEtag() != tag || described.GetSizeBytes() != int64(len(body)) ||
		h.Get("Content-Type") != "application/gzip" || h.Get("Cache-Control") != "private, no-cache" || h.Get("Vary") != "Authorization" {
		t.Errorf("got %s, %v, want tag %s", get.Status, h, tag)
	}
	if head, nothing := do(t, "HEAD", url, token); head.StatusCode != http.StatusOK || nothing != "" || head.ContentLength != int64(len(body)) || head.Header.Get("ETag") != tag {
		t.Errorf("HEAD: %s, %v", head.Status, head.Header)
	}
	if same, nothing := do(t, "GET", url, token, "If-None-Match", tag); same.StatusCode != http.StatusNotModified || nothing != "" || same.Header.Get("ETag") != tag {
		t.Errorf("If-None-Match: %s", same.Status)
	}
	if other, again := do(t, "GET", url, token, "If-None-Match", empty.GetEtag()); other.StatusCode != http.StatusOK || again != body {
		t.Errorf("with an old tag: %s", other.Status)
	}
	// Another replica makes the same bytes.
	second := *s.stack
	second.cfg.Audit.HeadsDir = t.TempDir()
	replica := second.run(t)
	if _, theirs := do(t, "GET", "http://"+replica.addresses.Bundles+described.GetHttpPath(), token); theirs != body {
		t.Error("another replica serves other bytes")
	}

	other := newTenant()
	for name, c := range map[string]struct {
		method, url, token string
		code               int
		reason             string
	}{
		"no token":             {"GET", url, "", http.StatusUnauthorized, "INVALID_TOKEN"},
		"no permission":        {"GET", url, s.issuer.Token(t, "vic", id, auth.RoleViewer), http.StatusForbidden, "PERMISSION_MISSING"},
		"another tenant":       {"GET", url, s.sidecarToken(t, other), http.StatusNotFound, "NOT_FOUND"},
		"a tenant not there":   {"GET", s.url(other) + "/bundle.tar.gz", token, http.StatusNotFound, "NOT_FOUND"},
		"another file":         {"GET", s.url(id) + "/bundle.zip", token, http.StatusNotFound, "NOT_FOUND"},
		"a report of another":  {"POST", s.url(id) + "/status/", s.sidecarToken(t, other), http.StatusNotFound, "NOT_FOUND"},
		"a bundle posted":      {"POST", url, token, http.StatusMethodNotAllowed, ""},
		"a report asked for":   {"GET", s.url(id) + "/status/", token, http.StatusMethodNotAllowed, ""},
		"a report of nothing":  {"POST", s.url(id) + "/status", token, http.StatusBadRequest, "INVALID_FIELD"},
		"the root of the port": {"GET", "http://" + s.running.addresses.Bundles + "/", token, http.StatusNotFound, "NOT_FOUND"},
	} {
		response, body := do(t, c.method, c.url, c.token)
		if response.StatusCode != c.code || !strings.Contains(body, `"reason":"`+c.reason+`"`) && c.reason != "" {
			t.Errorf("%s: %s, %s", name, response.Status, body)
		}
	}
}

// No spelling of a path, no header and no tag gets a tenant at the bundle of another.
func TestBundlesOfOthersOverHTTP(t *testing.T) {
	t.Parallel()
	s := newBundles(t)
	id, other := newTenant(), newTenant()
	ann, eve := s.author(t, id), s.author(t, other)
	ann.activate(ann.policy("one", "a.b"), "allow := true")
	eve.activate(eve.policy("one", "a.b"), "allow := true")
	theirs, own := ann.bundle(), eve.bundle()
	if theirs.GetEtag() == own.GetEtag() {
		t.Error("two tenants have one tag")
	}
	token, root := s.sidecarToken(t, other), "http://"+s.running.addresses.Bundles+"/bundles/"
	for _, path := range []string{
		other.String() + "/../" + id.String(), other.String() + "/%2e%2e/" + id.String(), other.String() + "%2f..%2f" + id.String(), "./" + id.String(),
		other.String() + "//" + id.String(), "/" + id.String(), strings.ToUpper(id.String()), "urn:uuid:" + id.String(), "{" + id.String() + "}",
		other.String() + "," + id.String(), id.String() + "%00" + other.String(), other.String() + ";" + id.String(), "",
	} {
		if got, _ := do(t, "GET", root+path+"/bundle.tar.gz", token); got.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", path, got.Status)
		}
	}
	for name, header := range map[string][]string{
		"the tenant's header":  {"X-Tenant-Id", id.String()},
		"another host's proxy": {"X-Original-Url", "/bundles/" + id.String() + "/bundle.tar.gz"},
		"another tenant's tag": {"If-None-Match", theirs.GetEtag()},
		"a tag that it is not": {"If-Match", own.GetEtag()},
		"a range of all of it": {"Range", "bytes=0-"},
	} {
		if got, _ := do(t, "GET", root+other.String()+"/bundle.tar.gz", token, header...); got.StatusCode/100 != 2 || got.Header.Get("ETag") != own.GetEtag() {
			t.Errorf("%s: %s, %v", name, got.Status, got.Header)
		}
	}
	signed := map[string]string{}
	for _, c := range []struct{ url, token string }{{s.url(id), s.sidecarToken(t, id)}, {s.url(other), token}} {
		_, signed[c.url] = do(t, "GET", c.url+"/bundle.tar.gz", c.token)
	}
	if signed[s.url(id)] == signed[s.url(other)] {
		t.Error("one tenant's signed bundle is another's")
	}
}

// Without a key there are no bundles, and the port needs one.
func TestBundlesWithoutKey(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	running := s.run(t)
	client := governancev1.NewBundleServiceClient(running.dial(t, s.issuer.Token(t, "ann", newTenant(), auth.RoleAdmin), ""))
	if running.addresses.Bundles != "" {
		t.Errorf("bundles are served on %s", running.addresses.Bundles)
	}
	_, err := client.GetBundle(t.Context(), &governancev1.GetBundleRequest{})
	if err == nil || !strings.Contains(err.Error(), "BUNDLES__SIGNING_KEY") {
		t.Errorf("got %v", err)
	}
	cfg, err := server.Load(append(required(), server.Prefix+"BUNDLES__LISTEN=:9390", server.Prefix+"BUNDLES__SIGNING_KEY="+bundleKey(t).Reveal(), server.Prefix+"PRODUCTION=true"))
	if err != nil {
		t.Fatal(err)
	}
	if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), "plaintext_bundles") {
		t.Errorf("production without TLS: %v", err)
	}
	cfg.Bundles.SigningKey = ""
	if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), server.Prefix+"BUNDLES__: LISTEN is set") {
		t.Errorf("a port without a key: %v", err)
	}
}
