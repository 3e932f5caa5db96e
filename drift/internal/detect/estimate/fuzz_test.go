package estimate

import (
	"errors"
	"math"
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/detect/performance"
)

func FuzzClassifier(f *testing.F) {
	f.Add(uint64(1), 40, 10, 2, 5)
	f.Add(uint64(2), 100, 1, 3, 2)
	f.Add(uint64(3), 3, 0, 2, 1)
	f.Fuzz(func(t *testing.T, seed uint64, n, m, k, levels int) {
		if n < 0 || m < 0 || n > 300 || m > 300 || k < 2 || k > 9 || levels < 1 {
			return
		}
		sample := func(seed uint64, n int) performance.Classification {
			c := binary(seed, n, 0.5, 0.5)
			if k > 2 {
				c = multiclass(seed, n, k, 0.5)
			}
			for _, column := range c.Scores {
				for i := range column {
					column[i] = math.Round(column[i]*float64(levels)) / float64(levels)
				}
			}
			return c
		}
		c, err := FitClassifier(sample(seed, n), 10)
		if err != nil {
			if !errors.Is(err, ErrReference) {
				t.Fatal(err)
			}
			return
		}
		estimates, err := c.Estimate(sample(seed+1, m))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range estimates {
			for _, v := range []*float64{e.Value, e.Low, e.High, e.Lower, e.Upper, e.Realized} {
				if v != nil && !(*v >= -1e-4 && *v <= 1+1e-4) {
					t.Fatalf("out of range: %+v", e)
				}
			}
		}
	})
}

func BenchmarkFitClassifier50k(b *testing.B) {
	reference := binary(1, 50_000, 0.5, 0.5)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := FitClassifier(reference, 5000); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEstimate1M(b *testing.B) {
	c, err := FitClassifier(binary(1, 50_000, 0.5, 0.5), 5000)
	if err != nil {
		b.Fatal(err)
	}
	chunk := binary(2, 1_000_000, 0.5, 0.5)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Estimate(chunk); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFitRegressor30k(b *testing.B) {
	features, reference := regression(1, 30_000, 0)
	for b.Loop() {
		if _, err := FitRegressor(b.Context(), features, reference, []performance.Metric{performance.MAE, performance.RMSE}, 3000); err != nil {
			b.Fatal(err)
		}
	}
}
