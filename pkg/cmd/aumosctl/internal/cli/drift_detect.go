package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/table"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

const detectHelp = `Compares the rows of one file with those of another and says which columns have drifted.

The model and the monitor are made if there are none of these names; the baseline is uploaded and activated unless the monitor's active
baseline holds the same data. The detection, and everything else that changed, is recorded on the Audit Wall.

Files are CSV (RFC 4180, UTF-8, with a header) or Parquet. Empty values and NA, N/A, NaN, NULL in any case are missing; --missing names
others instead. The types of a Parquet file's columns decide what they are. A column of a CSV baseline is
  boolean      if each of its values is true or false, in any case
  numeric      if each is a decimal number not written like a code (00501); integers too, however few are distinct
  categorical  otherwise
and --type says differently. A column that is numbers in nine values of ten and not in the rest is refused until --type or --missing says
what the rest is, as is one without any value. Booleans are read from true/false, t/f, yes/no, y/n and 1/0.

Numeric columns are tested with Kolmogorov-Smirnov (ks) and others with chi-square (chi2) unless --test or --tests says what else; the change of missing
values is tested always. A column drifts if a test is significant after correction for all tests of the run
(Benjamini-Hochberg) and its effect is at least the smallest that matters.

Exit codes: 0 OK, 1 DRIFT, 2 neither (WARNING, INSUFFICIENT_DATA, ERROR: only OK says that nothing was found), 3 failure.`

const detectExample = `  aumosctl drift detect --baseline winter.csv --current summer.csv
  aumosctl drift detect --baseline q1.parquet --current q2.parquet --model churn --ignore customer_id --type region=categorical \
      --test income=psi:psi/decile-ref --min-effect income=0.2 --receipt q2.tlog-proof
  aumosctl drift detect --baseline winter.csv --current summer.csv -o json | aumosctl decision eval --decision-point drift.retrain --input -`

// detectOptions are the flags, and below what parse makes of them.
type detectOptions struct {
	baseline, current        string
	model, monitor           string
	task, owner              string
	types, tests, minEffects []string
	allTests                 string
	ignore, missing          []string
	fdr                      float64
	minRows, minDrifted      int32
	wait                     time.Duration
	summary                  bool
	files                    resultFiles
	given                    func(flag string) bool

	choice        table.Choice
	rule          driftv1.DecisionRule // only what was given
	columnTests   map[string][]*driftv1.TestSetting
	columnEffects map[string]float64
	everyEffect   *float64
	all           []*driftv1.TestSetting // by --tests
}

func (a *app) driftDetectCommand() *cobra.Command {
	var o detectOptions
	cmd := &cobra.Command{
		Use: "detect --baseline FILE --current FILE", Short: "Compare two files by a monitor, and record the detection on the Audit Wall", Long: detectHelp, Example: detectExample, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.given = cmd.Flags().Changed
			return a.driftDetect(cmd.Context(), &o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.baseline, "baseline", "", "the file to compare with")
	f.StringVar(&o.current, "current", "", "the file to judge")
	f.StringVar(&o.model, "model", "", "the model's name (default: the baseline's file name)")
	f.StringVar(&o.monitor, "monitor", "", "the monitor's name (default: the model's name)")
	f.StringVar(&o.task, "task", "binary_classification", "what a new model predicts: "+strings.Join(taskNames(), ", "))
	f.StringVar(&o.owner, "owner", "", "who answers for a new model: a team or a pseudonym (default: the profile's client id)")
	f.StringArrayVar(&o.types, "type", nil, "COLUMN=numeric|categorical|boolean; may be repeated")
	f.StringArrayVar(&o.ignore, "ignore", nil, "a column to leave out; may be repeated")
	f.StringArrayVar(&o.missing, "missing", nil, "what stands for a missing value, besides the empty value; may be repeated (default NA, N/A, NaN, NULL)")
	f.StringArrayVar(&o.tests, "test", nil, "COLUMN=TEST or COLUMN=TEST:CONVENTION, as aumosctl drift tests lists them; may be repeated, also for one column")
	f.StringVar(&o.allTests, "tests", "", "TEST,... or TEST:CONVENTION,... for every other column that they apply to")
	f.StringArrayVar(&o.minEffects, "min-effect", nil, "the smallest effect that matters, for all columns or as COLUMN=EFFECT; may be repeated (default 0.1)")
	f.Float64Var(&o.fdr, "fdr", 0, "the accepted share of false discoveries among reported drifts (default 0.05)")
	f.Int32Var(&o.minRows, "min-rows", 0, "the fewest values on either side for a test to be run (default 30)")
	f.Int32Var(&o.minDrifted, "min-drifted-features", 0, "the fewest drifted columns for the data set to count as drifted (default 1)")
	f.DurationVar(&o.wait, "wait", 10*time.Second, "how long to wait for the receipt of the evidence")
	f.BoolVar(&o.summary, "summary", false, "leave the columns' results out of the JSON")
	o.files.flags(cmd)
	for _, name := range []string{"baseline", "current"} {
		_ = cmd.MarkFlagRequired(name) // fails for unknown flags only
		_ = cmd.MarkFlagFilename(name, "csv", "parquet")
	}
	return cmd
}

func (a *app) driftDetect(ctx context.Context, o *detectOptions) error {
	if err := o.parse(); err != nil {
		return err
	}
	baseline, err := table.Open(o.baseline, o.missing)
	if err != nil {
		return err
	}
	current, err := table.Open(o.current, o.missing)
	if err != nil {
		return err
	}
	bar := output.NewBar(a.stderr, "reading "+filepath.Base(o.baseline))
	columns, rows, err := baseline.Infer(ctx, o.choice, bar.Set)
	bar.Done()
	if err != nil {
		return err
	}
	if err := a.matchColumns(current, columns, o.choice.Ignore); err != nil {
		return err
	}
	clients, err := a.driftClients(ctx)
	if err != nil {
		return err
	}
	defer clients.close()
	applies, err := a.applicable(ctx, clients, o.all)
	if err != nil {
		return err
	}
	features, err := o.features(columns, applies)
	if err != nil {
		return err
	}
	monitor, err := a.ensureMonitor(ctx, clients, o, features)
	if err != nil {
		return err
	}
	if err := a.ensureBaseline(ctx, clients, monitor, baseline, columns, rows, o.missing); err != nil {
		return err
	}
	detection, err := a.runDetection(ctx, clients, monitor, current, columns)
	if err != nil {
		return err
	}
	detection = a.awaitEvidence(ctx, clients, detection, o.wait)
	return a.reportDetection(detection, o.files, o.summary)
}

// matchColumns checks that the current file has the baseline's columns, and says which of its own are left out.
func (a *app) matchColumns(current *table.Table, columns []table.Feature, ignored []string) error {
	absent, extra := current.Missing(columns)
	if len(absent) > 0 {
		return fmt.Errorf("%s lacks columns of the baseline: %s; leave a column out of both with --ignore", current.Path(), strings.Join(absent, ", "))
	}
	extra = slices.DeleteFunc(extra, func(name string) bool { return slices.Contains(ignored, name) })
	if len(extra) > 0 {
		a.note("note: the baseline does not have these columns of %s, which are left out: %s", current.Path(), strings.Join(extra, ", "))
	}
	return nil
}

// exitCode is the answer that a verdict stands for.
func exitCode(status driftv1.DriftStatus) error {
	switch status {
	case driftv1.DriftStatus_DRIFT_STATUS_OK:
		return nil
	case driftv1.DriftStatus_DRIFT_STATUS_DRIFT:
		return answer(exitNo)
	default:
		return answer(exitUnclear)
	}
}

// awaitEvidence asks for the detection until its evidence is recorded or the time is over. Whatever goes wrong meanwhile, the detection
// stands; the evidence is recorded later.
func (a *app) awaitEvidence(ctx context.Context, clients *driftClients, d *driftv1.Detection, wait time.Duration) *driftv1.Detection {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for pause := 100 * time.Millisecond; d.GetEvidence().GetState() != driftv1.EvidenceState_EVIDENCE_STATE_RECORDED; pause = min(2*pause, time.Second) {
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return d
		case <-timer.C:
		}
		res, err := call(ctx, a, clients.detections.GetDetection, &driftv1.GetDetectionRequest{DetectionId: d.GetId()})
		if err != nil {
			if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
				a.note("note: waiting for the receipt: %s", output.Describe(err, a.requestID).Message)
			}
			return d
		}
		d = res.GetDetection()
	}
	return d
}
