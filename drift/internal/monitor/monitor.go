// Package monitor owns monitors: which features of a model are watched, by which tests, and how a run's p-values become a verdict. The data
// that runs compare with belongs to package baseline, the statistics to package detect.
package monitor

import (
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/drift/internal/detect"
	"github.com/aumos-enterprise/platform/drift/internal/sample"
	"github.com/aumos-enterprise/platform/pkg/errs"
)

// Monitor watches the data of one model.
type Monitor struct {
	ID               uuid.UUID
	ModelID          uuid.UUID
	Name             string // unique within the tenant
	Features         []Feature
	Rule             Rule
	ActiveBaselineID uuid.UUID // uuid.Nil until a baseline is activated
	Revision         int64     // grows with every change
	CreateTime       time.Time
	UpdateTime       time.Time
}

// Feature is a column that a monitor watches, with every test that is run on it and no default left open.
type Feature struct {
	Name  string
	Type  detect.FeatureType
	Tests []detect.TestSetting
}

// Rule says how a run's p-values become a verdict.
type Rule struct {
	FalseDiscoveryRate float64 `json:"false_discovery_rate"`
	MinRows            int64   `json:"min_rows"`
	MinDriftedFeatures int     `json:"min_drifted_features"`
}

// Settings returns the rule in the terms of the statistics.
func (r Rule) Settings() detect.Settings {
	return detect.Settings{FDR: r.FalseDiscoveryRate, MinRows: r.MinRows, MinDriftedFeatures: r.MinDriftedFeatures}
}

// ETag changes with every change of the monitor.
func (m Monitor) ETag() string { return strconv.FormatInt(m.Revision, 10) }

// CheckETag fails with STALE_ETAG when etag is set and not the monitor's.
func (m Monitor) CheckETag(etag string) error {
	if etag != "" && etag != m.ETag() {
		return errs.StaleETag("monitor")
	}
	return nil
}

// Columns returns the columns that data for the monitor must have.
func (m Monitor) Columns() []sample.Feature {
	columns := make([]sample.Feature, len(m.Features))
	for i, f := range m.Features {
		columns[i] = sample.Feature{Name: f.Name, Type: f.Type}
	}
	return columns
}
