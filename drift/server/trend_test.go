package server_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/aumos-enterprise/platform/drift/internal/drifttest"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

// trendPoints are daily, latest first.
func trendPoints(n int, value func(i int) float64) (points []*driftv1.TrendPoint) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range n {
		points = append(points, &driftv1.TrendPoint{Time: timestamppb.New(start.AddDate(0, 0, i)), Value: value(i)})
	}
	slices.Reverse(points)
	return points
}

func TestAnalyzeTrend(t *testing.T) {
	t.Parallel()
	s := drifttest.Start(t)
	c := s.Client(t, drifttest.NewTenant())
	wobble := func(i int) float64 { return 0.02 * math.Mod(float64(i*7919), 13) / 13 }

	step, err := c.AnalyzeTrend(t.Context(), &driftv1.AnalyzeTrendRequest{Horizon: 3, Points: trendPoints(40, func(i int) float64 {
		if i >= 25 {
			return 0.6 + wobble(i)
		}
		return 0.1 + wobble(i)
	})})
	if err != nil {
		t.Fatal(err)
	}
	got := step.GetTrend()
	if len(got.GetChanges()) != 1 || got.GetChanges()[0].GetIndex() != 25 || !got.GetChanges()[0].GetTime().AsTime().Equal(time.Date(2026, 1, 26, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("changes %v", got.GetChanges())
	}
	if f := got.GetForecast(); f.GetFromIndex() != 25 || len(f.GetPoints()) != 3 || math.Abs(f.GetPoints()[2].GetValue()-0.61) > 0.05 {
		t.Errorf("forecast %v", f)
	}

	rising, err := c.AnalyzeTrend(t.Context(), &driftv1.AnalyzeTrendRequest{
		Horizon: 100, Min: new(0.0), Max: new(1.0), Threshold: new(0.5), Points: trendPoints(30, func(i int) float64 { return 0.01*float64(i) + wobble(i) }),
	})
	if err != nil {
		t.Fatal(err)
	}
	got = rising.GetTrend()
	if got.GetDirection() != driftv1.DriftDirection_DRIFT_DIRECTION_INCREASE || math.Abs(got.GetTheilSen().GetSlopePerDay()-0.01) > 0.001 || got.GetForecast().GetCrossingTime() == nil {
		t.Errorf("trend %v", got)
	}
	for _, p := range got.GetForecast().GetPoints() {
		if p.GetInterval().GetUpper() > 1 || p.GetInterval().GetLower() < 0 {
			t.Fatalf("forecast %v leaves the range", p)
		}
	}

	few, err := c.AnalyzeTrend(t.Context(), &driftv1.AnalyzeTrendRequest{Horizon: 3, Points: trendPoints(5, wobble)})
	if err != nil {
		t.Fatal(err)
	}
	if got := few.GetTrend(); got.GetDirection() != 0 || got.GetMannKendall() != nil || len(got.GetMissing()) != 3 {
		t.Errorf("few points give %v", got)
	}
}

func TestAnalyzeTrendRefuses(t *testing.T) {
	t.Parallel()
	s := drifttest.Start(t)
	c := s.Client(t, drifttest.NewTenant())
	good := trendPoints(9, func(i int) float64 { return float64(i) })
	for name, req := range map[string]*driftv1.AnalyzeTrendRequest{
		"no points":     {},
		"too many":      {Points: trendPoints(2001, func(int) float64 { return 0 })},
		"no time":       {Points: []*driftv1.TrendPoint{{Value: 1}}},
		"NaN":           {Points: trendPoints(9, func(int) float64 { return math.NaN() })},
		"huge":          {Points: trendPoints(9, func(int) float64 { return 1e101 })},
		"the same time": {Points: append(trendPoints(1, func(int) float64 { return 1 }), good...)},
		"horizon":       {Points: good, Horizon: 1001},
		"range":         {Points: good, Min: new(2.0), Max: new(1.0)},
		"threshold":     {Points: good, Threshold: new(math.Inf(1))},
	} {
		if _, err := c.AnalyzeTrend(t.Context(), req); status.Code(err) != codes.InvalidArgument {
			t.Errorf("%s: %v", name, err)
		}
	}
}
