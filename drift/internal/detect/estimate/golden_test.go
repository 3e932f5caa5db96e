package estimate

import (
	"bytes"
	"compress/zlib"
	"encoding/json"
	"io"
	"math"
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/detect/goldentest"
	"github.com/aumos-enterprise/platform/drift/internal/detect/performance"
)

// The values in golden.json come from NannyML and scikit-learn through testdata/golden.py.
type golden struct {
	CBPE     []goldenRun
	DLE      map[performance.Metric][][]*float64
	Isotonic []struct {
		Seed      uint64
		N, Levels int
		At        []float64
	}
	Checks []struct {
		Seed          uint64
		N             int
		Bend          float64
		Tests         [][]int32
		Before, After float64
	}
	Curves []struct {
		Seed    uint64
		N       int
		AUC, AP float64
	}
}

type goldenRun struct {
	Name                 string
	Classes, N, M, Chunk int
	Seed                 uint64
	Bend, Cut            float64
	Reference, Analysis  []byte // of packed data sets
	Calibrated           []bool
	Estimates            map[string][][]*float64
}

func readGolden(t *testing.T) golden {
	t.Helper()
	return goldentest.Read[golden](t, "testdata/golden.json")
}

// The conversions keep the compiler from fusing, which Python does not.
func bent(s, bend float64) float64 { return s + float64(bend*(float64(s*s)-s)) }

func binary(seed uint64, n int, bend, cut float64) performance.Classification {
	u := goldentest.Uniform(seed, 2*n)
	c := performance.Classification{Classes: 2, Actual: make([]int32, n), Predicted: make([]int32, n), Scores: [][]float64{u[:n:n]}}
	for i := range n {
		if u[n+i] < bent(u[i], bend) {
			c.Actual[i] = 1
		}
		if u[i] >= cut {
			c.Predicted[i] = 1
		}
	}
	return c
}

func multiclass(seed uint64, n, k int, bend float64) performance.Classification {
	u := goldentest.Uniform(seed, (k+1)*n)
	c := performance.Classification{Classes: k, Actual: make([]int32, n), Predicted: make([]int32, n), Scores: make([][]float64, k)}
	for i := range k {
		c.Scores[i] = u[i*n : (i+1)*n : (i+1)*n]
	}
	for row := range n {
		total, bentTotal := 0.0, 0.0
		for i := range k {
			total += c.Scores[i][row]
		}
		for i := range k {
			c.Scores[i][row] /= total
			bentTotal += bent(c.Scores[i][row], bend)
			if c.Scores[i][row] > c.Scores[c.Predicted[row]][row] {
				c.Predicted[row] = int32(i)
			}
		}
		c.Actual[row] = int32(k - 1)
		low := 0.0
		for i := range k - 1 {
			high := low + bent(c.Scores[i][row], bend)/bentTotal
			if v := u[k*n+row]; v >= low && v < high {
				c.Actual[row] = int32(i)
			}
			low = high
		}
	}
	return c
}

// unpack reads the planes of a packed data set: scores in hundredths, then both classes.
func unpack(t *testing.T, data []byte, classes int) performance.Classification {
	t.Helper()
	reader, err := zlib.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	columns, bits := 1, 1
	if classes > 2 {
		columns, bits = classes, 2
	}
	n := len(rows) / (columns + 1)
	c := performance.Classification{Classes: classes, Scores: make([][]float64, columns)}
	for k := range columns {
		for _, v := range rows[k*n : (k+1)*n] {
			c.Scores[k] = append(c.Scores[k], float64(v)/100)
		}
	}
	for _, v := range rows[columns*n:] {
		c.Actual = append(c.Actual, int32(v>>bits))
		c.Predicted = append(c.Predicted, int32(v&(1<<bits-1)))
	}
	return c
}

func nearOrNil(got, want *float64, tolerance float64) bool {
	if got == nil || want == nil {
		return got == want
	}
	return goldentest.Near(*got, *want, tolerance)
}

var names = map[performance.Metric]string{
	performance.ROCAUC: "roc_auc", performance.AveragePrecision: "average_precision", performance.Accuracy: "accuracy",
	performance.F1: "f1", performance.Precision: "precision", performance.Recall: "recall", performance.Specificity: "specificity",
	performance.F1Macro: "f1", performance.PrecisionMacro: "precision", performance.RecallMacro: "recall", performance.SpecificityMacro: "specificity",
}

// TestCBPEGolden holds every number of every chunk against NannyML's, to 1e-12. The exceptions: NannyML resamples the
// sampling error of the average precision at random (25 %, and the band that it makes); and rows of one score, where
// NannyML takes the order in which its sort happens to leave them: the area's sampling error (1 %), and with three classes, where
// rows of one score have several probabilities, the area and the average precision themselves (1e-4).
func TestCBPEGolden(t *testing.T) {
	t.Parallel()
	for _, run := range readGolden(t).CBPE {
		t.Run(run.Name, func(t *testing.T) {
			t.Parallel()
			var reference, analysis performance.Classification
			switch {
			case run.Reference != nil:
				reference, analysis = unpack(t, run.Reference, run.Classes), unpack(t, run.Analysis, run.Classes)
			case run.Classes == 2:
				reference, analysis = binary(run.Seed, run.N, run.Bend, run.Cut), binary(run.Seed+1, run.M, run.Bend, run.Cut)
			default:
				reference, analysis = multiclass(run.Seed, run.N, run.Classes, run.Bend), multiclass(run.Seed+1, run.M, run.Classes, run.Bend)
			}
			classifier, err := FitClassifier(reference, run.Chunk)
			if err != nil {
				t.Fatal(err)
			}
			for k, c := range classifier.Calibrations() {
				if c.Needed != run.Calibrated[k] {
					t.Errorf("class %d: %+v, want needed %t", k, c, run.Calibrated[k])
				}
			}
			compared := 0
			for i, chunk := range Chunks(analysis.Rows(), run.Chunk) {
				estimates, err := classifier.Estimate(part(analysis, chunk))
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range estimates {
					want := run.Estimates[names[e.Metric]][i]
					tied := run.Reference != nil && (e.Metric == performance.ROCAUC || e.Metric == performance.AveragePrecision)
					value, tolerance := 1e-12, 1e-12
					if tied && run.Classes > 2 {
						value = 1e-4
					}
					if tied {
						tolerance = 0.01
					}
					if e.Metric == performance.AveragePrecision {
						tolerance = 0.25
					}
					if !nearOrNil(e.Value, want[0], value) || !nearOrNil(e.SamplingError, want[1], tolerance) || !nearOrNil(e.Realized, want[2], 1e-12) ||
						!nearOrNil(e.Low, want[3], tolerance) || !nearOrNil(e.High, want[4], tolerance) ||
						!nearOrNil(e.Lower, want[5], 1e-12) || !nearOrNil(e.Upper, want[6], 1e-12) || (e.Status == StatusAlert) != (*want[7] == 1) {
						got, _ := json.Marshal(e)
						expect, _ := json.Marshal(want)
						t.Errorf("chunk %d: %s, want %s", i, got, expect)
					}
					compared++
				}
			}
			if compared < 7 {
				t.Errorf("%d estimates were compared", compared)
			}
		})
	}
}

func TestIsotonicGolden(t *testing.T) {
	t.Parallel()
	for _, c := range readGolden(t).Isotonic {
		u := goldentest.Uniform(c.Seed, 3*c.N)
		scores, positive := make([]float64, c.N), make([]bool, c.N)
		for i := range c.N {
			scores[i], positive[i] = u[i], u[c.N+i] < float64(u[i]*u[i])
			if c.Levels > 0 {
				scores[i] = math.Floor(u[i]*float64(c.Levels)) / float64(c.Levels)
			}
		}
		f := FitIsotonic(scores, positive)
		at := append([]float64{-1, 0, 1, 2}, u[2*c.N:2*c.N+min(c.N, 40)]...)
		for i, want := range c.At {
			if got := f.At(at[i]); math.Abs(got-want) > 1e-13 {
				t.Errorf("seed %d: at %v: %v, want %v", c.Seed, at[i], got, want)
			}
		}
	}
}

// TestCheckGolden: the splits are scikit-learn's. After the fit scores are tied, in an order that NannyML leaves to its sort.
func TestCheckGolden(t *testing.T) {
	t.Parallel()
	for _, c := range readGolden(t).Checks {
		sample := binary(c.Seed, c.N, c.Bend, 0.5)
		positive := indicators(sample.Actual, 1)
		splits := stratified(positive)
		for s, want := range c.Tests {
			for i := range want {
				if splits[s].test[i] != want[i] {
					t.Fatalf("seed %d: row %d of split %d is %d, want %d", c.Seed, i, s, splits[s].test[i], want[i])
				}
			}
		}
		before, after := checkErrors(sample.Scores[0], positive, splits)
		if !goldentest.Near(before, c.Before, 1e-12) || !goldentest.Near(after, c.After, 0.05) {
			t.Errorf("seed %d: errors %v and %v, want %v and %v", c.Seed, before, after, c.Before, c.After)
		}
	}
}

func TestCurvesGolden(t *testing.T) {
	t.Parallel()
	for _, c := range readGolden(t).Curves {
		u := goldentest.Uniform(c.Seed, 2*c.N)
		probabilities := make([]float64, c.N)
		for i := range probabilities {
			probabilities[i] = u[i] * u[c.N+i]
		}
		if got, _ := area(u[:c.N], probabilities); !goldentest.Near(got, c.AUC, 1e-12) {
			t.Errorf("area %v, want %v", got, c.AUC)
		}
		if got, _ := averagePrecision(u[:c.N], probabilities); !goldentest.Near(got, c.AP, 1e-12) {
			t.Errorf("average precision %v, want %v", got, c.AP)
		}
	}
}

// regression makes errors that grow with the second feature, which is uniform from low to 1.
func regression(seed uint64, n int, low float64) ([]Column, performance.Regression) {
	u := goldentest.Uniform(seed, 3*n)
	features := []Column{{Numbers: u[:n:n]}, {Numbers: u[n : 2*n : 2*n]}}
	r := performance.Regression{Actual: make([]float64, n), Predicted: make([]float64, n)}
	for i := range n {
		features[1].Numbers[i] = low + float64((1-low)*u[n+i])
		r.Predicted[i] = 10 + float64(10*u[i])
		r.Actual[i] = r.Predicted[i] + float64((u[2*n+i]-0.5)*features[1].Numbers[i]*4)
	}
	return features, r
}

// TestDLEGolden holds everything but the estimate itself against NannyML's to 1e-9 (its deviations are summed in another order), and the estimate,
// which LightGBM makes there, to 5 %.
func TestDLEGolden(t *testing.T) {
	t.Parallel()
	want := readGolden(t).DLE
	features, reference := regression(601, 6000, 0)
	r, err := FitRegressor(t.Context(), features, reference, RegressionMetrics(), 500)
	if err != nil {
		t.Fatal(err)
	}
	features, current := regression(602, 2000, 0.5)
	for i, chunk := range Chunks(2000, 500) {
		cut := []Column{{Numbers: features[0].Numbers[chunk.From:chunk.To]}, {Numbers: features[1].Numbers[chunk.From:chunk.To]}}
		estimates, err := r.Estimate(cut, current.Predicted[chunk.From:chunk.To], current.Actual[chunk.From:chunk.To])
		if err != nil {
			t.Fatal(err)
		}
		if len(estimates) != len(want) {
			t.Fatalf("%d metrics, want %d", len(estimates), len(want))
		}
		for _, e := range estimates {
			w := want[e.Metric][i]
			if !nearOrNil(e.Value, w[0], 0.05) || !nearOrNil(e.SamplingError, w[1], 1e-9) || !nearOrNil(e.Realized, w[2], 1e-9) ||
				!nearOrNil(e.Lower, w[5], 1e-9) || !nearOrNil(e.Upper, w[6], 1e-9) || (e.Status == StatusAlert) != (*w[7] == 1) {
				got, _ := json.Marshal(e)
				expect, _ := json.Marshal(w)
				t.Errorf("chunk %d: %s, want %s", i, got, expect)
			}
			if !goldentest.Near(*e.Value, *e.Realized, 0.12) {
				t.Errorf("chunk %d: %s estimated %v, realized %v", i, e.Metric, *e.Value, *e.Realized)
			}
		}
	}
}
