// Package detection owns runs: comparing current data with a monitor's baseline, the document that states the result, and the record of it. The
// statistics belong to package detect, the way to the Audit Wall to package evidence.
package detection

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/drift/internal/baseline"
	"github.com/aumos-enterprise/platform/drift/internal/detect"
	"github.com/aumos-enterprise/platform/drift/internal/monitor"
	"github.com/aumos-enterprise/platform/drift/internal/sample"
	"github.com/aumos-enterprise/platform/drift/internal/text"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// Detection is one run. All but Document is repeated from it, so that lists need not read it.
type Detection struct {
	ID                  uuid.UUID
	MonitorID           uuid.UUID
	ModelID             uuid.UUID
	BaselineID          uuid.UUID
	BaselineFingerprint []byte
	Description         string
	Status              detect.Status
	Severity            float64
	RowCount            int64
	FeatureCount        int
	DriftedFeatureCount int
	Rule                monitor.Rule
	Document            []byte // nil in lists
	DocumentSHA256      [32]byte
	EntryID             uuid.UUID // of the evidence
	CreateTime          time.Time
}

// Run is what is compared.
type Run struct {
	Monitor     monitor.Monitor
	Baseline    baseline.Baseline
	Reference   sample.Set // the baseline's data
	Current     sample.Set
	Fingerprint [32]byte // of Current
	Description string
	Engine      string // the version of the program that runs
}

// Evaluate compares and states the result. It needs the CPU and nothing else, and stops with the error of ctx when that ends.
func (r Run) Evaluate(ctx context.Context) (Detection, error) {
	if err := text.Prose("header.description", r.Description); err != nil {
		return Detection{}, err
	}
	features, err := r.features()
	if err != nil {
		return Detection{}, err
	}
	result, err := detect.Evaluate(ctx, detect.Input{Features: features}, r.Monitor.Rule.Settings())
	if err != nil {
		return Detection{}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return Detection{}, fmt.Errorf("make detection id: %w", err)
	}
	d := Detection{
		ID: id, MonitorID: r.Monitor.ID, ModelID: r.Monitor.ModelID, BaselineID: r.Baseline.ID, BaselineFingerprint: r.Baseline.FingerprintSHA256,
		Description: r.Description, Status: result.Status, Severity: result.Severity, RowCount: r.Current.Rows,
		FeatureCount: len(features), DriftedFeatureCount: result.DriftedFeatures, Rule: r.Monitor.Rule,
		CreateTime: time.Now().UTC().Truncate(time.Microsecond), // as precise as the database keeps it
	}
	owner, _ := tenant.FromContext(ctx)
	d.Document, d.DocumentSHA256, err = r.document(owner, d, result)
	return d, err
}

// features pairs each feature's baseline with its current data.
func (r Run) features() ([]detect.FeatureInput, error) {
	position := make(map[string]int, len(r.Reference.Features))
	for i, f := range r.Reference.Features {
		position[f.Name] = i
	}
	features := make([]detect.FeatureInput, len(r.Monitor.Features))
	for i, f := range r.Monitor.Features {
		at, ok := position[f.Name]
		if !ok || r.Reference.Features[at].Type != f.Type {
			return nil, fmt.Errorf("compare feature %q: the baseline does not have it", f.Name)
		}
		features[i] = detect.FeatureInput{
			Name: f.Name, Type: f.Type, Tests: f.Tests, Baseline: r.Reference.Samples[at], Current: r.Current.Samples[i],
		}
	}
	return features, nil
}

// ErrNoBaseline returns the error of a run of a monitor without an active baseline.
func ErrNoBaseline(m monitor.Monitor) error {
	return errs.New(errs.FailedPrecondition, errs.ReasonBaselineNotActive,
		"monitor %q has no active baseline: upload one and activate it", m.Name).
		With("monitor_id", m.ID.String()).Field("header.monitor_id", "names a monitor without an active baseline")
}
