package contingency

import (
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/detect/goldentest"
)

// tiny is where doubles lose digits because they are nearly 0.
const tiny = 1e-300

// golden is the part of ../testdata/golden.json, made by ../testdata/golden.py, that concerns this package.
type golden struct {
	ChiSquare []struct {
		Name              string
		Baseline, Current []int64
		Statistic, P, V   float64
		DF                int
	} `json:"chi_square"`
	PSI []struct {
		Name              string
		Baseline, Current goldentest.Sample
		BaselineCounts    []int64 `json:"baseline_counts"`
		CurrentCounts     []int64 `json:"current_counts"`
		PSI, P            float64
		DF                int
	}
	Missing []struct {
		Baseline, Current [2]int64
		Z, P              float64
		Exact             bool
	}
	Fisher []struct {
		Table [4]int64
		P     float64
	}
}

func readGolden(t *testing.T) golden {
	t.Helper()
	return goldentest.Read[golden](t, "../testdata/golden.json")
}
