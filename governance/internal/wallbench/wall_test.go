package wallbench_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/audittest"
	"github.com/aumos-enterprise/platform/governance/internal/durabletest"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/config"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// wall is a running wall on a database that waits for the disk.
type wall struct {
	*audit.Wall
	db durabletest.Databases
}

func startWall(b *testing.B, db durabletest.Databases) wall {
	b.Helper()
	w, _ := audittest.Start(b, audit.Databases{Writer: db.Writer, Reader: db.Reader}, audit.Config{
		SigningKeys: config.Secret(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, ed25519.SeedSize))),
		HeadsDir:    b.TempDir(),
	})
	return wall{w, db}
}

// batches returns the sum and the number of the batches that the wall has written.
func (w wall) batches(b *testing.B) (entries float64, batches uint64) {
	b.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(w.Collectors()...)
	families, err := registry.Gather()
	if err != nil {
		b.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "aumos_audit_batch_entries" {
			h := f.GetMetric()[0].GetHistogram()
			return h.GetSampleSum(), h.GetSampleCount()
		}
	}
	b.Fatal("the wall does not count its batches")
	return 0, 0
}

// watch returns what run gave, with the mean size of its batches.
func (w wall) watch(b *testing.B, run func() measured) measured {
	b.Helper()
	entriesBefore, batchesBefore := w.batches(b)
	m := run()
	entries, batches := w.batches(b)
	m.perBatch = (entries - entriesBefore) / float64(max(1, batches-batchesBefore))
	return m
}

func newTenants(n int) []tenant.ID {
	ids := make([]tenant.ID, n)
	for i := range ids {
		ids[i] = tenant.ID(uuid.Must(uuid.NewV7()))
	}
	return ids
}

// newEntry makes an entry whose leaf has about 600 bytes: a decision, or every eighth time the change of a resource, with its new state.
func newEntry(id tenant.ID, n int64) auditlog.Entry {
	entryID := uuid.Must(uuid.NewV7())
	sum := sha256.Sum256(fmt.Append(nil, n))
	e := auditlog.Entry{
		EntryID: entryID, TenantID: id, EventType: "decision.evaluated", Action: "decision.evaluate", Outcome: auditlog.Success,
		Actor:         auditlog.Actor{Kind: auditlog.ActorService, ID: "svc-drift-detector"},
		Resource:      auditlog.Resource{Type: "decision_point", ID: "drift.retrain", Name: "drift.retrain"},
		SourceService: "governance", RequestID: entryID.String(), CorrelationID: entryID.String(),
		Details: map[string]any{
			"policy_digest": hex.EncodeToString(sum[:]), "input_digest": hex.EncodeToString(sum[:]),
			"decision_point": "drift.retrain", "engine": "opa 1.22.2", "latency_us": 812.0,
		},
		Digests: []auditlog.Digest{{Name: "input", SHA256: sum}},
	}
	switch {
	case n%8 == 0:
		e.EventType, e.Action = "policy.version_activated", "policy.activate"
		e.Resource = auditlog.Resource{
			Type: "policy", ID: uuid.UUID(sum[:16]).String(), Name: "retrain",
			State: map[string]any{"name": "retrain", "digest": hex.EncodeToString(sum[:]), "state": "ACTIVE", "version": 3.0},
		}
		e.Details = map[string]any{"policy_digest": hex.EncodeToString(sum[:])}
	case n%10 == 1:
		e.Outcome = auditlog.Denied
	}
	return e
}
