package detection

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/drift/internal/baseline"
	"github.com/aumos-enterprise/platform/drift/internal/detect"
	"github.com/aumos-enterprise/platform/drift/internal/monitor"
	"github.com/aumos-enterprise/platform/drift/internal/sample"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// run compares n features, the later ones the more severe, with long category names.
func run(n int) Run {
	r := Run{
		Monitor:   monitor.Monitor{ID: uuid.New(), ModelID: uuid.New(), Name: "m", Rule: monitor.Rule{FalseDiscoveryRate: 0.05, MinRows: 2, MinDriftedFeatures: 1}},
		Baseline:  baseline.Baseline{ID: uuid.New(), Number: 3, RowCount: 1000, FingerprintSHA256: make([]byte, 32)},
		Reference: sample.Set{Rows: 1000}, Current: sample.Set{Rows: 1000}, Engine: "test",
	}
	for i := range n {
		name := fmt.Sprintf("f%03d", i)
		r.Monitor.Features = append(r.Monitor.Features, monitor.Feature{Name: name, Type: detect.Categorical})
		before, after := map[string]int64{}, map[string]int64{}
		for j := range int64(10) {
			before[fmt.Sprint(j, strings.Repeat("<", 1000))] = 100
			after[fmt.Sprint(j, strings.Repeat("<", 1000))] = 100
		}
		for j := range 10 {
			step := int64(i%90) + 1
			if j%2 == 0 {
				step = -step
			}
			after[fmt.Sprint(j, strings.Repeat("<", 1000))] += step
		}
		r.Current.Samples = append(r.Current.Samples, sample.Sample{Rows: 1000, Counts: after})
		// The reference has its features in another order.
		r.Reference.Features = append([]sample.Feature{{Name: name, Type: detect.Categorical}}, r.Reference.Features...)
		r.Reference.Samples = append([]sample.Sample{{Rows: 1000, Counts: before}}, r.Reference.Samples...)
	}
	return r
}

func TestEvaluate(t *testing.T) {
	t.Parallel()
	ctx := tenant.NewContext(t.Context(), tenant.ID(uuid.New()))
	r := run(3)
	d, err := r.Evaluate(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if d.DocumentSHA256 != sha256.Sum256(d.Document) || !json.Valid(d.Document) || bytes.HasSuffix(d.Document, []byte("\n")) {
		t.Errorf("got %s", d.Document)
	}
	if bytes.Contains(d.Document, []byte(`\u003c`)) {
		t.Error("the document has escapes that are for HTML")
	}
	features, err := d.Features()
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range features {
		if f.Baseline.Rows != 1000 || f.Explanation == nil || i > 0 && f.Severity > features[i-1].Severity {
			t.Errorf("feature %d: got %+v", i, f)
		}
	}
	r.Description = "\x00"
	if _, err := r.Evaluate(ctx); errs.ReasonOf(err) != errs.ReasonInvalidField {
		t.Errorf("got %v", err)
	}
	r = run(3)
	r.Reference.Features[0].Name = "other"
	if _, err := r.Evaluate(ctx); err == nil {
		t.Error("compared with a baseline that lacks a feature")
	}
}

// TestExplanationBudget has more to explain than fits: the most severe features keep their explanation.
func TestExplanationBudget(t *testing.T) {
	t.Parallel()
	d, err := run(500).Evaluate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	features, err := d.Features()
	if err != nil {
		t.Fatal(err)
	}
	kept, dropped := 0, 0
	for _, f := range features {
		switch {
		case f.Explanation == nil:
			dropped++
		case dropped > 0:
			t.Errorf("feature %s kept its explanation, a more severe one did not", f.Name)
		default:
			kept++
		}
	}
	if kept == 0 || dropped == 0 || len(d.Document) > 3<<20 {
		t.Errorf("%d explanations kept, %d dropped, %d bytes", kept, dropped, len(d.Document))
	}
}
