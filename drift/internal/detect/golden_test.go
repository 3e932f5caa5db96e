package detect

import (
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/detect/goldentest"
)

// golden is the part of testdata/golden.json that concerns this package; the
// rest belongs to contingency.
type golden struct {
	FalseDiscovery []struct{ P, Q []float64 } `json:"false_discovery"`
	Summaries      []struct {
		Sample         goldentest.Sample
		Mean, Min, Max float64
		Std            *float64
		Quantiles      []float64
	}
}

func readGolden(t *testing.T) golden {
	t.Helper()
	return goldentest.Read[golden](t, "testdata/golden.json")
}
