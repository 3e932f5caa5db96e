package server_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/aumos-enterprise/platform/governance/internal/policy"
	"github.com/aumos-enterprise/platform/governance/internal/policytest"
	"github.com/aumos-enterprise/platform/governance/opatest"
	"github.com/aumos-enterprise/platform/governance/server"
	"github.com/aumos-enterprise/platform/pkg/auth"
	"github.com/aumos-enterprise/platform/pkg/config"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// bundles is a service that serves bundles.
type bundles struct {
	*stack
	running *service
	pool    *pgxpool.Pool
}

func newBundles(t *testing.T) *bundles {
	t.Helper()
	s := &bundles{stack: newStack(t)}
	s.cfg.Bundles.Listen, s.cfg.Bundles.SigningKey = "127.0.0.1:0", bundleKey(t)
	s.running = s.run(t)
	var err error
	if s.pool, err = pgxpool.New(t.Context(), s.cfg.Database.URL.Reveal()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.pool.Close)
	return s
}

func bundleKey(t *testing.T) config.Secret {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return config.Secret(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// author is somebody who may make policies and ask for decisions.
type author struct {
	governancev1.PolicyServiceClient
	governancev1.DecisionServiceClient
	governancev1.BundleServiceClient

	t  *testing.T
	s  *bundles
	id tenant.ID
}

func (s *bundles) author(t *testing.T, id tenant.ID) author {
	t.Helper()
	conn := s.running.dial(t, s.issuer.Token(t, "ann", id, auth.RoleAdmin), "")
	return author{governancev1.NewPolicyServiceClient(conn), governancev1.NewDecisionServiceClient(conn), governancev1.NewBundleServiceClient(conn), t, s, id}
}

// policy makes a policy without a version.
func (a author) policy(name string, points ...string) string {
	a.t.Helper()
	res, err := a.CreatePolicy(a.t.Context(), &governancev1.CreatePolicyRequest{Name: name, DecisionPoints: points})
	if err != nil {
		a.t.Fatal(err)
	}
	return res.GetPolicy().GetId()
}

// activate makes a version with the rules active.
func (a author) activate(policyID, rules string) {
	a.t.Helper()
	res, err := a.CreatePolicyVersion(a.t.Context(), &governancev1.CreatePolicyVersionRequest{
		PolicyId: policyID, Modules: []*governancev1.RegoModule{{Path: "p.rego", Source: "package p\n" + rules}},
	})
	if err != nil {
		a.t.Fatal(err)
	}
	policytest.Activate(a.t, a.s.pool, a.id, uuid.MustParse(res.GetPolicyVersion().GetId()))
}

// awaitAllow waits until the service allows: it may hear of an activation behind its back later than a sidecar does.
func (a author) awaitAllow(point string, input map[string]any) {
	a.t.Helper()
	asked, err := structpb.NewStruct(input)
	if err != nil {
		a.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(a.t.Context(), patience)
	defer cancel()
	for {
		res, err := a.Evaluate(ctx, &governancev1.EvaluateRequest{Target: &governancev1.EvaluateRequest_DecisionPoint{DecisionPoint: point}, Input: asked})
		if err != nil {
			a.t.Fatal(err)
		}
		if res.GetDecision().GetOutcome() == governancev1.DecisionOutcome_DECISION_OUTCOME_ALLOW {
			return
		}
	}
}

func (a author) bundle() *governancev1.Bundle {
	a.t.Helper()
	res, err := a.GetBundle(a.t.Context(), &governancev1.GetBundleRequest{})
	if err != nil {
		a.t.Fatal(err)
	}
	return res.GetBundle()
}

// sidecarToken is what a sidecar of the tenant shows.
func (s *bundles) sidecarToken(t *testing.T, id tenant.ID) string {
	t.Helper()
	return s.issuer.Token(t, "sidecar", id, auth.RoleService)
}

// url is where what the service has for the tenant's sidecars is.
func (s *bundles) url(id tenant.ID) string {
	return "http://" + s.running.addresses.Bundles + "/bundles/" + id.String()
}

// sidecar runs an OPA as docs/bundles.md configures it, but for the pauses between its requests.
func (s *bundles) sidecar(t *testing.T, id tenant.ID, name string) *opatest.Server {
	t.Helper()
	known, err := s.author(t, id).ListBundleKeys(t.Context(), &governancev1.ListBundleKeysRequest{})
	if err != nil {
		t.Fatal(err)
	}
	keys := make(map[string]any)
	for _, k := range known.GetKeys() {
		keys[k.GetKeyId()] = map[string]any{"algorithm": k.GetAlgorithm(), "key": k.GetPublicKeyPem()}
	}
	text, err := json.Marshal(map[string]any{
		"labels": map[string]any{"sidecar": name},
		"services": map[string]any{"aumos": map[string]any{
			"url": s.url(id), "credentials": map[string]any{"bearer": map[string]any{"token": s.sidecarToken(t, id)}},
		}},
		"keys": keys,
		"bundles": map[string]any{"aumos": map[string]any{
			"service": "aumos", "resource": "bundle.tar.gz", "signing": map[string]any{"scope": id.String()},
			"polling": map[string]any{"min_delay_seconds": 1, "max_delay_seconds": 1},
		}},
		"status": map[string]any{"service": "aumos"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return opatest.Run(t, string(text))
}

// A sidecar loads the tenant's policies, answers as the service does, follows an activation, and is known by what it says of itself.
func TestSidecar(t *testing.T) {
	t.Parallel()
	s := newBundles(t)
	id := newTenant()
	ann := s.author(t, id)
	first, second := ann.policy("Amounts", "order.pay"), ann.policy("Countries", "order.pay", "order.ship")
	ann.activate(first, "allow if input.amount <= 100\nallow := false if input.amount > 100\nobligations contains \"notify\" if input.amount > 50")
	ann.activate(second, "default allow := false\nallow if input.country in {\"AT\", \"CH\"}\nviolations contains {\"code\": \"COUNTRY\", \"message\": input.country} if not allow")
	opa := s.sidecar(t, id, "eu-1")
	opa.Await("Bundle loaded and activated successfully")

	questions := []map[string]any{{}, {"amount": 10.0}, {"amount": 60.0, "country": "AT"}, {"amount": 101.0, "country": "XX"}, {"amount": 1.0, "country": "XX"}, {"country": "CH"}}
	agree := func() {
		t.Helper()
		for _, point := range []string{"order.pay", "order.ship"} {
			for _, input := range questions {
				asked, err := structpb.NewStruct(input)
				if err != nil {
					t.Fatal(err)
				}
				ours, err := ann.Evaluate(t.Context(), &governancev1.EvaluateRequest{Target: &governancev1.EvaluateRequest_DecisionPoint{DecisionPoint: point}, Input: asked})
				if err != nil {
					t.Fatal(err)
				}
				value, failed := opa.Ask(input, "aumos", "decision_point", point)
				theirs, _ := value.(map[string]any)
				results, _ := theirs["results"].([]any)
				said := []string{fmt.Sprint(theirs["outcome"])}
				for _, r := range results {
					result, _ := r.(map[string]any)
					violations, _ := result["violations"].([]any)
					said = append(said, fmt.Sprint(result["policy_version_id"], result["outcome"], result["obligations"], len(violations)))
				}
				want := []string{strings.TrimPrefix(ours.GetDecision().GetOutcome().String(), "DECISION_OUTCOME_")}
				for _, r := range ours.GetDecision().GetResults() {
					obligations := []any{}
					for _, o := range r.GetObligations() {
						obligations = append(obligations, map[string]any{"id": o.GetId()})
					}
					want = append(want, fmt.Sprint(r.GetPolicyVersionId(), strings.TrimPrefix(r.GetOutcome().String(), "DECISION_OUTCOME_"), obligations, len(r.GetViolations())))
				}
				if failed || fmt.Sprint(said) != fmt.Sprint(want) {
					t.Errorf("%s, %v: the sidecar says %v, we say %v", point, input, said, want)
				}
			}
		}
	}
	agree()
	s.checkSidecar(t, ann, opa, "eu-1")

	opa.Await("server replied with not modified")
	ann.activate(second, "allow := input.country == \"FR\"")
	questions = append(questions, map[string]any{"amount": 5.0, "country": "FR"})
	opa.Await("Bundle loaded and activated successfully")
	ann.awaitAllow("order.ship", map[string]any{"country": "FR"})
	agree()
	s.checkSidecar(t, ann, opa, "eu-1")

	_, exposed := do(t, "GET", "http://"+s.running.addresses.Admin+"/metrics", "")
	for _, want := range []string{`{code="200",kind="bundle"`, `{code="304",kind="bundle"`, `{code="204",kind="status"`} {
		if !strings.Contains(exposed, "aumos_bundle_requests_total"+want) {
			t.Errorf("%s is not counted", want)
		}
	}
}

// A version in quarantine gives no answers to those who ask sidecars either, until that is lifted.
func TestSidecarOfQuarantinedVersion(t *testing.T) {
	t.Parallel()
	s := newBundles(t)
	id := newTenant()
	ann := s.author(t, id)
	ann.activate(ann.policy("slow", "order.pay"), "allow := true")
	before := ann.bundle()
	version := uuid.MustParse(before.GetPolicies()[0].GetPolicyVersionId())
	tx := func(fn func(context.Context, pgx.Tx) (policy.QuarantineChange, error)) {
		t.Helper()
		err := postgres.TenantTx(tenant.NewContext(t.Context(), id), s.pool, func(ctx context.Context, tx pgx.Tx) error {
			_, err := fn(ctx, tx)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	tx(func(ctx context.Context, tx pgx.Tx) (policy.QuarantineChange, error) {
		return policy.Hold(ctx, tx, version, 0, 3)
	})
	held := ann.bundle()
	opa := s.sidecar(t, id, "eu-1")
	opa.Await("Bundle loaded and activated successfully")
	value, failed := opa.Ask(nil, "aumos", "decision_point", "order.pay")
	if answer := fmt.Sprint(value); failed || !strings.Contains(answer, "QUARANTINED") || !strings.Contains(answer, "allow:false") {
		t.Errorf("the sidecar says %v", value)
	}
	tx(func(ctx context.Context, tx pgx.Tx) (policy.QuarantineChange, error) {
		return policy.LiftQuarantine(ctx, tx, version, "repaired")
	})
	opa.Await("Bundle loaded and activated successfully")
	if value, failed := opa.Ask(nil, "aumos", "decision_point", "order.pay", "outcome"); failed || value != "ALLOW" {
		t.Errorf("once it is lifted the sidecar says %v", value)
	}
	if !held.GetPolicies()[0].GetQuarantined() || before.GetPolicies()[0].GetQuarantined() {
		t.Errorf("described as %v, in quarantine as %v", before, held)
	}
	if lifted := ann.bundle(); lifted.GetRevision() != before.GetRevision() || lifted.GetRevision() == held.GetRevision() {
		t.Errorf("revisions %s, in quarantine %s, lifted %s", before.GetRevision(), held.GetRevision(), lifted.GetRevision())
	}
}

// checkSidecar waits until the sidecar has said that it has loaded the bundle of now.
func (s *bundles) checkSidecar(t *testing.T, a author, opa *opatest.Server, name string) {
	t.Helper()
	want := a.bundle().GetRevision()
	for {
		opa.Await("Status update sent successfully in response to bundle update")
		list, err := a.ListSidecars(t.Context(), &governancev1.ListSidecarsRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if len(list.GetSidecars()) == 0 || list.GetSidecars()[0].GetLoadedRevision() != want {
			continue
		}
		c := list.GetSidecars()[0]
		if len(list.GetSidecars()) != 1 || c.GetSidecarId() != name || !c.GetAlive() || !c.GetHealthy() || !c.GetUpToDate() || c.GetMessage() != "" ||
			!strings.HasPrefix(c.GetVersion(), "opa/1.") {
			t.Errorf("sidecars %v", list)
		}
		return
	}
}

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
