package server_test

import (
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/drifttest"
	"github.com/aumos-enterprise/platform/pkg/telemetry/telemetrytest"
)

func TestMetricsAreDocumented(t *testing.T) {
	t.Parallel()
	_, exposed := get(t, "http://"+drifttest.Start(t).Addresses.Admin+"/metrics")
	telemetrytest.Documented(t, exposed, "../../docs/metrics.md")
}
