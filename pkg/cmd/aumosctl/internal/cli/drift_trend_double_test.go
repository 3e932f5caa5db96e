package cli_test

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

// AnalyzeTrend answers with one of everything, and with how many points came and the first of them.
func (d *driftDouble) AnalyzeTrend(_ context.Context, req *driftv1.AnalyzeTrendRequest) (*driftv1.AnalyzeTrendResponse, error) {
	first := req.GetPoints()[0]
	later := timestamppb.New(first.GetTime().AsTime().Add(24 * time.Hour))
	t := &driftv1.Trend{
		PointCount: int32(len(req.GetPoints())), Direction: driftv1.DriftDirection_DRIFT_DIRECTION_INCREASE,
		MannKendall: &driftv1.MannKendall{S: 3, Tau: 0.75, PValue: 0.01, CorrectedPValue: 0.02},
		TheilSen:    &driftv1.TheilSen{SlopePerDay: first.GetValue(), SlopeInterval: &driftv1.EffectInterval{Lower: 0.5, Upper: 1.5}},
		Changes:     []*driftv1.LevelChange{{Index: 5, Time: later, Before: 1, After: 2, Size: 3}},
		Season:      &driftv1.Season{PeriodDays: 7, Amplitude: 0.25, Strength: 0.5, PValue: 0.001, Significant: true},
		Missing:     []string{"changes: 9 points, 12 are needed"},
	}
	for range req.GetHorizon() {
		t.Forecast = &driftv1.TrendForecast{CrossingTime: later}
		t.Forecast.Points = append(t.Forecast.Points, &driftv1.ForecastPoint{
			Time: later, Value: req.GetThreshold(), Interval: &driftv1.EffectInterval{Lower: req.GetMin(), Upper: req.GetMax()},
		})
	}
	return &driftv1.AnalyzeTrendResponse{Trend: t}, nil
}
