package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/table"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

const performanceHelp = `Measures how good a model's predictions are in two files, and tests whether they got worse. Nothing is kept or recorded.

Files are CSV or Parquet, with a row for each prediction: --label names the column of the truth, --prediction that of the predicted class or value,
--score the probability of a class as CLASS=COLUMN: for a binary classifier once, that of the positive class, else once for each class. --segment
measures the rows of each value of a column apart too.

With --estimate the truth of the current file need not be known: a classifier's performance is estimated from its scores, a regression's from the
columns named by --feature, chunk by chunk. An estimate sees what changed inputs do to the performance, and not a changed relation between inputs and truth.

Exit codes: 0 OK, 1 DRIFT (worse by as much as matters), 2 neither, 3 failure.`

const performanceExample = `  aumosctl drift performance q1.csv q2.csv --label repaid --prediction approved --score true=score --segment region
  aumosctl drift performance q1.csv q2.csv --task regression --label price --prediction predicted
  aumosctl drift performance q1.csv q2.csv --estimate --label repaid --prediction approved --score true=score --chunk-rows 5000 -o json`

// performanceOptions are the flags.
type performanceOptions struct {
	task, label, prediction, positive, segment string
	scores, features, missing                  []string
	estimate                                   bool
	fdr, minChange                             float64
	minRows, permutations, chunkRows           int32
	seed                                       uint64
	given                                      func(flag string) bool
}

func (a *app) driftPerformanceCommand() *cobra.Command {
	var o performanceOptions
	cmd := &cobra.Command{
		Use: "performance BASELINE CURRENT", Short: "Measure or estimate how good predictions are", Long: performanceHelp, Example: performanceExample, Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.given = cmd.Flags().Changed
			return a.driftPerformance(cmd.Context(), &o, args[0], args[1])
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.task, "task", "", "binary, multiclass or regression (default: by the number of scores)")
	f.StringVar(&o.label, "label", "", "the column of the truth (required)")
	f.StringVar(&o.prediction, "prediction", "", "the column of the predicted class or value")
	f.StringArrayVar(&o.scores, "score", nil, "CLASS=COLUMN with the class's probability; may be repeated")
	f.StringVar(&o.positive, "positive", "", "the positive class (default: that of the score, else true or 1)")
	f.StringVar(&o.segment, "segment", "", "a column by whose values rows are measured apart too")
	f.BoolVar(&o.estimate, "estimate", false, "estimate the current performance without its truth")
	f.StringArrayVar(&o.features, "feature", nil, "with --estimate, of a regression: a column to learn the size of the errors from; may be repeated")
	f.Int32Var(&o.chunkRows, "chunk-rows", 0, "with --estimate: rows of a chunk (default a tenth of the baseline)")
	f.StringArrayVar(&o.missing, "missing", nil, "what stands for a missing value, besides the empty value; may be repeated (default NA, N/A, NaN, NULL)")
	f.Float64Var(&o.fdr, "fdr", 0, "the accepted share of false discoveries among reported changes (default 0.05)")
	f.Float64Var(&o.minChange, "min-change", 0, "the smallest change to the worse that matters (default 0.02 of metrics from 0 to 1, 5 % of others)")
	f.Int32Var(&o.minRows, "min-rows", 0, "the fewest rows on either side for a verdict (default 30)")
	f.Int32Var(&o.permutations, "permutations", 0, "permutations behind a p-value of few rows (default 999)")
	f.Uint64Var(&o.seed, "seed", 0, "starts every random draw")
	return cmd
}

func (a *app) driftPerformance(ctx context.Context, o *performanceOptions, before, after string) error {
	out, err := o.output()
	if err != nil {
		return err
	}
	var files [2]*table.Table
	var columns [2][]table.Feature
	for i, path := range []string{before, after} {
		if files[i], err = table.Open(path, o.missing); err != nil {
			return err
		}
		if columns[i], err = a.outputColumns(ctx, files[i], o.columns(out), columns[0]); err != nil {
			return err
		}
	}
	clients, err := a.driftClients(ctx)
	if err != nil {
		return err
	}
	defer clients.close()
	if o.estimate {
		return a.estimatePerformance(ctx, clients, o, out, files, columns)
	}
	return a.evaluatePerformance(ctx, clients, o, out, files, columns)
}

// output reads the flags that say where the model's output is.
func (o *performanceOptions) output() (*driftv1.ModelOutput, error) {
	if len(o.missing) == 0 {
		o.missing = table.DefaultMissing()
	}
	out := &driftv1.ModelOutput{Actual: o.label, Predicted: o.prediction, PositiveClass: o.positive}
	switch {
	case o.label == "":
		return nil, errors.New("--label is required: the column of the truth")
	case o.estimate && (o.segment != "" || o.given("fdr") || o.given("min-change") || o.given("min-rows") || o.given("permutations") || o.given("seed")):
		return nil, errors.New("--segment, --fdr, --min-change, --min-rows, --permutations and --seed are for measuring: leave them out with --estimate")
	case !o.estimate && (len(o.features) > 0 || o.given("chunk-rows")):
		return nil, errors.New("--feature and --chunk-rows are for --estimate")
	}
	for _, text := range o.scores {
		i := strings.LastIndex(text, "=") // a class's name may hold one
		if i < 1 || i == len(text)-1 {
			return nil, fmt.Errorf("--score %s: say CLASS=COLUMN, the class and the column of its probability", text)
		}
		class, column := text[:i], text[i+1:]
		out.Scores = append(out.Scores, &driftv1.ClassScore{Class: class, Column: column})
	}
	switch {
	case o.task == "binary", o.task == "" && len(o.scores) == 1:
		out.Task = driftv1.ModelTask_MODEL_TASK_BINARY_CLASSIFICATION
	case o.task == "multiclass", o.task == "" && len(o.scores) > 1:
		out.Task = driftv1.ModelTask_MODEL_TASK_MULTICLASS_CLASSIFICATION
	case o.task == "regression":
		out.Task = driftv1.ModelTask_MODEL_TASK_REGRESSION
	case o.task == "":
		return nil, errors.New("--task is needed where there is no --score: binary, multiclass or regression")
	default:
		return nil, fmt.Errorf("--task %q is none of binary, multiclass, regression", o.task)
	}
	return out, nil
}

// columns are those that are sent.
func (o *performanceOptions) columns(out *driftv1.ModelOutput) []string {
	names := []string{out.GetActual()}
	for _, name := range append([]string{out.GetPredicted(), o.segment}, o.features...) {
		if name != "" {
			names = append(names, name)
		}
	}
	for _, score := range out.GetScores() {
		names = append(names, score.GetColumn())
	}
	return names
}

// outputColumns infers the wanted columns of a file; where the other file's are known already, of their kinds if they can be. What is missing the server tells.
func (a *app) outputColumns(ctx context.Context, t *table.Table, wanted []string, other []table.Feature) ([]table.Feature, error) {
	bar := output.NewBar(a.stderr, "reading "+filepath.Base(t.Path()))
	defer bar.Done()
	choice := table.Choice{Kinds: map[string]table.Kind{}, Like: map[string]table.Kind{}}
	for _, f := range other {
		choice.Like[f.Name] = f.Kind
	}
	for _, name := range t.Columns() {
		if !slices.Contains(wanted, name) {
			choice.Ignore = append(choice.Ignore, name)
		}
	}
	if len(choice.Ignore) == len(t.Columns()) {
		return nil, fmt.Errorf("%s has none of the columns %s", t.Path(), columnList(wanted))
	}
	features, _, err := t.Infer(ctx, choice, bar.Set)
	return features, err
}

func (a *app) evaluatePerformance(ctx context.Context, clients *driftClients, o *performanceOptions, out *driftv1.ModelOutput, files [2]*table.Table, columns [2][]table.Feature) error {
	header := &driftv1.PerformanceHeader{Output: out, Segment: o.segment, Seed: o.seed}
	for flag, set := range map[string]func(){
		"fdr": func() { header.FalseDiscoveryRate = &o.fdr }, "min-change": func() { header.MinChange = &o.minChange },
		"min-rows": func() { header.MinRows = &o.minRows }, "permutations": func() { header.Permutations = &o.permutations },
	} {
		if o.given(flag) {
			set()
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stream, err := clients.performances.EvaluatePerformance(ctx)
	if err != nil {
		return err
	}
	err = stream.Send(&driftv1.EvaluatePerformanceRequest{Part: &driftv1.EvaluatePerformanceRequest_Header{Header: header}})
	err = a.sendSides(ctx, err, files, columns, func(batch *driftv1.ComparisonBatch) error {
		return stream.Send(&driftv1.EvaluatePerformanceRequest{Part: &driftv1.EvaluatePerformanceRequest_Batch{Batch: batch}})
	})
	if err != nil {
		return err
	}
	res, err := lastAnswer(ctx, a, cancel, files[1], stream.CloseAndRecv)
	if err != nil {
		return err
	}
	if err := a.printEvaluation(res.GetEvaluation()); err != nil {
		return err
	}
	return exitCode(res.GetEvaluation().GetStatus())
}

func (a *app) estimatePerformance(ctx context.Context, clients *driftClients, o *performanceOptions, out *driftv1.ModelOutput, files [2]*table.Table, columns [2][]table.Feature) error {
	header := &driftv1.EstimationHeader{Output: out, Features: o.features}
	if o.given("chunk-rows") {
		header.ChunkRows = &o.chunkRows
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stream, err := clients.performances.EstimatePerformance(ctx)
	if err != nil {
		return err
	}
	err = stream.Send(&driftv1.EstimatePerformanceRequest{Part: &driftv1.EstimatePerformanceRequest_Header{Header: header}})
	err = a.sendSides(ctx, err, files, columns, func(batch *driftv1.ComparisonBatch) error {
		return stream.Send(&driftv1.EstimatePerformanceRequest{Part: &driftv1.EstimatePerformanceRequest_Batch{Batch: batch}})
	})
	if err != nil {
		return err
	}
	res, err := lastAnswer(ctx, a, cancel, files[1], stream.CloseAndRecv)
	if err != nil {
		return err
	}
	if err := a.printEstimation(res.GetEstimation()); err != nil {
		return err
	}
	return exitCode(res.GetEstimation().GetStatus())
}

// sendSides streams both files, after a header that was sent with err. A server that has answered already is no error here: the answer says why.
func (a *app) sendSides(
	ctx context.Context, err error, files [2]*table.Table, columns [2][]table.Feature, send func(*driftv1.ComparisonBatch) error,
) error {
	for i := 0; i < len(files) && err == nil; i++ {
		bar := output.NewBar(a.stderr, "sending "+filepath.Base(files[i].Path()))
		_, err = files[i].Batches(ctx, columns[i], batchLimits, bar.Set, func(batch table.Batch) error {
			return send(&driftv1.ComparisonBatch{Side: driftv1.ComparisonSide(i + 1), Rows: columnBatch(batch)})
		})
		bar.Done()
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// lastAnswer receives the answer to a stream. --timeout counts from the last batch on.
func lastAnswer[T any](ctx context.Context, a *app, cancel context.CancelCauseFunc, last *table.Table, receive func() (T, error)) (T, error) {
	if a.timeout > 0 {
		timer := time.AfterFunc(a.timeout, func() { cancel(errNoAnswer) })
		defer timer.Stop()
	}
	res, err := receive()
	if err != nil && errors.Is(context.Cause(ctx), errNoAnswer) {
		return res, fmt.Errorf("no answer within %s after the last row of %s: allow more with --timeout", a.timeout, last.Path())
	}
	return res, err
}
