// Package assessment owns the assessment of a model's output: how good its predictions are where the truth is known, whether they got worse
// since a baseline, and how good they probably are where it is not known yet. It reads the columns of two samples as outputs, and makes verdicts. Nothing
// is kept. The data come from package sample, the statistics belong to the packages performance and estimate of detect.
package assessment

import (
	"fmt"

	"github.com/aumos-enterprise/platform/drift/internal/detect"
	"github.com/aumos-enterprise/platform/drift/internal/model"
	"github.com/aumos-enterprise/platform/drift/internal/sample"
	"github.com/aumos-enterprise/platform/pkg/errs"
)

// Defaults of a Request.
const (
	defaultFDR          = detect.DefaultFDR
	defaultMinRows      = detect.DefaultMinRows
	defaultPermutations = detect.DefaultPermutations

	// defaultMinChange is the smallest change that matters of metrics from 0 to 1: two points are what teams commonly act on.
	defaultMinChange = 0.02
	// defaultMinRelative is that of the others, by the baseline's value.
	defaultMinRelative = 0.05
)

// maxSegments bounds the segments of both sides together.
const maxSegments = 50

// maxChunks bounds the chunks of an estimation, so that the answer fits into one message.
const maxChunks = 2000

// Score is the column with the probability of a class.
type Score struct{ Class, Column string }

// Output says which columns hold what the model said and what was true.
type Output struct {
	Task      model.Task // BinaryClassification, MulticlassClassification or Regression
	Actual    string
	Predicted string // empty: none
	Scores    []Score
	Positive  string // class of a binary classifier; empty: see positive
}

// Evaluation asks how the performance changed. Zero values stand for defaults.
type Evaluation struct {
	Output

	Segment      string // a column; empty: none
	FDR          float64
	MinChange    float64
	MinRows      int64
	Permutations int
	Seed         uint64
}

// Estimation asks how good the current predictions probably are.
type Estimation struct {
	Output

	Features  []string // of a regression
	ChunkRows int      // 0: a tenth of the baseline
}

// columns lists the output's columns, and where in the header each is named.
func (o Output) columns() (names, fields []string) {
	names, fields = []string{o.Actual}, []string{"header.output.actual"}
	if o.Predicted != "" {
		names, fields = append(names, o.Predicted), append(fields, "header.output.predicted")
	}
	for i, s := range o.Scores {
		names, fields = append(names, s.Column), append(fields, fmt.Sprintf("header.output.scores[%d].column", i))
	}
	return names, fields
}

// check fails with the field that cannot be meant.
func (o Output) check(also, alsoFields []string) error {
	names, fields := o.columns()
	seen := make(map[string]bool)
	for i, name := range names {
		if seen[name] {
			return errs.InvalidField(fields[i], "names the column %q a second time", name)
		}
		seen[name] = true
	}
	for i, name := range also {
		if name == o.Actual {
			return errs.InvalidField(alsoFields[i], "is the column of the truth")
		}
	}
	switch {
	case o.Task == model.Regression && o.Predicted == "":
		return errs.InvalidField("header.output.predicted", "is required for a regression")
	case o.Task == model.Regression && (len(o.Scores) > 0 || o.Positive != ""):
		return errs.InvalidField("header.output.scores", "a regression has neither scores nor classes")
	case o.Task != model.Regression && o.Predicted == "" && len(o.Scores) == 0:
		return errs.InvalidField("header.output.predicted", "name the column of the prediction, or those of scores")
	case o.Task == model.BinaryClassification && len(o.Scores) > 1:
		return errs.InvalidField("header.output.scores", "a binary classifier has one column of scores, that of the positive class")
	case o.Task == model.MulticlassClassification && len(o.Scores) == 1:
		return errs.InvalidField("header.output.scores", "a score for each class is needed, or none")
	case o.Task == model.MulticlassClassification && o.Positive != "":
		return errs.InvalidField("header.output.positive_class", "is for binary classifiers only")
	case len(o.Scores) == 1 && o.Positive != "" && o.Positive != o.Scores[0].Class:
		return errs.InvalidField("header.output.positive_class", "differs from the class of the score")
	}
	classes := make(map[string]bool)
	for i, s := range o.Scores {
		if classes[s.Class] {
			return errs.InvalidField(fmt.Sprintf("header.output.scores[%d].class", i), "stands twice")
		}
		classes[s.Class] = true
	}
	return nil
}

// Check fails with the field of the header that cannot be meant.
func (e Evaluation) Check() error {
	if e.Segment == "" {
		return e.Output.check(nil, nil)
	}
	return e.Output.check([]string{e.Segment}, []string{"header.segment"})
}

// Check fails with the field of the header that cannot be meant.
func (e Estimation) Check() error {
	fields := make([]string, len(e.Features))
	for i := range fields {
		fields[i] = fmt.Sprintf("header.features[%d]", i)
	}
	if err := e.Output.check(e.Features, fields); err != nil {
		return err
	}
	if e.Task != model.Regression {
		if len(e.Scores) == 0 {
			return errs.InvalidField("header.output.scores", "a classifier's performance is estimated from its scores")
		}
		if len(e.Features) > 0 {
			return errs.InvalidField("header.features", "are for a regression only")
		}
	}
	return nil
}

// Options say how either side is to be gathered.
func (e Evaluation) Options(path string) sample.Options {
	names, _ := e.columns()
	if e.Segment != "" {
		names = append(names, e.Segment)
	}
	return options(path, names)
}

// Options say how either side is to be gathered.
func (e Estimation) Options(path string) sample.Options {
	names, _ := e.columns()
	return options(path, append(names, e.Features...))
}

func options(path string, names []string) sample.Options {
	o := sample.Options{Rows: true, Plain: true, Path: path}
	for _, name := range names {
		o.Features = append(o.Features, sample.Feature{Name: name}) // of whatever type the values are
	}
	return o
}
