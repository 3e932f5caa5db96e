package bundle_test

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/governance/internal/bundle"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/governance/opatest"
	"github.com/aumos-enterprise/platform/pkg/config"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

var tenantID = tenant.ID(uuid.MustParse("0189aaaa-0000-7000-8000-00000000000a"))

// newKey makes a key, as PEM.
func newKey(t testing.TB) config.Secret {
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

func signingKey(t testing.TB) *bundle.Key {
	t.Helper()
	key, _, err := bundle.Config{SigningKey: newKey(t)}.Keys()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// tenantPolicies are the active policies of a tenant, in the engine and as the parts of a bundle.
type tenantPolicies struct {
	t        testing.TB
	engine   *rego.Engine
	policies []bundle.Policy
	parts    map[uuid.UUID]*bundle.Part
	compiled map[string]*rego.Compiled
}

func newTenant(t testing.TB) *tenantPolicies {
	t.Helper()
	engine := rego.NewEngine(rego.Config{Deadline: time.Minute})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := engine.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return &tenantPolicies{t: t, engine: engine, parts: make(map[uuid.UUID]*bundle.Part), compiled: make(map[string]*rego.Compiled)}
}

// add activates a version of a new policy.
func (p *tenantPolicies) add(name string, modules []rego.Module, data map[string]any, points ...string) {
	p.t.Helper()
	document, err := rego.NewData(data)
	if err != nil {
		p.t.Fatalf("%s: %v", name, err)
	}
	compiled, err := rego.Compile(rego.Source{Modules: modules, Data: document})
	if err != nil {
		p.t.Fatalf("%s: %v", name, err)
	}
	version := uuid.Must(uuid.NewV7())
	part, err := bundle.NewPart(version, modules, document.JSON())
	if err != nil {
		p.t.Fatalf("%s: %v", name, err)
	}
	p.policies = append(p.policies, bundle.Policy{
		ID: uuid.Must(uuid.NewV7()), Name: name, VersionID: version, ContentSHA256: sha256.Sum256([]byte(name)), DecisionPoints: points,
	})
	slices.SortFunc(p.policies, func(a, b bundle.Policy) int { return cmp.Compare(a.Name, b.Name) })
	p.parts[version], p.compiled[name] = part, compiled
}

func (p *tenantPolicies) build(key *bundle.Key) *bundle.Bundle {
	p.t.Helper()
	b, err := bundle.Build(p.policies, p.parts, key, tenantID.String())
	if err != nil {
		p.t.Fatal(err)
	}
	return b
}

// ask returns the engine's answer.
func (p *tenantPolicies) ask(name string, input map[string]any) rego.Result {
	p.t.Helper()
	in, err := rego.NewInput(input)
	if err != nil {
		p.t.Fatalf("input: %v", err)
	}
	r, err := p.engine.Evaluate(p.t.Context(), rego.Evaluation{
		Tenant: tenantID, Tenure: rego.Tenure{Version: uuid.New()}, Policy: p.compiled[name], Input: in, Now: time.Now(),
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return r
}

// served serves a bundle, which can be replaced.
type served struct {
	url    string
	bundle atomic.Pointer[bundle.Bundle]
}

func serve(t testing.TB, b *bundle.Bundle) *served {
	t.Helper()
	s := &served{}
	s.bundle.Store(b)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		b := s.bundle.Load()
		w.Header().Set("ETag", b.ETag())
		_, _ = w.Write(b.Bytes)
	}))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// configuration is that of an OPA that loads the bundle and verifies its signature.
func configuration(url, scope string, keys ...bundle.PublicKey) string {
	known := make(map[string]any)
	for _, k := range keys {
		known[k.ID] = map[string]string{"algorithm": bundle.Algorithm, "key": k.PEM}
	}
	text, err := json.Marshal(map[string]any{
		"services": map[string]any{"aumos": map[string]any{"url": url}},
		"keys":     known,
		"bundles": map[string]any{"aumos": map[string]any{
			"service": "aumos", "resource": "bundle.tar.gz", "signing": map[string]any{"scope": scope},
			"polling": map[string]any{"min_delay_seconds": 1, "max_delay_seconds": 1},
		}},
	})
	if err != nil {
		panic(err)
	}
	return string(text)
}

const activated = "Bundle loaded and activated successfully"

// runOPA runs an OPA on the tenant's bundle.
func (p *tenantPolicies) runOPA() *opatest.Server {
	p.t.Helper()
	key := signingKey(p.t)
	opa := opatest.Run(p.t, configuration(serve(p.t, p.build(key)).url, tenantID.String(), key.PublicKey))
	opa.Await(activated)
	return opa
}

// compare asks both and reports a difference. It returns our outcome.
func (p *tenantPolicies) compare(opa *opatest.Server, name string, input map[string]any) rego.Outcome {
	p.t.Helper()
	ours := p.ask(name, input)
	theirs, failed := opa.Ask(input, "aumos", "policy", name)
	if failed { // the sidecar has no answer at all: what we call these errors
		if ours.Reason != rego.BuiltinError && ours.Reason != rego.Conflict {
			p.t.Errorf("%s, %v: OPA's evaluation failed; we say %v", name, input, ours)
		}
		return ours.Outcome
	}
	want := map[string]any{"outcome": ours.Outcome.String(), "allow": ours.Outcome == rego.Allow, "violations": []any{}, "obligations": []any{}}
	if ours.Outcome == rego.Error {
		want["error_reason"] = ours.Reason.String()
	}
	for _, v := range ours.Violations {
		want["violations"] = append(want["violations"].([]any), map[string]any{
			"code": v.Code, "message": v.Message, "severity": v.Severity, "control": v.Control,
		})
	}
	for _, o := range ours.Obligations {
		obligation := map[string]any{"id": o.ID}
		if o.Parameters != nil {
			obligation["parameters"] = o.Parameters
		}
		want["obligations"] = append(want["obligations"].([]any), obligation)
	}
	got, _ := theirs.(map[string]any)
	for _, about := range []string{"policy_id", "policy_name", "policy_version_id", "content_sha256"} {
		if got[about] == nil {
			p.t.Errorf("%s: OPA's answer has no %s", name, about)
		}
		delete(got, about)
	}
	a, _ := json.Marshal(got)
	b, _ := json.Marshal(want)
	if string(a) != string(b) {
		p.t.Errorf("%s, %.300v: OPA says\n%.1000s\nwe say\n%.1000s", name, fmt.Sprint(input), a, b)
	}
	return ours.Outcome
}
