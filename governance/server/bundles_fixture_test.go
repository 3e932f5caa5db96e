package server_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/aumos-enterprise/platform/governance/internal/policytest"
	"github.com/aumos-enterprise/platform/governance/opatest"
	"github.com/aumos-enterprise/platform/pkg/auth"
	"github.com/aumos-enterprise/platform/pkg/config"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
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
