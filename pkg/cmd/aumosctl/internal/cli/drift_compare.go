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
	"google.golang.org/protobuf/proto"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/table"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

const compareHelp = `Compares the columns of one file with those of another. Nothing is kept or recorded, and no monitor is needed: see drift detect for that.

Files are CSV or Parquet and columns of the kinds that drift detect infers, or timestamps (every value is an ISO 8601 time or date), vectors (every
value is a JSON array of as many numbers, or a list of them) and texts (three words or more on average, and mostly distinct): --type says
differently. The current file's columns are taken as the baseline's are wherever their values can be, and where they cannot, the change of type is drift. Columns that only one file has are reported; that the baseline's are
missing is at least a WARNING.

Unless tests are named, the server chooses them by type, number of rows and distinct values, as drift recommend tells. --feature compares the
named columns only: COLUMN:TYPE or COLUMN:TYPE:TEST,TEST with TYPE one of numeric, categorical, boolean, text, timestamp (ISO 8601, UTC
unless it says otherwise), vector and TEST a test, or TEST:CONVENTION, of those that drift tests lists.

--constraint says what a column's values must be, as COLUMN:min=NUMBER, COLUMN:max=NUMBER, COLUMN:allowed=VALUE (once for each), COLUMN:pattern=RE2
(of the whole value), COLUMN:format=json or COLUMN:unique; breaches are counted on both sides and tested.

--embed has vectors made of a text column's meaning, of at most 2,000 texts of either file, if the server has an embedding service: the texts are
sent there. Tests of vectors (mmd, centroid_shift, domain_classifier and so on) can then be made on the column, by --feature or --tests, and are unless
tests are named.

Exit codes: 0 OK, 1 DRIFT, 2 neither (WARNING, INSUFFICIENT_DATA, ERROR, NOT_APPLICABLE: only OK says that nothing was found), 3 failure.`

const compareExample = `  aumosctl drift compare winter.csv summer.csv
  aumosctl drift compare winter.csv summer.csv --feature temp:numeric:ks,psi:psi/decile-ref --feature carrier:categorical -o json
  aumosctl drift compare q1.parquet q2.parquet --ignore customer_id --tests psi --fdr 0.01
  aumosctl drift compare before.csv after.csv --feature embedding:vector --feature answer:text --constraint answer:format=json
  aumosctl drift compare before.csv after.csv --feature answer:text:text_length,mmd --embed answer`

// compareOptions are the flags, and below what parse makes of them.
type compareOptions struct {
	features, types, ignore, missing []string
	tests, rowTests                  string
	importances                      []string
	constraints, zones, embeds       []string
	fdr                              float64
	minRows, minDrifted              int32
	permutations                     int32
	given                            func(flag string) bool

	choice table.Choice
	named  []*driftv1.ComparedFeature // by --feature
	kinds  map[string]table.Kind      // of those
	all    []*driftv1.TestSetting     // by --tests
	header *driftv1.ComparisonHeader
}

func (a *app) driftCompareCommand() *cobra.Command {
	o := compareOptions{header: &driftv1.ComparisonHeader{}}
	cmd := &cobra.Command{
		Use: "compare BASELINE CURRENT", Short: "Compare two files without keeping anything", Long: compareHelp, Example: compareExample, Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.given = cmd.Flags().Changed
			return a.driftCompare(cmd.Context(), &o, args[0], args[1])
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&o.features, "feature", nil, "COLUMN:TYPE[:TEST,...], to compare the named columns only; may be repeated")
	f.StringArrayVar(&o.types, "type", nil, "COLUMN=numeric|categorical|boolean|text|timestamp|vector; may be repeated")
	f.StringArrayVar(&o.ignore, "ignore", nil, "a column to leave out; may be repeated")
	f.StringArrayVar(&o.missing, "missing", nil, "what stands for a missing value, besides the empty value; may be repeated (default NA, N/A, NaN, NULL)")
	f.StringVar(&o.tests, "tests", "", "TEST,... for every column that they apply to")
	f.StringVar(&o.rowTests, "row-tests", "", "TEST,... of whole rows")
	f.StringArrayVar(&o.importances, "importance", nil, "COLUMN=NUMBER, how much it matters to the model; may be repeated (default 1)")
	f.StringArrayVar(&o.constraints, "constraint", nil, "COLUMN:KEY=VALUE, what its values must be; may be repeated")
	f.StringArrayVar(&o.zones, "time-zone", nil, "COLUMN=ZONE, where the hours of a timestamp are meant, as Europe/Berlin; may be repeated (default UTC)")
	f.StringArrayVar(&o.embeds, "embed", nil, "a text column whose texts are embedded too, by the server's embedding service, for tests of vectors; may be repeated")
	f.Float64Var(&o.fdr, "fdr", 0, "the accepted share of false discoveries among reported drifts (default 0.05)")
	f.Int32Var(&o.minRows, "min-rows", 0, "the fewest values on either side for a test to be run (default 30)")
	f.Int32Var(&o.minDrifted, "min-drifted-features", 0, "the fewest drifted columns for the data set to count as drifted (default 1)")
	f.Int32Var(&o.permutations, "permutations", 0, "re-labelled samples behind a p-value that has no other source (default 999)")
	f.Uint64Var(&o.header.Seed, "seed", 0, "starts every random draw")
	return cmd
}

func (a *app) driftCompare(ctx context.Context, o *compareOptions, before, after string) error {
	if err := o.parse(); err != nil {
		return err
	}
	baseline, err := table.Open(before, o.missing)
	if err != nil {
		return err
	}
	current, err := table.Open(after, o.missing)
	if err != nil {
		return err
	}
	if err := o.namesColumns(baseline, current); err != nil {
		return err
	}
	old, err := a.compared(ctx, baseline, o, nil)
	if err != nil {
		return err
	}
	fresh, err := a.compared(ctx, current, o, old)
	if err != nil {
		return err
	}
	if err := a.matches(o, files{baseline, current}, old, fresh); err != nil {
		return err
	}
	clients, err := a.driftClients(ctx)
	if err != nil {
		return err
	}
	defer clients.close()
	if err := a.completeHeader(ctx, clients, o, old, fresh); err != nil {
		return err
	}
	comparison, err := a.sendComparison(ctx, clients, o.header, files{baseline, current}, [2][]table.Feature{old, fresh})
	if err != nil {
		return err
	}
	if err := a.printCompared(comparison); err != nil {
		return err
	}
	return exitCode(comparison.GetStatus())
}

// namesColumns refuses a feature that neither file has, and features of which one file has none.
func (o *compareOptions) namesColumns(files ...*table.Table) error {
	for _, file := range files {
		if len(o.named) > 0 && !slices.ContainsFunc(file.Columns(), func(name string) bool { _, named := o.kinds[name]; return named }) {
			return fmt.Errorf("%s has none of the columns of --feature: it has %s", file.Path(), strings.Join(file.Columns(), ", "))
		}
	}
	for _, f := range o.named {
		if !slices.ContainsFunc(files, func(t *table.Table) bool { return slices.Contains(t.Columns(), f.GetName()) }) {
			return fmt.Errorf("--feature %s: neither file has such a column: %s has %s", f.GetName(), files[0].Path(), strings.Join(files[0].Columns(), ", "))
		}
	}
	return nil
}

// files are the baseline and the current one.
type files [2]*table.Table

// matches refuses files that have no column in common, and tells of columns that changed their type for what.
func (a *app) matches(o *compareOptions, files files, old, fresh []table.Feature) error {
	common := false
	for _, f := range fresh {
		i := slices.IndexFunc(old, func(of table.Feature) bool { return of.Name == f.Name })
		common = common || i >= 0
		if i >= 0 && f.Unlike != "" {
			a.note("note: %s is %s in %s, not %s as in the baseline: %s", f.Name, f.Kind, files[1].Path(), old[i].Kind, f.Unlike)
		}
	}
	if !common && len(o.named) == 0 {
		return fmt.Errorf("no column is in both files: %s has %s; %s has %s: do both have a header, and commas between the values?", files[0].Path(),
			strings.Join(files[0].Columns(), ", "), files[1].Path(), strings.Join(files[1].Columns(), ", "))
	}
	return nil
}

// compared returns the columns of a file that are compared; where the other file's are known already, of their kinds if they can be.
func (a *app) compared(ctx context.Context, t *table.Table, o *compareOptions, other []table.Feature) ([]table.Feature, error) {
	bar := output.NewBar(a.stderr, "reading "+filepath.Base(t.Path()))
	defer bar.Done()
	choice := table.Choice{Kinds: map[string]table.Kind{}, Like: map[string]table.Kind{}, Rich: true}
	for _, f := range other {
		choice.Like[f.Name] = f.Kind
	}
	here := make(map[string]bool)
	for _, name := range t.Columns() {
		here[name] = true
		if kind, named := o.kinds[name]; named && other == nil {
			choice.Kinds[name] = kind
		} else if len(o.named) > 0 && !named {
			choice.Ignore = append(choice.Ignore, name)
		}
	}
	for name, kind := range o.choice.Kinds {
		if here[name] || other == nil {
			choice.Kinds[name] = kind
		}
	}
	for _, name := range o.choice.Ignore {
		if here[name] || other == nil {
			choice.Ignore = append(choice.Ignore, name)
		}
	}
	features, _, err := t.Infer(ctx, choice, bar.Set)
	return features, err
}

// sendComparison streams both files and returns the answer. --timeout counts from the last batch on.
func (a *app) sendComparison(
	ctx context.Context, clients *driftClients, header *driftv1.ComparisonHeader, files files, columns [2][]table.Feature,
) (*driftv1.Comparison, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stream, err := clients.detections.Compare(ctx)
	if err != nil {
		return nil, err
	}
	err = stream.Send(&driftv1.CompareRequest{Part: &driftv1.CompareRequest_Header{Header: header}})
	for i := 0; i < len(files) && err == nil; i++ {
		bar := output.NewBar(a.stderr, "sending "+filepath.Base(files[i].Path()))
		_, err = files[i].Batches(ctx, columns[i], batchLimits, bar.Set, func(batch table.Batch) error {
			rows := &driftv1.ComparisonBatch{Side: driftv1.ComparisonSide(i + 1), Rows: columnBatch(batch)}
			return stream.Send(&driftv1.CompareRequest{Part: &driftv1.CompareRequest_Batch{Batch: rows}})
		})
		bar.Done()
	}
	if err != nil && !errors.Is(err, io.EOF) { // io.EOF means that the server has answered already: the answer says why
		return nil, err
	}
	if a.timeout > 0 {
		timer := time.AfterFunc(a.timeout, func() { cancel(errNoAnswer) })
		defer timer.Stop()
	}
	res, err := stream.CloseAndRecv()
	if err != nil && errors.Is(context.Cause(ctx), errNoAnswer) {
		return nil, fmt.Errorf("no answer within %s after the last row of %s: allow more with --timeout", a.timeout, files[1].Path())
	}
	return res.GetComparison(), err
}

// sameFeature is how --tests makes a feature of a column.
func sameFeature(column table.Feature, tests []*driftv1.TestSetting) *driftv1.ComparedFeature {
	f := &driftv1.ComparedFeature{Name: column.Name, Type: featureType(column.Kind)}
	for _, test := range tests {
		f.Tests = append(f.Tests, proto.CloneOf(test))
	}
	return f
}
