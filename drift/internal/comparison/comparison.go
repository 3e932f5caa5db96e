// Package comparison owns the comparison of two samples that nothing is known of beforehand: which of their columns belong together, which
// tests are made, and what becomes of columns that only one side has or whose values changed their type. Nothing is kept. The data come from
// package sample, the statistics belong to package detect.
package comparison

import (
	"context"
	"slices"

	"github.com/aumos-enterprise/platform/drift/internal/detect"
	"github.com/aumos-enterprise/platform/drift/internal/sample"
)

// Feature is a column to compare.
type Feature struct {
	Name       string
	Type       detect.FeatureType
	Tests      []detect.TestSetting // empty: those that package recommend chooses for these data
	Constraint *detect.Constraint
	TimeZone   string // an IANA name; empty: UTC
	Importance *float64
	Embed      bool // of a TEXT feature: make vectors of its texts too
}

// Request says what is compared and how.
type Request struct {
	Features []Feature // empty: every column, as what it is
	Settings detect.Settings
	RowTests []detect.TestSetting
}

// Result is what a comparison found.
type Result struct {
	detect.Run

	BaselineRows, CurrentRows int64
	New, Removed              []string // columns that only the current data, or only the baseline, have
	Summary                   string
}

// Options say how either side is to be gathered.
func (r Request) Options(path string) sample.Options {
	o := sample.Options{Rows: len(r.RowTests) > 0, Path: path}
	for _, f := range r.Features {
		o.Features = append(o.Features, sample.Feature{Name: f.Name, Type: f.Type})
	}
	return o
}

// Compare makes the tests, those of whole rows first: then both sets are settled. Embeddings are what Embed made of the same data. It fails when the data do not suit the request, and with the error of ctx
// when that ends.
func (r Request) Compare(ctx context.Context, baseline, current sample.Set, embeddings Embeddings) (Result, error) {
	p := pairing{request: r, baseline: baseline, current: current, embeddings: embeddings}
	if err := p.match(); err != nil {
		return Result{}, err
	}
	run, err := detect.Evaluate(ctx, detect.Input{Rows: p.rows(), Settle: p.settle}, r.Settings)
	if err != nil {
		return Result{}, err
	}
	result := Result{Run: run, BaselineRows: baseline.Rows, CurrentRows: current.Rows, New: p.added, Removed: p.removed}
	result.Summary = detect.Summarize(run)
	if columns := p.incomparable(); len(columns) > 0 {
		if result.Status == detect.StatusOK || result.Status == detect.StatusNotApplicable {
			result.Status = detect.StatusWarning // what could not be compared was not found the same
		}
		result.Summary += " " + sentence(columns)
	}
	return result, nil
}

// incomparable lists the columns that should have been compared and stand on one side only: the baseline's, and those asked for by name.
func (p *pairing) incomparable() []string {
	columns := slices.Clone(p.removed)
	if len(p.request.Features) > 0 {
		columns = append(columns, p.added...)
	}
	return columns
}
