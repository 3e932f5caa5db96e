package cli

import (
	"fmt"
	"strings"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

// printEvaluation prints measured performance; as JSON it can be passed on as a policy's input.
func (a *app) printEvaluation(e *driftv1.PerformanceEvaluation) error {
	if a.format != formatTable {
		return a.printMessage("evaluation", e)
	}
	if _, err := fmt.Fprintf(a.stdout, "%s\n\n", output.Clean(e.GetSummary())); err != nil {
		return err
	}
	grid := output.NewGrid("segment", "metric", "status", ">baseline", ">current", ">95 %", ">p", ">q", "test", "reason")
	changeRows(grid, "(all)", e.GetMetrics())
	for _, s := range e.GetSegments() {
		changeRows(grid, s.GetSegment(), s.GetMetrics())
	}
	if err := grid.Print(a.stdout, ""); err != nil {
		return err
	}
	if _, err := fmt.Fprintln(a.stdout); err != nil {
		return err
	}
	return output.Pairs(a.stdout, "", "rows", fmt.Sprintf("%d, %d", e.GetBaselineRowCount(), e.GetCurrentRowCount()),
		"left out", fmt.Sprintf("%d, %d", e.GetBaselineSkippedCount(), e.GetCurrentSkippedCount()), "classes", columnList(e.GetClasses()))
}

func changeRows(grid *output.Grid, segment string, changes []*driftv1.MetricChange) {
	for _, c := range changes {
		test := ""
		if c.GetTest() != driftv1.PerformanceTest_PERFORMANCE_TEST_UNSPECIFIED {
			test = strings.ToLower(enum(c.GetTest().String(), "PERFORMANCE_TEST_"))
		}
		before, after := c.GetBaseline(), c.GetCurrent()
		row := []string{segment, metricName(c.GetMetric()), statusName(c.GetStatus()), value(before.Value), value(after.Value), span(after.Low, after.High)}
		grid.Row(append(row, value(c.PValue), value(c.QValue), test, c.GetReason())...)
		segment = " "
	}
}

// printEstimation prints estimated performance.
func (a *app) printEstimation(e *driftv1.PerformanceEstimation) error {
	if a.format != formatTable {
		return a.printMessage("estimation", e)
	}
	if _, err := fmt.Fprintf(a.stdout, "%s\n\n", output.Clean(e.GetSummary())); err != nil {
		return err
	}
	grid := output.NewGrid(">rows", "metric", "status", ">estimate", ">band", ">thresholds", ">realized", "reason")
	for _, c := range e.GetChunks() {
		rows := fmt.Sprintf("%d to %d", c.GetFirstRow(), c.GetFirstRow()+c.GetRowCount()-1)
		for _, m := range c.GetMetrics() {
			row := []string{rows, metricName(m.GetMetric()), statusName(m.GetStatus()), value(m.Value), span(m.Low, m.High)}
			grid.Row(append(row, span(m.LowerThreshold, m.UpperThreshold), value(m.Realized), m.GetReason())...)
			rows = " "
		}
	}
	if err := grid.Print(a.stdout, ""); err != nil {
		return err
	}
	if _, err := fmt.Fprintln(a.stdout); err != nil {
		return err
	}
	pairs := []string{
		"rows", fmt.Sprintf("%d, %d", e.GetBaselineRowCount(), e.GetCurrentRowCount()),
		"left out", fmt.Sprintf("%d, %d", e.GetBaselineSkippedCount(), e.GetCurrentSkippedCount()),
	}
	for _, c := range e.GetCalibrations() {
		pairs = append(pairs, "calibration of "+c.GetClass(), c.GetReason())
	}
	for _, m := range e.GetErrorModels() {
		pairs = append(pairs, "explained of "+metricName(m.GetMetric()), output.Percent(m.GetExplained()))
	}
	return output.Pairs(a.stdout, "", pairs...)
}

func metricName(m driftv1.PerformanceMetric) string {
	return strings.ToLower(enum(m.String(), "PERFORMANCE_METRIC_"))
}

func span(low, high *float64) string {
	if low == nil || high == nil {
		return ""
	}
	return value(low) + " to " + value(high)
}

// value writes a number that may be unset.
func value(v *float64) string { return number(v) }
