package vault

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

// An alert on an increase sees the first failure only if there was a zero before.
func TestOutcomesAreCountedFromZero(t *testing.T) {
	t.Parallel()
	if n := testutil.CollectAndCount(newMetrics().inputs); n != 2 {
		t.Errorf("%d series, want 2", n)
	}
}
