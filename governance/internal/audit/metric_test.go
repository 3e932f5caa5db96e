package audit_test

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
)

// metric returns the value of a counter or gauge of the wall.
func metric(t testing.TB, wall *audit.Wall, name string) float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(wall.Collectors()...)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetCounter().GetValue() + f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}

func TestCollectors(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	wall, _ := startWall(t, db, wallConfig(t))
	appendMany(t, wall, newTenant(t), 3)
	for name, want := range map[string]float64{
		"aumos_audit_entries_appended_total": 3, "aumos_audit_ready": 1, "aumos_audit_queue_entries": 0, "aumos_audit_appends_refused_total": 0,
	} {
		if got := metric(t, wall, name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
}

// sumOf returns the value of a metric of the wall, over all its labels.
func sumOf(t testing.TB, wall *audit.Wall, name string) float64 {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(wall.Collectors()...)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() == name {
			for _, m := range f.GetMetric() {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return sum
}

// awaitSum polls until a metric has a value that another goroutine brings about.
func awaitSum(t *testing.T, wall *audit.Wall, name string, want float64) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); sumOf(t, wall, name) != want; {
		if time.Now().After(deadline) {
			t.Fatalf("%s is %v, want %v", name, sumOf(t, wall, name), want)
		}
		<-time.After(5 * time.Millisecond)
	}
}
