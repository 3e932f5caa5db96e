package estimate

import (
	"fmt"
	"math"
	"slices"

	"github.com/aumos-enterprise/platform/drift/internal/detect/performance"
)

// band is how many sampling errors an estimate's interval reaches to each side, and how many
// standard deviations of the reference's chunks its thresholds.
const band = 3

// areaFactor widens the sampling error of the mean area over classes, which NannyML found a fifth too small.
const areaFactor = 1.2

// Status says what an estimate means.
type Status string

// The statuses.
const (
	StatusOK        Status = "OK"        // within the thresholds
	StatusAlert     Status = "ALERT"     // beyond a threshold
	StatusUndefined Status = "UNDEFINED" // no value, or no threshold to hold it against; Reason says why
)

// Estimate is one metric of one chunk. A number that does not exist is nil.
type Estimate struct {
	Metric performance.Metric
	Status Status
	Reason string // why the status is UNDEFINED

	Value         *float64
	SamplingError *float64 // standard deviation of the metric between samples of this size, from the reference
	Low, High     *float64 // value ± 3 sampling errors, within the metric's range

	// Lower and Upper are the thresholds: mean ± 3 standard deviations of the metric
	// over the reference's chunks, within the metric's range. Lower is nil where a low value is no alarm.
	Lower, Upper *float64

	Realized *float64 // the metric itself, where the truth is known
}

// Chunk is the rows From to below To.
type Chunk struct{ From, To int }

// Chunks divides rows into chunks of size rows; what is left over joins the
// last one. Fewer rows than size make one chunk.
func Chunks(rows, size int) []Chunk {
	size = max(1, size)
	var chunks []Chunk
	for from := 0; from+size <= rows; from += size {
		chunks = append(chunks, Chunk{from, from + size})
	}
	if len(chunks) == 0 && rows > 0 {
		return []Chunk{{0, rows}}
	}
	if len(chunks) > 0 {
		chunks[len(chunks)-1].To = rows
	}
	return chunks
}

// Classifier estimates the performance of a classifier. Make one with FitClassifier.
type Classifier struct {
	classes      int
	columns      int // of scores
	predicted    bool
	calibrations []Calibration
	metrics      []metric
}

// metric is how one metric is estimated.
type metric struct {
	name         performance.Metric
	of           func(s *scored) (float64, bool)
	error        func(rows float64) float64
	lower, upper *float64
}

// FitClassifier learns from reference rows of which the truth is known: the calibration
// of each class, the sampling errors, and the thresholds from chunks of the given number of rows, which
// should be that of the chunks to estimate: a threshold is as wide as the metric varies between chunks of that size.
//
// Every class must occur in the reference. Without predictions only ROC_AUC and AVERAGE_PRECISION are estimated. It returns
// an error that wraps ErrReference for a reference that cannot be used.
func FitClassifier(reference performance.Classification, chunkRows int) (*Classifier, error) {
	if err := reference.Validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrReference, err)
	}
	if reference.Scores == nil {
		return nil, fmt.Errorf("%w: no scores", ErrReference)
	}
	if chunkRows < 1 {
		return nil, fmt.Errorf("%w: chunks of %d rows", ErrReference, chunkRows)
	}
	c := &Classifier{classes: reference.Classes, columns: len(reference.Scores), predicted: reference.Predicted != nil}
	for k := range c.columns {
		positive := indicators(reference.Actual, c.class(k))
		if hits := trues(positive); hits == 0 || hits == len(positive) {
			return nil, fmt.Errorf("%w: class %d does not occur, or no other", ErrReference, c.class(k))
		}
		c.calibrations = append(c.calibrations, calibrate(reference.Scores[k], positive))
	}
	c.metrics = c.describe(reference)
	c.limit(reference, Chunks(reference.Rows(), chunkRows))
	return c, nil
}

// Calibrations tells for each column of scores how it is calibrated.
func (c *Classifier) Calibrations() []Calibration { return slices.Clone(c.calibrations) }

// class of a column of scores.
func (c *Classifier) class(column int) int32 {
	if c.columns == 1 {
		return 1
	}
	return int32(column)
}

// limit sets the thresholds from the metrics of the reference's chunks.
func (c *Classifier) limit(reference performance.Classification, chunks []Chunk) {
	values := map[performance.Metric][]float64{}
	for _, chunk := range chunks {
		for name, v := range realized(part(reference, chunk)) {
			values[name] = append(values[name], v)
		}
	}
	for i := range c.metrics {
		m := &c.metrics[i]
		if of := values[m.name]; len(of) > 1 {
			mean, deviation := meanAndDeviation(of)
			m.lower, m.upper = new(max(0, mean-band*deviation)), new(min(1, mean+band*deviation))
		}
	}
}

// Estimate returns the estimates of one chunk. The truth may be missing; where it is given the metrics are realized too.
// It returns an error that wraps ErrSample for a chunk that cannot be used.
func (c *Classifier) Estimate(chunk performance.Classification) ([]Estimate, error) {
	known := chunk.Actual != nil
	if !known && len(chunk.Scores) > 0 {
		chunk.Actual = make([]int32, len(chunk.Scores[0]))
	}
	if err := chunk.Validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSample, err)
	}
	if chunk.Classes != c.classes || len(chunk.Scores) != c.columns || (chunk.Predicted != nil) != c.predicted {
		return nil, fmt.Errorf("%w: classes or columns are not those of the reference", ErrSample)
	}
	var truth map[performance.Metric]float64
	if known {
		truth = realized(chunk)
	}
	s := c.score(chunk)
	estimates := make([]Estimate, len(c.metrics))
	for i, m := range c.metrics {
		estimates[i] = m.estimate(s, chunk.Rows())
		if v, ok := truth[m.name]; ok {
			estimates[i].Realized = &v
		}
	}
	return estimates, nil
}

func (m metric) estimate(s *scored, rows int) Estimate {
	e := Estimate{Metric: m.name, Lower: m.lower, Upper: m.upper}
	v, defined := m.of(s)
	if !defined || math.IsNaN(v) {
		return e.undefined("no row of the chunk enters the metric")
	}
	e.Value = &v
	if sampling := m.error(float64(rows)); sampling-sampling == 0 {
		e.SamplingError = &sampling
		e.Low, e.High = new(max(0, v-band*sampling)), new(min(1, v+band*sampling))
	}
	return e.judge()
}

func (e Estimate) undefined(reason string) Estimate {
	e.Status, e.Reason = StatusUndefined, reason
	return e
}

// judge holds the value against the thresholds.
func (e Estimate) judge() Estimate {
	switch {
	case e.Lower == nil && e.Upper == nil:
		return e.undefined("fewer than two chunks of the reference have the metric")
	case e.Lower != nil && *e.Value < *e.Lower, e.Upper != nil && *e.Value > *e.Upper:
		e.Status = StatusAlert
	default:
		e.Status = StatusOK
	}
	return e
}
