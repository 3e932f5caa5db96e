package api_test

import (
	"crypto/sha256"
	"encoding/base64"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/governance/internal/vault"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// keeping is a platform that can keep inputs, with a lease that tests can wait for.
func keeping(t testing.TB) *platform {
	t.Helper()
	p := newPlatform(t)
	sum := sha256.Sum256([]byte(t.Name()))
	p.wrapping, p.lease = base64.StdEncoding.EncodeToString(sum[:]), 300*time.Millisecond
	return p
}

func (c client) update(s *governancev1.DecisionSettings) *governancev1.DecisionSettings {
	c.t.Helper()
	res, err := c.UpdateDecisionSettings(c.t.Context(), &governancev1.UpdateDecisionSettingsRequest{Settings: s})
	if err != nil {
		c.t.Fatalf("UpdateDecisionSettings: %v", err)
	}
	return res.GetSettings()
}

func (c client) settings() *governancev1.DecisionSettings {
	c.t.Helper()
	res, err := c.GetDecisionSettings(c.t.Context(), &governancev1.GetDecisionSettingsRequest{})
	if err != nil {
		c.t.Fatalf("GetDecisionSettings: %v", err)
	}
	return res.GetSettings()
}

func maskPaths(paths ...string) []*governancev1.InputMask {
	var masks []*governancev1.InputMask
	for _, path := range paths {
		masks = append(masks, &governancev1.InputMask{Path: path})
	}
	return masks
}

func (r *replica) newest(id tenant.ID) auditlog.Entry {
	r.t.Helper()
	entries := r.entries(id)
	return entries[len(entries)-1]
}

// open returns the kept input of a decision; the zero value when there is none.
func (r *replica) open(id tenant.ID, d *governancev1.Decision) rego.Input {
	r.t.Helper()
	ref := vault.Ref{Decision: uuid.MustParse(d.GetId()), SHA256: [32]byte(d.GetInputSha256())}
	inputs, err := r.vault.Open(tenant.NewContext(r.t.Context(), id), []vault.Ref{ref})
	if err != nil {
		r.t.Fatalf("Open: %v", err)
	}
	return inputs[ref.Decision]
}
