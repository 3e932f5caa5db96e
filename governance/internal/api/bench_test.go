package api_test

import (
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aumos-enterprise/platform/governance/internal/durabletest"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
)

// BenchmarkDecision is a decision as a client sees it: gRPC on loopback, a verified token, the sample policy, and the entry durable on the wall
// before the answer. It runs 64 callers on 4 connections, and alone for the latency of an idle service.
func BenchmarkDecision(b *testing.B) {
	r, req := benchmarked(b)
	for name, callers := range map[string]int{"1_caller": 1, "64_callers": 64} {
		b.Run(name, func(b *testing.B) {
			clients := make([]client, min(callers, 4))
			for i := range clients {
				clients[i] = r.admin(tenantA)
				clients[i].decide(req)
			}
			took := make([][]time.Duration, callers)
			todo := make(chan struct{}, callers)
			var wg sync.WaitGroup
			b.ReportAllocs()
			b.ResetTimer()
			for i := range callers {
				wg.Go(func() {
					for range todo {
						start := time.Now()
						res, err := clients[i%len(clients)].Evaluate(b.Context(), req)
						if err != nil || res.GetDecision().GetOutcome() != allow {
							b.Errorf("got %v, %v", res, err)
						}
						took[i] = append(took[i], time.Since(start))
					}
				})
			}
			for range b.N {
				todo <- struct{}{}
			}
			close(todo)
			wg.Wait()
			b.StopTimer()
			all := slices.Concat(took...)
			slices.Sort(all)
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "decisions/s")
			b.ReportMetric(float64(all[len(all)*99/100].Microseconds()), "p99-µs")
		})
	}
}

// BenchmarkBatch is a batch of 100 of the same decisions, by one caller who waits for each batch.
func BenchmarkBatch(b *testing.B) {
	r, req := benchmarked(b)
	const size = 100
	batch := &governancev1.BatchEvaluateRequest{Requests: slices.Repeat([]*governancev1.EvaluateRequest{req}, size)}
	c := r.admin(tenantA)
	c.decide(req)
	b.ReportAllocs()
	for b.Loop() {
		for _, result := range c.batch(batch.GetRequests()...) {
			if got := result.GetResponse().GetDecision().GetOutcome(); got != allow {
				b.Fatalf("got %v", result)
			}
		}
	}
	b.ReportMetric(float64(size*b.N)/b.Elapsed().Seconds(), "decisions/s")
}

// benchmarked is a replica with the sample policy, and a question to it.
func benchmarked(b *testing.B) (*replica, *governancev1.EvaluateRequest) {
	b.Helper()
	databases := durabletest.Start(b)
	r := (&platform{
		t: b, governance: postgrestest.GovernanceDB{App: databases.Primary},
		audit: postgrestest.AuditDB{Writer: databases.Writer, Reader: databases.Reader},
	}).replica(rego.Config{})
	c := r.admin(tenantA)
	c.activate(c.sample(c.policy("retrain", "drift.retrain").GetId()))
	return r, askPoint("drift.retrain", sampleInput())
}

// sample makes a version of the sample policy and returns its id.
func (c client) sample(policyID string) string {
	c.t.Helper()
	source, err := os.ReadFile("../../../examples/policies/retrain.rego")
	if err != nil {
		c.t.Fatal(err)
	}
	v, err := c.CreatePolicyVersion(c.t.Context(), &governancev1.CreatePolicyVersionRequest{
		PolicyId: policyID, Modules: []*governancev1.RegoModule{{Path: "retrain.rego", Source: string(source)}},
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return v.GetPolicyVersion().GetId()
}

// sampleInput is one that the sample policy allows.
func sampleInput() map[string]any {
	return map[string]any{
		"detection": map[string]any{
			"status": "DRIFT_STATUS_DRIFT", "severity": 0.8, "drifted_feature_count": 3, "feature_count": 8, "row_count": 5000,
			"evidence": map[string]any{"state": "EVIDENCE_STATE_RECORDED"},
		},
	}
}
