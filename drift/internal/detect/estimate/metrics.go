package estimate

import (
	"math"

	"github.com/aumos-enterprise/platform/drift/internal/detect/performance"
)

// scored is a chunk with its calibrated probabilities.
type scored struct {
	raw           [][]float64
	probabilities [][]float64 // as raw
	predicted     []int32
	expected      []expected // as raw; nil without predictions
}

// score calibrates a chunk. Of more than two classes the probabilities of a row are divided by their sum; when
// all are 0, every class has the same.
func (c *Classifier) score(chunk performance.Classification) *scored {
	s := &scored{raw: chunk.Scores, predicted: chunk.Predicted}
	for k, scores := range chunk.Scores {
		calibrated := make([]float64, len(scores))
		for i, v := range scores {
			calibrated[i] = c.calibrations[k].at(v)
		}
		s.probabilities = append(s.probabilities, calibrated)
	}
	if c.columns > 1 {
		for i := range chunk.Rows() {
			sum := 0.0
			for _, column := range s.probabilities {
				sum += column[i]
			}
			for _, column := range s.probabilities {
				if sum > 0 {
					column[i] /= sum
				} else {
					column[i] = 1 / float64(c.columns)
				}
			}
		}
	}
	if chunk.Predicted != nil {
		for k, column := range s.probabilities {
			s.expected = append(s.expected, expect(column, chunk.Predicted, c.class(k)))
		}
	}
	return s
}

// describe makes the metrics from the reference.
func (c *Classifier) describe(reference performance.Classification) []metric {
	areas, precisions := make([]spread, c.columns), make([]spread, c.columns)
	for k, scores := range reference.Scores {
		positive := indicators(reference.Actual, c.class(k))
		areas[k] = areaSpread(scores, positive)
		precisions[k] = precisionSpread(scores, codes(positive))
	}
	factor := 1.0
	if c.columns > 1 {
		factor = areaFactor
	}
	metrics := []metric{
		{name: performance.ROCAUC, of: func(s *scored) (float64, bool) { return s.overScores(area) }, error: func(n float64) float64 { return factor * total(areas, n) }},
		{name: performance.AveragePrecision, of: func(s *scored) (float64, bool) { return s.overScores(averagePrecision) }, error: func(n float64) float64 {
			// The mean, not the sum over the classes by their number: their errors are taken as one.
			return total(precisions, n) * math.Sqrt(float64(len(precisions)))
		}},
	}
	if reference.Predicted == nil {
		return metrics
	}
	return append(metrics, c.confusionMetrics(reference)...)
}

func (c *Classifier) confusionMetrics(reference performance.Classification) []metric {
	all := make([]counts, c.columns)
	for k := range all {
		all[k] = count(reference.Actual, reference.Predicted, c.class(k))
	}
	correction := 1.0
	names := []performance.Metric{performance.F1Macro, performance.PrecisionMacro, performance.RecallMacro, performance.SpecificityMacro}
	if c.columns == 1 {
		correction = all[0].correction()
		names = []performance.Metric{performance.F1, performance.Precision, performance.Recall, performance.Specificity}
	}
	var metrics []metric
	for i, m := range []struct {
		of     func(expected) (float64, bool)
		spread func(counts) spread
		factor float64
	}{
		{expected.f1, counts.f1, correction},
		{expected.precision, counts.precision, 1},
		{expected.recall, counts.recall, 1},
		{expected.specificity, counts.specificity, 1},
	} {
		spreads := make([]spread, c.columns)
		for k := range spreads {
			spreads[k] = m.spread(all[k])
		}
		metrics = append(metrics, metric{
			name:  names[i],
			of:    func(s *scored) (float64, bool) { return s.overClasses(m.of) },
			error: func(n float64) float64 { return m.factor * total(spreads, n) },
		})
	}
	hits, rows := 0.0, float64(reference.Rows())
	for i, a := range reference.Actual {
		if a == reference.Predicted[i] {
			hits++
		}
	}
	right := spread{hits / rows * (1 - hits/rows), 1}
	return append(metrics, metric{
		name:  performance.Accuracy,
		of:    func(s *scored) (float64, bool) { return s.accuracy() },
		error: func(n float64) float64 { return math.Sqrt(right.of(n)) },
	})
}

// overScores is the mean over the classes of a metric of the order of scores.
func (s *scored) overScores(of func(raw, probabilities []float64) (float64, bool)) (float64, bool) {
	sum := 0.0
	for k := range s.raw {
		v, defined := of(s.raw[k], s.probabilities[k])
		if !defined {
			return 0, false
		}
		sum += v
	}
	return sum / float64(len(s.raw)), true
}

// overClasses is the mean over the classes of a metric of their expected confusion matrices. With
// more than two classes one without a denominator counts 0, as in scikit-learn.
func (s *scored) overClasses(of func(expected) (float64, bool)) (float64, bool) {
	if len(s.expected) == 1 {
		return of(s.expected[0])
	}
	sum := 0.0
	for _, e := range s.expected {
		v, _ := of(e)
		sum += v
	}
	return sum / float64(len(s.expected)), len(s.predicted) > 0
}

// accuracy is the mean probability of the predicted class.
func (s *scored) accuracy() (float64, bool) {
	if len(s.expected) == 1 {
		return s.expected[0].accuracy()
	}
	sum := 0.0
	for _, e := range s.expected {
		sum += e.tp
	}
	return ratio(sum, float64(len(s.predicted)))
}

// realized are the metrics of rows of which the truth is known, those that are defined. As in NannyML, those of the
// predicted classes need two true and two predicted classes, and those of the order of scores every class.
func realized(rows performance.Classification) map[performance.Metric]float64 {
	values := map[performance.Metric]float64{}
	few := rows.Predicted != nil && (distinct(rows.Actual) < 2 || distinct(rows.Predicted) < 2)
	for _, m := range rows.Measure() {
		ofScores := m.Metric == performance.ROCAUC || m.Metric == performance.AveragePrecision
		if m.Undefined == "" && (ofScores || !few) {
			values[m.Metric] = m.Value
		}
	}
	return values
}

func part(c performance.Classification, chunk Chunk) performance.Classification {
	p := performance.Classification{Classes: c.Classes, Actual: c.Actual[chunk.From:chunk.To]}
	if c.Predicted != nil {
		p.Predicted = c.Predicted[chunk.From:chunk.To]
	}
	for _, column := range c.Scores {
		p.Scores = append(p.Scores, column[chunk.From:chunk.To])
	}
	return p
}

func indicators(codes []int32, class int32) []bool {
	is := make([]bool, len(codes))
	for i, c := range codes {
		is[i] = c == class
	}
	return is
}

func codes(positive []bool) []int32 {
	made := make([]int32, len(positive))
	for i, p := range positive {
		if p {
			made[i] = 1
		}
	}
	return made
}

func trues(values []bool) (n int) {
	for _, v := range values {
		if v {
			n++
		}
	}
	return n
}

func distinct(codes []int32) int {
	seen := map[int32]bool{}
	for _, c := range codes {
		seen[c] = true
	}
	return len(seen)
}

// meanAndDeviation are the mean and the standard deviation with divisor n.
func meanAndDeviation(values []float64) (mean, deviation float64) {
	n := float64(len(values))
	for _, v := range values {
		mean += v / n
	}
	for _, v := range values {
		deviation += (v - mean) * (v - mean) / n
	}
	return mean, math.Sqrt(deviation)
}
