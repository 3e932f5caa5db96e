package detect

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

func TestAdjustBHGolden(t *testing.T) {
	t.Parallel()
	for _, c := range readGolden(t).FalseDiscovery {
		if diff := cmp.Diff(c.Q, AdjustBH(c.P), cmpopts.EquateApprox(1e-12, 0)); diff != "" {
			t.Errorf("AdjustBH(%v) (-want +got):\n%s", c.P, diff)
		}
	}
}

func TestAdjustBHLeavesOutNaN(t *testing.T) {
	t.Parallel()
	nan := math.NaN()
	got := AdjustBH([]float64{nan, 0.01, 0.04, nan})
	if diff := cmp.Diff([]float64{nan, 0.02, 0.04, nan}, got, cmpopts.EquateNaNs()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := AdjustBH(nil); len(got) != 0 {
		t.Errorf("AdjustBH(nil) = %v", got)
	}
}

func TestAdjustBHProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.SliceOf(rapid.Float64Range(0, 1)).Draw(t, "p")
		q := AdjustBH(p)
		for i := range p {
			if !(q[i] >= p[i] && q[i] <= 1) {
				t.Fatalf("q = %v for p = %v", q[i], p[i])
			}
			for j := range p {
				if p[i] < p[j] && q[i] > q[j] {
					t.Fatalf("order lost: p %v, %v; q %v, %v", p[i], p[j], q[i], q[j])
				}
				if p[i] == p[j] && q[i] != q[j] {
					t.Fatalf("equal p %v with q %v and %v", p[i], q[i], q[j])
				}
			}
		}
	})
}
