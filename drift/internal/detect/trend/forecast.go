package trend

import (
	"math"
	"slices"

	"github.com/aumos-enterprise/platform/drift/internal/detect/tail"
)

// Forecast continues the series.
type Forecast struct {
	Points []ForecastPoint

	// From is the index of the first point that the forecast looks at: that of the last change of the level, else 0.
	From int

	// Crossing is the index of the first forecast point at or beyond Options.Threshold, seen from the side where the series ends; −1: none.
	Crossing int
}

// ForecastPoint is one future value.
type ForecastPoint struct {
	Time         int64   // microseconds since 1970 UTC
	Value        float64 // expected
	Lower, Upper float64 // hold the value with 95 % probability, if the series goes on as it did
}

// forecast continues the line of points since the last change, or their median when rising tells no trend. The interval is that of
// least-squares prediction, t(0.975, n−2)·s·√(1 + c(1/n + (x−x̄)²/Σ(x_i−x̄)²)), with s the residuals' standard deviation and
// c = (1+ρ)/(1−ρ) for a positive autocorrelation ρ of neighbouring residuals: it widens with the distance from what is known, also where
// the forecast is level, because that the slope is 0 is not known either. All is clipped to the range of the statistic.
func (s series) forecast(from int, line Slope, rising bool, o Options) *Forecast {
	recent := s.from(from)
	n := len(recent.days)
	level := line
	if !rising {
		level = Slope{Intercept: median(slices.Clone(recent.values))}
	}
	rest := make([]float64, n)
	for i, d := range recent.days {
		rest[i] = recent.values[i] - level.Intercept - level.PerDay*d
	}
	middle, spread := mean(recent.days), 0.0
	for _, d := range recent.days {
		spread += (d - middle) * (d - middle)
	}
	sigma := math.Sqrt(dot(rest, rest) / float64(n-2))
	memory := 1.0
	if rho := neighbours(rest); rho > 0 {
		memory = (1 + rho) / (1 - min(rho, 0.95)) // beyond it says that there is no level at all
	}
	t := tail.CriticalStudent(float64(n-2), 0.05)
	step := s.gap()
	f := &Forecast{From: from, Crossing: -1}
	end := s.days[len(s.days)-1]
	for k := 1; k <= o.Horizon; k++ {
		d := end + float64(k)*step
		micros := float64(s.start) + d*microsPerDay
		if !(micros < maxTime) {
			break
		}
		value := level.Intercept + level.PerDay*d
		half := t * sigma * math.Sqrt(1+memory*(1/float64(n)+(d-middle)*(d-middle)/spread))
		f.Points = append(f.Points, ForecastPoint{Time: s.start + int64(math.Round(d*microsPerDay)), Value: o.clip(value), Lower: o.clip(value - half), Upper: o.clip(value + half)})
		if f.Crossing < 0 && o.Threshold != nil && o.crossed(s.values[len(s.values)-1], value) {
			f.Crossing = k - 1
		}
	}
	return f
}

// crossed tells whether value is at or beyond the threshold, seen from last.
func (o Options) crossed(last, value float64) bool {
	if last < *o.Threshold {
		return value >= *o.Threshold
	}
	return value < *o.Threshold
}

// clip returns v within the range of the statistic.
func (o Options) clip(v float64) float64 {
	if o.Min != nil {
		v = max(v, *o.Min)
	}
	if o.Max != nil {
		v = min(v, *o.Max)
	}
	return v
}

// neighbours is the autocorrelation at lag 1 of values that are about 0.
func neighbours(values []float64) float64 {
	square := dot(values, values)
	if square == 0 {
		return 0
	}
	return dot(values[1:], values[:len(values)-1]) / square
}
