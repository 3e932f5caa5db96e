package ks

import (
	"math"
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/detect/goldentest"
)

// The values in golden.json come from SciPy through ../testdata/golden.py, which
// says what comes from where.
type golden struct {
	KSSamples []struct {
		Name              string
		Baseline, Current goldentest.Sample
		D, Location, P    float64
		Sign              int
		Exact             bool
	} `json:"ks_samples"`
	KSExact []struct {
		N, M, Steps int64
		P           float64
	} `json:"ks_exact"`
	KSTwo []struct {
		N    int64
		D, P float64
	}
	SmirnovBeyond []struct {
		N           int64
		D, P, SciPy float64
	} `json:"smirnov_beyond"`
}

func readGolden(t *testing.T) golden {
	t.Helper()
	return goldentest.Read[golden](t, "../testdata/golden.json")
}

func relative(got, want float64) float64 {
	if got == want {
		return 0
	}
	return math.Abs(got-want) / math.Abs(want)
}
