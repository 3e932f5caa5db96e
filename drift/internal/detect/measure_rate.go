package detect

import (
	"fmt"
	"math"

	"github.com/aumos-enterprise/platform/drift/internal/detect/contingency"
	"github.com/aumos-enterprise/platform/drift/internal/detect/tail"
)

// rate is how many of some values have a property.
type rate struct{ count, of int64 }

// compareRates is the finding on the share of values with a property: Fisher's exact test for small tables, else the two-proportion z test.
func compareRates(baseline, current rate, settings Settings) Finding {
	change, err := contingency.Proportions(baseline.count, baseline.of, current.count, current.of)
	if err != nil {
		return Failed(fmt.Errorf("compare rates: %w", err))
	}
	f := Finding{
		Statistic: change.Z, P: change.P, Method: PExact, Effect: math.Abs(change.Difference), Direction: sign(change.Difference),
	}
	if !change.Exact {
		f.Method, f.Threshold = PAsymptotic, finite(tail.CriticalNormal(settings.FDR))
	}
	return f
}

// ratesPValue says where the p-values of compareRates come from.
const ratesPValue = "exact (Fisher) for tables that are small, or skewed by few rows beside many, else the two-proportion z test"
