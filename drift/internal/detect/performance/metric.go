package performance

import (
	"math"

	"github.com/aumos-enterprise/platform/drift/internal/detect/tail"
)

// Metric names a measure of performance.
type Metric string

// The metrics of classifiers. Precision, recall, specificity and F1 are those
// of the positive class with two classes; the averages over classes are
// macro (each class the same weight) or weighted (by its true rows). Micro averages of a
// single-label classifier all equal the accuracy.
const (
	Accuracy          Metric = "ACCURACY"
	Precision         Metric = "PRECISION"
	Recall            Metric = "RECALL"
	Specificity       Metric = "SPECIFICITY"
	F1                Metric = "F1"
	PrecisionMacro    Metric = "PRECISION_MACRO"
	RecallMacro       Metric = "RECALL_MACRO" // also called balanced accuracy
	SpecificityMacro  Metric = "SPECIFICITY_MACRO"
	F1Macro           Metric = "F1_MACRO"
	PrecisionWeighted Metric = "PRECISION_WEIGHTED"
	F1Weighted        Metric = "F1_WEIGHTED"
	F1Micro           Metric = "F1_MICRO"
	ROCAUC            Metric = "ROC_AUC"           // with more classes: one against the rest, macro
	AveragePrecision  Metric = "AVERAGE_PRECISION" // area under the precision-recall curve, without interpolation; macro
	LogLoss           Metric = "LOG_LOSS"          // nats
	Brier             Metric = "BRIER"
	CalibrationError  Metric = "CALIBRATION_ERROR"
)

// The metrics of regressions.
const (
	MAE   Metric = "MAE"
	MSE   Metric = "MSE"
	RMSE  Metric = "RMSE"
	MAPE  Metric = "MAPE"
	MSLE  Metric = "MSLE"
	RMSLE Metric = "RMSLE"
	R2    Metric = "R2"
)

// Better tells in which direction a metric improves: +1 up, −1 down.
func (m Metric) Better() int {
	switch m {
	case LogLoss, Brier, CalibrationError, MAE, MSE, RMSE, MAPE, MSLE, RMSLE:
		return -1
	default:
		return 1
	}
}

// Unit tells whether the metric is in [0,1].
func (m Metric) Unit() bool {
	switch m {
	case LogLoss, Brier, MAE, MSE, RMSE, MAPE, MSLE, RMSLE, R2:
		return false
	default:
		return true
	}
}

// Interval says how a confidence interval was made.
type Interval string

// The kinds of intervals, all of 95 %.
const (
	// IntervalWilson is E. B. Wilson's score interval (1927). For a metric that is
	// not a proportion of rows, the number of rows is replaced with
	// v(1−v)/variance, so that it has the metric's own variance, stays in [0,1] and
	// has a width for a perfect score too.
	IntervalWilson Interval = "WILSON"

	// IntervalDeLong is Wilson's with the variance of E. R. DeLong et al. (1988).
	IntervalDeLong Interval = "DELONG"

	// IntervalStudent is mean ± t·s/√n; for a root of a mean, its square roots.
	IntervalStudent Interval = "STUDENT"

	// IntervalDelta is value ± 1.96·√variance, the variance by the delta method.
	IntervalDelta Interval = "DELTA"
)

// Measure is one metric of one sample.
type Measure struct {
	Metric    Metric
	Undefined string // why there is no value; empty with one

	Value     float64
	Low, High float64 // 95 % confidence interval
	Interval  Interval

	// Rows is the number of rows that the value is of: those predicted positive for
	// the precision, and so on.
	Rows int64

	// What tests need. hits is the number of rows that count, of a proportion, else −1. scale
	// is the value on the scale of the test, variance that of scale.
	hits            int64
	scale, variance float64
	least           int64 // rows of the smallest class that enters
}

func undefined(m Metric, reason string) Measure {
	return Measure{Metric: m, Undefined: reason, hits: -1}
}

// proportion is a metric that is a share of rows.
func proportion(m Metric, hits, rows int64, without string) Measure {
	if rows == 0 {
		return undefined(m, without)
	}
	v := float64(hits) / float64(rows)
	measure := Measure{Metric: m, Value: v, Rows: rows, Interval: IntervalWilson, hits: hits, scale: v, variance: v * (1 - v) / float64(rows), least: rows}
	measure.Low, measure.High = wilson(v, float64(rows))
	return measure
}

// inUnit is a metric in [0,1] with a variance. least is the number of rows of the smallest class.
func inUnit(m Metric, kind Interval, value, variance float64, rows, least int64) Measure {
	value = clip(value)
	measure := Measure{Metric: m, Value: value, Rows: rows, Interval: kind, hits: -1, scale: value, variance: variance, least: least}
	effective := float64(least)
	if variance > 0 && value > 0 && value < 1 {
		effective = value * (1 - value) / variance
	}
	measure.Low, measure.High = wilson(value, effective)
	return measure
}

// wilson is Wilson's score interval of a share v of n rows.
func wilson(v, n float64) (low, high float64) {
	z2 := tail.Z95 * tail.Z95
	middle := v + z2/(2*n)
	half := tail.Z95 * math.Sqrt(v*(1-v)/n+z2/(4*n*n))
	// Rounding must not move the ends past the value.
	return math.Min(v, clip((middle-half)/(1+z2/n))), math.Max(v, clip((middle+half)/(1+z2/n)))
}

// StandardError is that of the value, by the large-sample variance; for a root it is of its square. It is 0 for an undefined measure.
func (m Measure) StandardError() float64 { return math.Sqrt(m.variance) }
