package api

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/aumos-enterprise/platform/drift/internal/detect/trend"
	"github.com/aumos-enterprise/platform/pkg/errs"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

// AnalyzeTrend implements driftv1.DetectionServiceServer.
func (s detections) AnalyzeTrend(ctx context.Context, req *driftv1.AnalyzeTrendRequest) (*driftv1.AnalyzeTrendResponse, error) {
	points := make([]trend.Point, len(req.GetPoints()))
	seen := make(map[int64]bool, len(points))
	for i, p := range req.GetPoints() {
		points[i] = trend.Point{Time: p.GetTime().AsTime().UnixMicro(), Value: p.GetValue()}
		if seen[points[i].Time] {
			return nil, errs.InvalidField(fmt.Sprintf("points[%d].time", i), "must differ from the times of the points before, in microseconds")
		}
		seen[points[i].Time] = true
	}
	if req.Min != nil && req.Max != nil && req.GetMin() > req.GetMax() {
		return nil, errs.InvalidField("min", "must not be above max")
	}
	var a trend.Analysis
	err := s.evaluate(ctx, func(context.Context) (err error) {
		a, err = trend.Analyze(points, trend.Options{Horizon: int(req.GetHorizon()), Min: req.Min, Max: req.Max, Threshold: req.Threshold})
		return err
	})
	if err != nil {
		return nil, err
	}
	return &driftv1.AnalyzeTrendResponse{Trend: trendTo(a)}, nil
}

func trendTo(a trend.Analysis) *driftv1.Trend {
	p := &driftv1.Trend{PointCount: int32(a.N), Noise: a.Noise, ChangePenalty: a.Penalty, Missing: a.Missing} // at most trend.MaxPoints
	if k := a.Kendall; k != nil {
		p.Direction = trendDirectionTo[a.Direction]
		method := driftv1.PValueMethod_P_VALUE_METHOD_ASYMPTOTIC
		if k.Exact {
			method = driftv1.PValueMethod_P_VALUE_METHOD_EXACT
		}
		p.MannKendall = &driftv1.MannKendall{
			S: k.S, Tau: k.Tau, PValue: k.P, PValueMethod: method, VarianceInflation: k.Inflation, CorrectedPValue: k.PCorrected,
		}
		p.TheilSen = &driftv1.TheilSen{
			SlopePerDay: a.Slope.PerDay, SlopeInterval: &driftv1.EffectInterval{Lower: a.Slope.Lower, Upper: a.Slope.Upper}, Intercept: a.Slope.Intercept,
		}
	}
	for _, c := range a.Changes {
		p.Changes = append(p.Changes, &driftv1.LevelChange{Index: int32(c.Index), Time: instantTo(c.Time), Before: c.Before, After: c.After, Size: c.Size})
	}
	if s := a.Season; s != nil {
		p.Season = &driftv1.Season{
			PeriodDays: s.Period, Amplitude: s.Amplitude, Strength: s.Strength, PValue: s.P, Significant: a.Seasonal, PeriodCount: int32(s.Tried),
		}
	}
	if f := a.Forecast; f != nil {
		p.Forecast = &driftv1.TrendForecast{FromIndex: int32(f.From)}
		for _, point := range f.Points {
			p.Forecast.Points = append(p.Forecast.Points, &driftv1.ForecastPoint{
				Time: instantTo(point.Time), Value: point.Value, Interval: &driftv1.EffectInterval{Lower: point.Lower, Upper: point.Upper},
			})
		}
		if f.Crossing >= 0 {
			p.Forecast.CrossingTime = instantTo(f.Points[f.Crossing].Time)
		}
	}
	return p
}

func instantTo(micros int64) *timestamppb.Timestamp { return timestamppb.New(time.UnixMicro(micros)) }

//nolint:gochecknoglobals // a constant table
var trendDirectionTo = map[trend.Direction]driftv1.DriftDirection{
	trend.Level:   driftv1.DriftDirection_DRIFT_DIRECTION_NONE,
	trend.Rising:  driftv1.DriftDirection_DRIFT_DIRECTION_INCREASE,
	trend.Falling: driftv1.DriftDirection_DRIFT_DIRECTION_DECREASE,
}
