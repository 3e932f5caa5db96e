package performance

import (
	"math"

	"github.com/aumos-enterprise/platform/drift/internal/detect/tail"
)

// Measure returns all metrics of the sample.
//
// MAPE is the mean of |y − ŷ|/|y|, undefined when a true value is 0 (scikit-learn
// divides by 2⁻⁵² there, which says nothing). MSLE is the mean of
// (ln(1+y) − ln(1+ŷ))², undefined when a value is −1 or less. R² is
// 1 − Σ(y−ŷ)²/Σ(y−ȳ)², undefined when all true values are equal.
func (r Regression) Measure() []Measure {
	n := r.Rows()
	absolute, squared, relative, logarithmic := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
	zeros, low := 0, 0
	for i, y := range r.Actual {
		d := r.Predicted[i] - y
		absolute[i], squared[i] = math.Abs(d), d*d
		if y == 0 {
			zeros++
		} else {
			relative[i] = math.Abs(d / y)
		}
		if y <= -1 || r.Predicted[i] <= -1 {
			low++
		} else {
			l := math.Log1p(y) - math.Log1p(r.Predicted[i])
			logarithmic[i] = l * l
		}
	}
	mape, msle := meanOf(MAPE, relative), meanOf(MSLE, logarithmic)
	if zeros > 0 {
		mape = undefined(MAPE, "a true value is 0")
	}
	if low > 0 {
		msle = undefined(MSLE, "a value is -1 or less")
	}
	mse := meanOf(MSE, squared)
	return []Measure{meanOf(MAE, absolute), mse, mse.root(RMSE), mape, msle, msle.root(RMSLE), r.determination(squared)}
}

// meanOf is a metric that is the mean of a loss of each row, with Student's interval, not below 0.
func meanOf(m Metric, losses []float64) Measure {
	n := float64(len(losses))
	if n == 0 {
		return undefined(m, "no rows")
	}
	sum := 0.0
	for _, l := range losses {
		sum += l
	}
	mean := sum / n
	square := 0.0
	for _, l := range losses {
		square += (l - mean) * (l - mean)
	}
	if !isFinite(square) || !isFinite(mean) {
		return undefined(m, "the losses overflow")
	}
	measure := Measure{Metric: m, Value: mean, Low: mean, High: mean, Interval: IntervalStudent, Rows: int64(len(losses)), hits: -1, scale: mean, least: int64(len(losses))}
	if n > 1 {
		measure.variance = square / (n - 1) / n
		half := tail.CriticalStudent(n-1, 0.05) * math.Sqrt(measure.variance)
		measure.Low, measure.High = max(0, mean-half), mean+half
	}
	return measure
}

// root is the metric that is the root of a mean. It is tested on the scale of the mean.
func (m Measure) root(name Metric) Measure {
	m.Metric = name
	if m.Undefined == "" {
		m.Value, m.Low, m.High = math.Sqrt(m.Value), math.Sqrt(m.Low), math.Sqrt(m.High)
	}
	return m
}

// determination is R². With A the mean squared error and B the variance of the
// truth, a row's influence is −(e² − A)/B + A/B²·((y − ȳ)² − B).
func (r Regression) determination(squared []float64) Measure {
	n := float64(len(squared))
	if n == 0 {
		return undefined(R2, "no rows")
	}
	mean, a, b := 0.0, 0.0, 0.0
	for i, y := range r.Actual {
		mean += y / n
		a += squared[i] / n
	}
	for _, y := range r.Actual {
		b += (y - mean) * (y - mean) / n
	}
	value := 1 - a/b
	if b == 0 {
		return undefined(R2, "all true values are equal")
	}
	square := 0.0
	for i, y := range r.Actual {
		d := ((y-mean)*(y-mean)*(a/b) - squared[i]) / b
		square += d * d
	}
	variance := square / (n * n)
	if !isFinite(value) || !isFinite(variance) {
		return undefined(R2, "the squares overflow")
	}
	half := tail.Z95 * math.Sqrt(variance)
	return Measure{
		Metric: R2, Value: value, Low: value - half, High: math.Min(1, value+half), Interval: IntervalDelta,
		Rows: int64(n), hits: -1, scale: value, variance: variance, least: int64(n),
	}
}
