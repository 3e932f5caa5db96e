package server_test

import (
	"fmt"
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/drifttest"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

// BenchmarkRunDetection measures one run as a client sees it, from the first message to the receipt: 10 features, 8 of numbers and 2 of categories,
// against a baseline of as many rows.
func BenchmarkRunDetection(b *testing.B) {
	for _, rows := range []int{1_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("rows=%d", rows), func(b *testing.B) {
			s := drifttest.Start(b)
			c := s.Client(b, drifttest.NewTenant())
			var features []*driftv1.Feature
			for i := range 10 {
				if i < 8 {
					features = append(features, drifttest.Numeric(fmt.Sprint("n", i)))
				} else {
					features = append(features, drifttest.Categorical(fmt.Sprint("c", i)))
				}
			}
			m := c.Monitor(b, "m", features...)
			var batches []*driftv1.ColumnBatch
			for first := 0; first < rows; first += 40_000 {
				n := min(40_000, rows-first)
				batch := drifttest.Batch()
				texts := make([]string, n)
				for i := range texts {
					texts[i] = fmt.Sprint("category ", (first+i)%37)
				}
				for i, f := range features {
					if i < 8 {
						batch.Columns = append(batch.Columns, drifttest.Numbers(f.GetName(), drifttest.Sequence(n, float64(i), 1)...))
					} else {
						batch.Columns = append(batch.Columns, drifttest.Texts(f.GetName(), texts...))
					}
				}
				batches = append(batches, batch)
			}
			c.Active(b, m, batches...)
			b.ReportAllocs()
			for b.Loop() {
				d, err := c.Run(b, &driftv1.RunDetectionHeader{MonitorId: m.GetId()}, batches...)
				if err != nil {
					b.Fatal(err)
				}
				if d.GetStatus() != driftv1.DriftStatus_DRIFT_STATUS_OK || d.GetEvidence().GetState() != driftv1.EvidenceState_EVIDENCE_STATE_RECORDED {
					b.Fatal(d.GetStatus())
				}
			}
			b.ReportMetric(float64(rows)*10*float64(b.N)/b.Elapsed().Seconds(), "cells/s")
		})
	}
}
