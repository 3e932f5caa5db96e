package performance

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/aumos-enterprise/platform/drift/internal/detect/contingency"
	"github.com/aumos-enterprise/platform/drift/internal/detect/permutation"
	"github.com/aumos-enterprise/platform/drift/internal/detect/tail"
)

// Test names how a change was tested.
type Test string

// The tests. All are two-sided.
const (
	// TestProportions is the two-proportion z test, or Fisher's exact one for few rows.
	TestProportions Test = "TWO_PROPORTIONS"

	// TestWelch is B. L. Welch's t test (1947) of the rows' losses.
	TestWelch Test = "WELCH_T"

	// TestZ divides the difference by its standard error: DeLong's for areas under the
	// ROC curve, that of the delta method otherwise.
	TestZ Test = "Z"

	// TestCalibration is a chi-square test of equal mean residuals in the baseline's bins.
	TestCalibration Test = "CALIBRATION_CHI_SQUARE"

	// TestPermutation permutes the studentised difference between the sides (E. Chung and J. P. Romano, 2013).
	TestPermutation Test = "PERMUTATION"
)

// Rows below which a side's tests are made by permutation, and the rows of the other side that take part.
const (
	permutationBelow = 500
	permutationOther = 1500
)

// Change compares a metric between two samples.
type Change struct {
	Baseline, Current Measure

	// The rest is 0 when a side is undefined.
	Defined    bool
	Difference float64 // current − baseline
	P          float64
	Test       Test
	Exact      bool // P is of Fisher's exact test
}

// Worse tells whether the metric moved to the worse.
func (c Change) Worse() bool { return c.Difference*float64(c.Current.Metric.Better()) < 0 }

// Compare measures both samples and tests, metric by metric, the null
// hypothesis that both are draws of a population with the same value. Rows must be independent.
//
// Shares of rows are compared by the two-proportion test, mean losses by
// Welch's, other metrics by z. With fewer than 500 rows on a side the latter
// two are made by permuting the sides of the rows; of the larger side
// 1,500 rows then take part, drawn with the seed. The intervals and values are of all rows.
//
// It returns an error that wraps ErrBadSample for samples that cannot be used or compared, and that
// of ctx when it ends: permuting many classes takes minutes, and stops between two permutations.
func Compare(ctx context.Context, baseline, current Sample, permutations int, seed uint64) ([]Change, error) {
	for side, s := range map[string]Sample{"baseline": baseline, "current": current} {
		if err := s.Validate(); err != nil {
			return nil, fmt.Errorf("%s: %w", side, err)
		}
	}
	if _, ok := baseline.Pick(nil).join(current.Pick(nil)); !ok {
		return nil, fmt.Errorf("the samples differ in kind, classes or columns: %w", ErrBadSample)
	}
	before, after := baseline.Measure(), current.Measure()
	changes := make([]Change, len(before))
	for i := range before {
		changes[i] = change(before[i], after[i])
	}
	if b, ok := baseline.(Classification); ok && b.Scores != nil {
		c, _ := current.(Classification)
		for i := range changes {
			if changes[i].Defined && changes[i].Current.Metric == CalibrationError {
				changes[i].Test, changes[i].P = TestCalibration, calibrationP(b.confidence(b.rankings()), c.confidence(c.rankings()))
			}
		}
	}
	if min(baseline.Rows(), current.Rows()) < permutationBelow {
		if err := permute(ctx, changes, baseline, current, permutations, seed); err != nil {
			return nil, err
		}
	}
	return changes, nil
}

func change(baseline, current Measure) Change {
	c := Change{Baseline: baseline, Current: current}
	if baseline.Undefined != "" || current.Undefined != "" {
		return c
	}
	c.Defined = true
	c.Difference = current.Value - baseline.Value
	if baseline.hits >= 0 {
		c.Test = TestProportions
		rate, err := contingency.Proportions(baseline.hits, baseline.Rows, current.hits, current.Rows)
		if err != nil {
			c.Defined = false // rows beyond 2^53
			return c
		}
		c.P, c.Exact = rate.P, rate.Exact
		return c
	}
	t := studentised(baseline, current)
	if baseline.Interval == IntervalStudent {
		c.Test, c.P = TestWelch, tail.Student(t*t, welchDF(baseline, current))
		return c
	}
	c.Test, c.P = TestZ, tail.Normal(t)
	return c
}

// studentised is the difference on the metric's scale by its standard error. A side whose
// score is perfect has no variance of its own; it gets that of a share with two successes and two failures
// more (A. Agresti and B. A. Coull, 1998).
func studentised(baseline, current Measure) float64 {
	difference := current.scale - baseline.scale
	if difference == 0 {
		return 0
	}
	return difference / math.Sqrt(baseline.spread()+current.spread())
}

func (m Measure) spread() float64 {
	if m.variance > 0 || !m.Metric.Unit() {
		return m.variance
	}
	n := float64(m.least) + 4
	v := (m.scale*float64(m.least) + 2) / n
	return v * (1 - v) / n
}

// welchDF are the degrees of freedom by F. E. Satterthwaite (1946).
func welchDF(a, b Measure) float64 {
	n, m := float64(a.Rows), float64(b.Rows)
	sum := a.variance + b.variance
	if sum == 0 || n < 2 || m < 2 {
		return 1
	}
	x, y := a.variance/sum, b.variance/sum
	return 1 / (x*x/(n-1) + y*y/(m-1))
}

// permute replaces the p-values that rest on large samples. A permutation whose metric is undefined
// counts as one at least as extreme, which can only raise the p-value.
func permute(ctx context.Context, changes []Change, baseline, current Sample, permutations int, seed uint64) error {
	rng := permutation.Rand(seed, "performance")
	sides := [2]Sample{baseline, current}
	for i, s := range sides {
		if s.Rows() > permutationOther {
			rows := identity(s.Rows())
			rng.Shuffle(len(rows), func(a, b int) { rows[a], rows[b] = rows[b], rows[a] })
			rows = rows[:permutationOther]
			slices.Sort(rows)
			sides[i] = s.Pick(rows)
		}
	}
	before, after := sides[0].Measure(), sides[1].Measure()
	observed, exceed := make([]float64, len(changes)), make([]int, len(changes))
	for i := range changes {
		if before[i].Undefined == "" && after[i].Undefined == "" {
			observed[i] = math.Abs(studentised(before[i], after[i]))
		}
	}
	pooled, _ := sides[0].join(sides[1])
	rows, n := identity(pooled.Rows()), sides[0].Rows()
	for range permutations {
		if err := ctx.Err(); err != nil {
			return err
		}
		rng.Shuffle(len(rows), func(a, b int) { rows[a], rows[b] = rows[b], rows[a] })
		before, after := pooled.Pick(rows[:n]).Measure(), pooled.Pick(rows[n:]).Measure()
		for i := range changes {
			undefined := before[i].Undefined != "" || after[i].Undefined != ""
			if undefined || math.Abs(studentised(before[i], after[i])) >= observed[i]*(1-1e-12) {
				exceed[i]++
			}
		}
	}
	for i := range changes {
		if changes[i].Defined && (changes[i].Test == TestWelch || changes[i].Test == TestZ) {
			changes[i].Test, changes[i].P = TestPermutation, permutation.PValue(exceed[i], permutations)
		}
	}
	return nil
}

func identity(n int) []int32 {
	rows := make([]int32, n)
	for i := range rows {
		rows[i] = int32(i)
	}
	return rows
}
