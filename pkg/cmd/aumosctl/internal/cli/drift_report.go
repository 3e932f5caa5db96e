package cli

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

// resultFiles are the files that a detection's evidence is written to.
type resultFiles struct {
	receipt, document string
}

func (f *resultFiles) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.receipt, "receipt", "", "write the receipt of the evidence to this file (a .tlog-proof, which audit verify checks)")
	cmd.Flags().StringVar(&f.document, "document", "", "write the exact JSON document to this file, whose SHA-256 is on the Audit Wall")
}

// reportDetection prints a detection, writes the files that were asked for and returns the exit code that its verdict stands for.
func (a *app) reportDetection(d *driftv1.Detection, files resultFiles, summary bool) error {
	if err := a.printDetection(d, summary); err != nil {
		return err
	}
	if files.document != "" {
		if sum := sha256.Sum256(d.GetDocument()); string(sum[:]) != string(d.GetDocumentSha256()) {
			return fmt.Errorf("the document has the SHA-256 %x, not %x as recorded: it is not written", sum, d.GetDocumentSha256())
		}
		if err := os.WriteFile(files.document, d.GetDocument(), 0o644); err != nil { // evidence is for others to read
			return err
		}
	}
	if files.receipt != "" {
		if d.GetEvidence().GetReceipt() == "" {
			return fmt.Errorf("the evidence is not recorded yet: get the receipt later with aumosctl drift get %s --receipt %s", d.GetId(), files.receipt)
		}
		if err := os.WriteFile(files.receipt, []byte(d.GetEvidence().GetReceipt()), 0o644); err != nil { // evidence is for others to read
			return err
		}
	}
	return exitCode(d.GetStatus())
}

// printDetection prints the detection. As JSON it can be passed on as a policy's input, so the document, which repeats it all, is left out.
func (a *app) printDetection(d *driftv1.Detection, summary bool) error {
	if a.format != formatTable {
		omit := []protoreflect.Name{"document"}
		if summary {
			omit = append(omit, "features")
		}
		return a.printMessage("detection", d, omit...)
	}
	if _, err := fmt.Fprintf(a.stdout, "%s: %d of %s drifted; severity %.2f; %s of %s\n\n", statusName(d.GetStatus()), d.GetDriftedFeatureCount(),
		plural(d.GetFeatureCount(), "feature"), d.GetSeverity(), plural(d.GetRowCount(), "row"), output.Clean(d.GetDescription())); err != nil {
		return err
	}
	grid := featureGrid()
	for _, f := range d.GetFeatures() {
		featureRows(grid, f)
	}
	if err := grid.Print(a.stdout, ""); err != nil {
		return err
	}
	if _, err := fmt.Fprintln(a.stdout); err != nil {
		return err
	}
	return output.Pairs(a.stdout, "", "detection", d.GetId(),
		"baseline", fmt.Sprintf("%s (fingerprint %s)", d.GetBaselineId(), short(d.GetBaselineFingerprintSha256())),
		"document", "sha256:"+hex.EncodeToString(d.GetDocumentSha256()), "evidence", evidenceLine(d))
}

func evidenceLine(d *driftv1.Detection) string {
	e := d.GetEvidence()
	if e.GetState() != driftv1.EvidenceState_EVIDENCE_STATE_RECORDED {
		return fmt.Sprintf("entry %s, queued: aumosctl drift get %s shows when it is on the wall", e.GetEntryId(), d.GetId())
	}
	receipt := "receipt at hand"
	if e.GetReceipt() == "" {
		receipt = "no receipt yet"
	}
	return fmt.Sprintf("index %d on the wall, entry %s, %s", e.GetLeafIndex(), e.GetEntryId(), receipt)
}

// featureGrid is what featureRows fills.
func featureGrid() *output.Grid {
	return output.NewGrid("feature", "status", "test", ">statistic", ">p", ">q", ">effect", ">minimum", "direction", ">missing", ">n", "change")
}

// featureRows adds a row for each test of a feature. The missing-rate test is shown when it found something; the rates are shown always.
func featureRows(grid *output.Grid, f *driftv1.FeatureResult) {
	name, change := f.GetFeature(), changeText(f)
	missing := output.Percent(f.GetBaselineMissingRate()) + " → " + output.Percent(f.GetCurrentMissingRate())
	if f.GetType() == driftv1.FeatureType_FEATURE_TYPE_UNSPECIFIED { // of whole rows none is missing
		missing = ""
	}
	add := func(row ...string) {
		grid.Row(append([]string{name}, append(row, change)...)...)
		name, change, missing = " ", " ", " "
	}
	for _, t := range f.GetTests() {
		quiet := t.GetStatus() == driftv1.DriftStatus_DRIFT_STATUS_OK || t.GetStatus() == driftv1.DriftStatus_DRIFT_STATUS_INSUFFICIENT_DATA
		if t.GetTest() == driftv1.DriftTest_DRIFT_TEST_MISSING_RATE && quiet && len(f.GetTests()) > 1 {
			continue
		}
		if unanswered(t.GetStatus()) && change == " " {
			change = t.GetReason()
		}
		add(statusName(t.GetStatus()), testName(t), number(t.Statistic), number(t.PValue), number(t.QValue), number(t.Effect),
			output.Number(t.GetMinEffect()), directionName(t.GetDirection()), missing,
			fmt.Sprintf("%d/%d", t.GetBaselineCount(), t.GetCurrentCount()))
	}
	if len(f.GetTests()) == 0 {
		add(statusName(f.GetStatus()), "", "", "", "", "", "", "", missing, "")
	}
}

func directionName(d driftv1.DriftDirection) string {
	if d == driftv1.DriftDirection_DRIFT_DIRECTION_UNSPECIFIED {
		return ""
	}
	return strings.ToLower(enum(d.String(), "DRIFT_DIRECTION_"))
}

// testName names the test and how its p-value was computed.
func testName(t *driftv1.TestResult) string {
	name := shortName(t.GetTest())
	if t.GetPValueMethod() == driftv1.PValueMethod_P_VALUE_METHOD_UNSPECIFIED {
		return name
	}
	return name + " " + strings.ToLower(enum(t.GetPValueMethod().String(), "P_VALUE_METHOD_"))
}

// changeText says in a few words how a feature changed.
func changeText(f *driftv1.FeatureResult) string {
	if unanswered(f.GetStatus()) {
		return f.GetReason()
	}
	if b, c := f.GetBaselineSummary(), f.GetCurrentSummary(); b != nil && c != nil {
		if b.GetMedian() == c.GetMedian() {
			return fmt.Sprintf("mean %s → %s", quantity(b.GetMean()), quantity(c.GetMean()))
		}
		return fmt.Sprintf("median %s → %s", quantity(b.GetMedian()), quantity(c.GetMedian()))
	}
	var parts []string
	if len(f.GetUnseenCategories()) > 0 {
		parts = append(parts, "new: "+few(f.GetUnseenCategories()))
	}
	if len(f.GetVanishedCategories()) > 0 {
		parts = append(parts, "gone: "+few(f.GetVanishedCategories()))
	}
	if len(parts) == 0 && len(f.GetTopChanges()) > 0 {
		top := f.GetTopChanges()[0]
		for _, change := range f.GetTopChanges() {
			if f.GetType() == driftv1.FeatureType_FEATURE_TYPE_BOOLEAN && change.GetName() == "true" {
				top = change // false is the rest
			}
		}
		parts = append(parts, fmt.Sprintf("%s %s → %s", top.GetName(), output.Percent(top.GetBaselineShare()), output.Percent(top.GetCurrentShare())))
	}
	return strings.Join(parts, "; ")
}

// unanswered reports whether a verdict is the lack of one, of which the reason is what matters.
func unanswered(status driftv1.DriftStatus) bool {
	return status == driftv1.DriftStatus_DRIFT_STATUS_ERROR || status == driftv1.DriftStatus_DRIFT_STATUS_INSUFFICIENT_DATA ||
		status == driftv1.DriftStatus_DRIFT_STATUS_NOT_APPLICABLE
}

// few names the first of some categories.
func few(names []string) string {
	const most = 3
	if len(names) <= most {
		return strings.Join(names, " ")
	}
	return fmt.Sprintf("%s … (%d)", strings.Join(names[:most], " "), len(names))
}

func number(x *float64) string {
	if x == nil {
		return ""
	}
	return output.Number(*x)
}

// quantity writes a value of a feature.
func quantity(x float64) string { return fmt.Sprintf("%.5g", x) }
