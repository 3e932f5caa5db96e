package cli

import (
	"fmt"
	"strings"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

// printCompared prints a comparison; as JSON it can be passed on as a policy's input.
func (a *app) printCompared(c *driftv1.Comparison) error {
	if a.format != formatTable {
		return a.printMessage("comparison", c)
	}
	if _, err := fmt.Fprintf(a.stdout, "%s\n\n", output.Clean(c.GetSummary())); err != nil {
		return err
	}
	grid := featureGrid()
	for _, f := range c.GetFeatures() {
		featureRows(grid, f)
	}
	if len(c.GetRowTests()) > 0 {
		featureRows(grid, &driftv1.FeatureResult{Feature: "(rows)", Tests: c.GetRowTests()})
	}
	if err := grid.Print(a.stdout, ""); err != nil {
		return err
	}
	if _, err := fmt.Fprintln(a.stdout); err != nil {
		return err
	}
	pairs := []string{
		"rows", fmt.Sprintf("%d, %d", c.GetBaselineRowCount(), c.GetCurrentRowCount()), "new columns", columnList(c.GetNewColumns()),
		"removed columns", columnList(c.GetRemovedColumns()), "contributions", contributions(c),
	}
	for _, f := range c.GetFeatures() {
		if e := f.GetEmbedding(); e != nil {
			pairs = append(pairs, "embedded", fmt.Sprintf("%s: %d, %d texts by %s", f.GetFeature(), e.GetBaselineCount(), e.GetCurrentCount(), e.GetModel()))
		}
	}
	return output.Pairs(a.stdout, "", pairs...)
}

// contributions names the features that have most to do with the drift.
func contributions(c *driftv1.Comparison) string {
	var parts []string
	for _, f := range c.GetContributions() {
		var shares []string
		if f.GetMarginalShare() > 0 {
			shares = append(shares, output.Percent(f.GetMarginalShare()))
		}
		if f.GetJointShare() > 0 {
			shares = append(shares, output.Percent(f.GetJointShare())+" jointly")
		}
		if len(shares) > 0 {
			parts = append(parts, f.GetFeature()+" "+strings.Join(shares, ", "))
		}
	}
	if len(parts) == 0 {
		return "none"
	}
	const most = 5
	text := strings.Join(parts[:min(len(parts), most)], "; ")
	if more := len(parts) - most; more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return text
}

func columnList(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
