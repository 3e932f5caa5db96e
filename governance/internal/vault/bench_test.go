package vault_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
)

// BenchmarkKeep keeps inputs of 1 KiB, from many callers at the same time.
func BenchmarkKeep(b *testing.B) {
	s := newStore(b, postgrestest.Governance(b), key(1))
	s.run()
	keys := s.keeps(tenantA, time.Hour)
	in, err := rego.NewInput(map[string]any{"text": strings.Repeat("x", 1000)})
	if err != nil {
		b.Fatal(err)
	}
	ctx := s.as(tenantA)
	b.SetParallelism(128)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := s.Keep(ctx, keys.Inputs, item(uuid.New(), in)); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "inputs/s")
}
