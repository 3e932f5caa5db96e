package trend

import (
	"fmt"
	"math"
)

// How many points the parts of an analysis need.
const (
	MinTrend  = 8  // fewer orders than 0.05 can be told from chance below 5; a slope's interval says little below 8
	MinChange = 12 // two levels of 5 and an estimate of the noise
	MinSeason = 16 // two rounds of 8, less the parameters
)

// significant is the p-value up to which a trend or a season counts.
const significant = 0.05

// Options control an analysis.
type Options struct {
	Horizon   int      // points to forecast, 0 to MaxHorizon, the median gap apart
	Min, Max  *float64 // the range of the statistic, which no forecast leaves; nil: unbounded
	Threshold *float64 // the value whose crossing is looked for in the forecast; nil: none
}

// Direction of a trend.
type Direction int

// The directions.
const (
	Level Direction = iota // nothing that chance would not do
	Rising
	Falling
)

// Analysis is what there is to say of a series. A part that needs more points is nil.
type Analysis struct {
	N         int
	Direction Direction // by PCorrected at 0.05
	Kendall   *Kendall
	Slope     *Slope
	Noise     float64  // standard deviation about level and trend, from the differences of neighbours
	Penalty   float64  // of one change, in squared units of the values; larger for noise with a memory
	Changes   []Change // where the level changed, in the order of time
	Season    *Season  // the strongest cycle, whether significant or not
	Seasonal  bool     // whether it is, at 0.05
	Forecast  *Forecast
	Missing   []string // what could not be said, and why
}

// Analyze looks at a series, in any order of its points. One movement gets one explanation: steps are reported only where they explain the
// series better than a straight line and than a line with a season, at the same penalty for each parameter; otherwise a slope would read as a
// staircase. A season is looked for in what the steps leave.
//
// The error wraps ErrBadSeries: too many points, two at one time, a value that is not finite or beyond MaxValue, or bad options.
func Analyze(points []Point, o Options) (Analysis, error) {
	if err := o.check(); err != nil {
		return Analysis{}, err
	}
	s, err := newSeries(points)
	if err != nil {
		return Analysis{}, err
	}
	a := Analysis{N: len(points)}
	if a.N < MinTrend {
		a.miss("trend, forecast", MinTrend)
	} else {
		line := TheilSen(s.days, s.values)
		k := MannKendall(s.days, s.values, line.PerDay)
		a.Kendall, a.Slope, a.Direction = &k, &line, k.direction()
	}
	starts := a.explain(s)
	if a.N >= MinTrend && o.Horizon > 0 {
		a.Forecast = a.predict(s, starts, o)
	}
	return a, nil
}

// explain finds steps and seasons, and returns where the steps are.
func (a *Analysis) explain(s series) []int {
	a.Noise = noise(s.values)
	if a.N < MinSeason {
		a.miss("season", MinSeason)
	} else {
		a.findSeason(s, s.values, 0)
	}
	if a.N < MinChange {
		a.miss("changes", MinChange)
		return nil
	}
	if a.Noise == 0 {
		return nil // constant
	}
	var starts []int
	var cost float64
	starts, cost, a.Penalty = steps(s.values, penalty(a.N, a.Noise))
	if len(starts) == 0 {
		return nil
	}
	rest := newLine(s.days).remove(s.values)
	if dot(rest, rest)+a.Penalty <= cost {
		return nil
	}
	if a.Seasonal && a.Season.residual+2*a.Penalty <= cost {
		return nil
	}
	a.Changes = s.changes(starts, a.Noise)
	if a.N >= MinSeason {
		a.findSeason(s, levelled(s.values, starts), len(starts))
	}
	return starts
}

func (a *Analysis) findSeason(s series, values []float64, lost int) {
	a.Season, a.Seasonal = nil, false
	if season, ok := Seasonality(s.days, values, s.gap(), lost); ok {
		a.Season, a.Seasonal = &season, season.P <= significant
	}
}

// predict forecasts from the last level on, whose own trend counts if it has enough points for one; there are minSegment at least.
func (a *Analysis) predict(s series, starts []int, o Options) *Forecast {
	if len(starts) == 0 {
		return s.forecast(0, *a.Slope, a.Direction != Level, o)
	}
	from := starts[len(starts)-1]
	recent := s.from(from)
	if len(recent.days) < MinTrend {
		return s.forecast(from, Slope{}, false, o)
	}
	line := TheilSen(recent.days, recent.values)
	k := MannKendall(recent.days, recent.values, line.PerDay)
	return s.forecast(from, line, k.direction() != Level, o)
}

func (a *Analysis) miss(what string, needed int) {
	a.Missing = append(a.Missing, fmt.Sprintf("%s: %d points, %d are needed", what, a.N, needed))
}

func (k Kendall) direction() Direction {
	switch {
	case k.PCorrected > significant:
		return Level
	case k.S > 0:
		return Rising
	}
	return Falling
}

func (o Options) check() error {
	if o.Horizon < 0 || o.Horizon > MaxHorizon {
		return fmt.Errorf("%w: horizon %d is not between 0 and %d", ErrBadSeries, o.Horizon, MaxHorizon)
	}
	for _, v := range []*float64{o.Min, o.Max, o.Threshold} {
		if v != nil && (math.IsNaN(*v) || math.IsInf(*v, 0)) {
			return fmt.Errorf("%w: bounds and threshold must be finite", ErrBadSeries)
		}
	}
	if o.Min != nil && o.Max != nil && *o.Min > *o.Max {
		return fmt.Errorf("%w: smallest value %g is above the largest %g", ErrBadSeries, *o.Min, *o.Max)
	}
	return nil
}

// timeAt is the time of point i.
func (s series) timeAt(i int) int64 { return s.start + int64(math.Round(s.days[i]*microsPerDay)) }
