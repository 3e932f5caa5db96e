package estimate

import "github.com/aumos-enterprise/platform/drift/internal/detect/performance"

// Calibration tells whether the scores of a class are turned into probabilities by an isotonic fit, and why.
type Calibration struct {
	Needed bool
	Reason string

	// Before and After are the expected calibration errors on the pooled test parts; 0 when not computed.
	Before, After float64

	fit Isotonic
}

// certain is the area under the ROC curve beyond which scores separate the classes so well that a fit could only harm.
const certain = 0.999

// calibrate fits the map for one class. The fit is used only when it lowers the
// calibration error on data it was not fitted on: ten times a tenth of the rows is held out, and the
// errors of the pooled held-out rows are compared. NannyML puts rows of one fitted probability in the order that its sort leaves them in, so that
// where the two errors are near each other it may decide otherwise. One class only, an area above 0.999 or fewer than 20 rows need none.
func calibrate(scores []float64, positive []bool) Calibration {
	if len(scores) < 20 {
		return Calibration{Reason: "fewer than 20 rows"}
	}
	area, defined := performance.AreaOf(scores, positive)
	switch {
	case !defined:
		return Calibration{Reason: "only one class occurs"}
	case area > certain:
		return Calibration{Reason: "the scores separate the classes"}
	}
	var c Calibration
	c.Before, c.After = checkErrors(scores, positive, stratified(positive))
	if c.Needed = c.Before > c.After; !c.Needed {
		c.Reason = "a fit does not lower the calibration error"
		return c
	}
	c.Reason = "a fit lowers the calibration error"
	c.fit = FitIsotonic(scores, positive)
	return c
}

// checkErrors are the calibration errors of the pooled test rows, as they are and after a fit on the training rows.
func checkErrors(scores []float64, positive []bool, splits []split) (before, after float64) {
	var raw, fitted []float64
	var truth []bool
	for _, s := range splits {
		f := FitIsotonic(pick(scores, s.train), pick(positive, s.train))
		for _, i := range s.test {
			raw, fitted, truth = append(raw, scores[i]), append(fitted, f.At(scores[i])), append(truth, positive[i])
		}
	}
	before, _ = performance.CalibrationErrorOf(raw, truth)
	after, _ = performance.CalibrationErrorOf(fitted, truth)
	return before, after
}

// at is the calibrated probability of a score.
func (c Calibration) at(score float64) float64 {
	if !c.Needed {
		return score
	}
	return c.fit.At(score)
}

func pick[T any](column []T, rows []int32) []T {
	picked := make([]T, len(rows))
	for i, row := range rows {
		picked[i] = column[row]
	}
	return picked
}
