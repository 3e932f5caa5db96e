package api_test

import (
	"bytes"
	"testing"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// A policy that quotes masked values answers its caller as it likes, and the log without them.
func TestQuotedMaskedValuesNeverReachTheLog(t *testing.T) {
	t.Parallel()
	r := keeping(t).replica(rego.Config{})
	c := r.admin(tenantA)
	c.update(&governancev1.DecisionSettings{Masks: maskPaths("/applicant")})
	p := c.active("p", `
		allow := true
		violations contains sprintf("%v is 41 years old", [input.applicant.name])
		violations contains {"code": input.applicant.name, "message": json.marshal(input)}
		violations contains sprintf("%v", [input])
		obligations contains {"id": "tell", "to": input.applicant.email, "account": input.applicant.account}`, "a.point")
	req := askPolicy(p.GetId(), map[string]any{"applicant": map[string]any{"name": "<Ann \"Example\">", "email": "ann@example.com", "account": 12345678.0}})
	req.RequestId = uuid.NewString()
	first := c.decide(req)
	if to := first.GetResults()[0].GetObligations()[0].GetParameters().GetFields()["to"].GetStringValue(); to != "ann@example.com" {
		t.Errorf("the caller is told to write to %q", to)
	}
	leaf, err := r.newest(tenantA).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"Ann", "Example", "example.com", "12345678"} {
		if bytes.Contains(leaf, []byte(secret)) {
			t.Errorf("the log has %s: %q", secret, leaf)
		}
	}
	again := c.decide(req)
	if to := again.GetResults()[0].GetObligations()[0].GetParameters().GetFields()["to"].GetStringValue(); again.GetId() != first.GetId() || to != "*" {
		t.Errorf("a retry is told to write to %q", to)
	}
}
