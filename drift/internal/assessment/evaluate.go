package assessment

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"runtime/debug"
	"slices"

	"github.com/aumos-enterprise/platform/drift/internal/detect"
	"github.com/aumos-enterprise/platform/drift/internal/detect/performance"
	"github.com/aumos-enterprise/platform/drift/internal/parallel"
	"github.com/aumos-enterprise/platform/drift/internal/sample"
	"github.com/aumos-enterprise/platform/pkg/errs"
)

// Change is a metric on both sides with its verdict.
type Change struct {
	performance.Change

	Q         *float64
	Effect    *float64 // absolute for metrics from 0 to 1, relative for others
	MinEffect float64
	Status    detect.Status
	Reason    string
}

// Part is the metrics of all rows, or of a segment.
type Part struct {
	Segment string
	Status  detect.Status
	Changes []Change

	baselineRows, currentRows int
}

// Evaluated is how the performance changed.
type Evaluated struct {
	Part

	Segments                  []Part // by name
	BaselineRows, CurrentRows int64
	BaselineSkipped           int64
	CurrentSkipped            int64
	PValues                   int
	Classes                   []string
	Summary                   string
}

// Evaluate measures both sides and tests whether the current one is worse. It fails when the data do not suit the request, and with the error of ctx when that ends.
func (e Evaluation) Evaluate(ctx context.Context, baseline, current sample.Set) (Evaluated, error) {
	e = e.withDefaults()
	b, c := newSide("baseline", baseline), newSide("current", current)
	before, after, classes, err := e.read(b, c, false)
	if err != nil {
		return Evaluated{}, err
	}
	segments, beforeOf, afterOf, err := e.segments(b, c, before, after)
	if err != nil {
		return Evaluated{}, err
	}
	parts := make([]Part, 1+len(segments)) // all rows first
	failures := make([]error, len(parts))
	err = parallel.Each(ctx, len(parts), func(i int) {
		defer func() { // in a goroutine of its own, a panic would end the service
			if r := recover(); r != nil {
				failures[i] = fmt.Errorf("measure part %d: panic: %v\n%s", i, r, debug.Stack())
			}
		}()
		first, second := before.sample, after.sample
		if i > 0 {
			parts[i].Segment = segments[i-1]
			first, second = first.Pick(beforeOf[i-1]), second.Pick(afterOf[i-1])
		}
		parts[i].baselineRows, parts[i].currentRows = first.Rows(), second.Rows()
		var changes []performance.Change
		changes, failures[i] = performance.Compare(ctx, first, second, e.Permutations, e.Seed+uint64(i))
		for _, change := range changes {
			parts[i].Changes = append(parts[i].Changes, Change{Change: change})
		}
	})
	if err != nil {
		return Evaluated{}, err
	}
	for _, failure := range failures {
		if failure != nil {
			return Evaluated{}, fmt.Errorf("evaluate performance: %w", failure) // read has checked the samples
		}
	}
	made := Evaluated{
		BaselineRows: int64(before.sample.Rows()), CurrentRows: int64(after.sample.Rows()), BaselineSkipped: before.skipped, CurrentSkipped: after.skipped,
		Classes: classes, PValues: e.judge(parts),
	}
	made.Part, made.Segments = parts[0], parts[1:]
	for _, s := range made.Segments {
		if s.Status != detect.StatusInsufficientData { // a segment of few rows takes nothing from the verdict on all
			made.Status = worse(made.Status, s.Status)
		}
	}
	made.Summary = made.narrate()
	return made, nil
}

func (e Evaluation) withDefaults() Evaluation {
	e.FDR = cmp.Or(e.FDR, defaultFDR)
	e.MinRows = cmp.Or(e.MinRows, defaultMinRows)
	e.Permutations = cmp.Or(e.Permutations, defaultPermutations)
	return e
}

// segments groups the usable rows by the names of the segment column. Rows without a name belong to none.
func (e Evaluation) segments(b, c side, before, after rows) (names []string, beforeOf, afterOf [][]int32, err error) {
	if e.Segment == "" {
		return nil, nil, nil, nil
	}
	first, err := b.labels(e.Segment, "header.segment")
	if err != nil {
		return nil, nil, nil, err
	}
	second, err := c.labels(e.Segment, "header.segment")
	if err != nil {
		return nil, nil, nil, err
	}
	names = append(first.used(), second.used()...)
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) > maxSegments {
		return nil, nil, nil, errs.New(errs.InvalidArgument, errs.ReasonCardinalityTooHigh, "the column %q has more than %d segments", e.Segment, maxSegments).
			With("column", e.Segment).Field("header.segment", "names a column of more than %d different values", maxSegments)
	}
	index := make(map[string]int32, len(names))
	for i, name := range names {
		index[name] = int32(i)
	}
	group := func(l labels, r rows) [][]int32 {
		codes, groups := l.recode(index), make([][]int32, len(names))
		for i, row := range r.usable {
			if s := codes[row]; s >= 0 {
				groups[s] = append(groups[s], int32(i))
			}
		}
		return groups
	}
	return names, group(first, before), group(second, after), nil
}

// judge corrects the p-values of all parts together and makes the verdicts; it returns how many there are. The micro F1 is the accuracy once more, and does not count.
func (e Evaluation) judge(parts []Part) (tested int) {
	var family []*Change
	var p []float64
	for i := range parts {
		enough := int64(min(parts[i].baselineRows, parts[i].currentRows)) >= e.MinRows
		for k := range parts[i].Changes {
			c := &parts[i].Changes[k]
			c.MinEffect = e.minEffect(c.Current.Metric)
			switch {
			case !enough:
				c.Status, c.Reason = detect.StatusInsufficientData, fmt.Sprintf("the baseline has %d usable rows and the current data %d, %d are needed", parts[i].baselineRows, parts[i].currentRows, e.MinRows)
			case c.Baseline.Undefined != "":
				c.Status, c.Reason = detect.StatusNotApplicable, "undefined in the baseline: "+c.Baseline.Undefined
			case !c.Defined: // the baseline has it
				c.Status, c.Reason = detect.StatusInsufficientData, "undefined in the current data: "+c.Current.Undefined
			default:
				c.Effect = effect(c.Change)
				family = append(family, c)
				if c.Current.Metric != performance.F1Micro {
					p = append(p, c.P)
				} else {
					p = append(p, math.NaN())
				}
			}
		}
	}
	for i, q := range detect.AdjustBH(p) {
		if !math.IsNaN(q) {
			family[i].Q = &q
			tested++
		}
	}
	for i := range parts {
		for k := range parts[i].Changes {
			c := &parts[i].Changes[k]
			if c.Status == "" {
				e.verdict(c, parts[i].Changes)
			}
		}
		parts[i].Status = detect.StatusOK
		for _, c := range parts[i].Changes {
			parts[i].Status = worse(parts[i].Status, c.Status)
		}
	}
	return tested
}

// verdict of a metric that was tested.
func (e Evaluation) verdict(c *Change, all []Change) {
	if c.Q == nil { // the micro F1
		for _, other := range all {
			if other.Current.Metric == performance.Accuracy {
				c.Q, c.Status, c.Reason = other.Q, other.Status, other.Reason
			}
		}
		return
	}
	c.Status = detect.StatusOK
	if *c.Q > e.FDR {
		return
	}
	size := "the change is significant"
	switch {
	case c.Difference == 0:
	case !c.Worse():
		c.Reason = "significantly better"
	case c.Effect == nil || *c.Effect >= c.MinEffect:
		c.Status, c.Reason = detect.StatusDrift, size+", to the worse, and as large as matters"
	case *c.Effect >= c.MinEffect/2:
		c.Status, c.Reason = detect.StatusWarning, size+", to the worse, and at least half as large as matters"
	default:
		c.Reason = size + ", to the worse, and too small to matter"
	}
}

func (e Evaluation) minEffect(m performance.Metric) float64 {
	if m.Unit() {
		return cmp.Or(e.MinChange, defaultMinChange)
	}
	return cmp.Or(e.MinChange, defaultMinRelative)
}

// effect is the size of a change; nil when the baseline's value is 0 and the metric has no range: any change is then infinitely large.
func effect(c performance.Change) *float64 {
	d := math.Abs(c.Difference)
	if c.Current.Metric.Unit() {
		return &d
	}
	relative := d / math.Abs(c.Baseline.Value)
	if relative-relative != 0 {
		return nil
	}
	return &relative
}

// worse of two statuses. What does not apply is no worse than OK.
func worse(a, b detect.Status) detect.Status {
	order := []detect.Status{detect.StatusOK, detect.StatusNotApplicable, detect.StatusWarning, detect.StatusInsufficientData, detect.StatusError, detect.StatusDrift}
	if b != detect.StatusNotApplicable && slices.Index(order, b) > slices.Index(order, a) {
		return b
	}
	return a
}
