package server_test

import (
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/drifttest"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

// BenchmarkUpdateStream measures batches through the whole chain, each in a durable transaction: full ones, and single values.
func BenchmarkUpdateStream(b *testing.B) {
	s := drifttest.Start(b)
	c := s.Client(b, drifttest.NewTenant())
	for name, values := range map[string][]float64{"batch": errorsOf(65_536, 0.2, 0.2), "value": {0}} {
		b.Run(name, func(b *testing.B) {
			created, err := c.CreateStream(b.Context(), &driftv1.CreateStreamRequest{
				Name: name, Detector: driftv1.StreamDetector_STREAM_DETECTOR_ADWIN,
			})
			if err != nil {
				b.Fatal(err)
			}
			next := int64(0)
			for b.Loop() {
				resp, err := c.UpdateStream(b.Context(), &driftv1.UpdateStreamRequest{StreamId: created.GetStream().GetId(), FirstSequence: next, Values: values})
				if err != nil {
					b.Fatal(err)
				}
				next = resp.GetStream().GetNextSequence()
			}
			b.ReportMetric(float64(next)/b.Elapsed().Seconds(), "values/s")
		})
	}
}
