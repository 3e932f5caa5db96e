// Package baseline owns the references that runs compare with: immutable, numbered, fingerprinted sets of a monitor's features, one of which is
// active. What uploaded data must look like belongs to package sample.
package baseline

import (
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/drift/internal/detect"
	"github.com/aumos-enterprise/platform/drift/internal/sample"
	"github.com/aumos-enterprise/platform/pkg/errs"
)

// State says where a baseline stands in its life.
type State string

// The states. A retired baseline may be activated again.
const (
	Ready   State = "READY"
	Active  State = "ACTIVE"
	Retired State = "RETIRED"
)

// Baseline is a reference without its data.
type Baseline struct {
	ID                uuid.UUID
	MonitorID         uuid.UUID
	Number            int32 // counts the monitor's baselines from 1
	Description       string
	State             State
	RowCount          int64
	FingerprintSHA256 []byte // see sample.Set.Fingerprint
	CreateTime        time.Time
	ActivateTime      *time.Time // nil if never
}

// Feature is what a baseline knows of one feature.
type Feature struct {
	Name string
	Type detect.FeatureType
	sample.Summary
}

// maxViolations bounds how many features one error lists.
const maxViolations = 20

// errTooFewValues is never returned by itself.
var errTooFewValues = errs.New(errs.InvalidArgument, errs.ReasonBaselineTooSmall, "a feature of the baseline has too few values")

// check fails with BASELINE_TOO_SMALL when a feature has fewer usable values than the monitor's tests need: every later run would end in
// INSUFFICIENT_DATA.
func check(minRows int64, set sample.Set) error {
	var refused *errs.Error
	for i, f := range set.Features {
		values := set.Samples[i].Rows - set.Samples[i].Missing
		if values >= minRows {
			continue
		}
		if refused == nil {
			refused = errTooFewValues.With("column", f.Name).With("rows", strconv.FormatInt(values, 10))
		}
		refused = refused.Field("batch", "feature %q has %d usable values, the monitor needs %d", f.Name, values, minRows)
		if len(refused.Violations) == maxViolations {
			break
		}
	}
	if refused == nil { // a nil *errs.Error is no nil error
		return nil
	}
	return refused
}

// errFingerprint is the cause when what is stored is not what was stored.
var errFingerprint = errors.New("the stored data does not match the baseline's fingerprint")

// verify fails unless the set is the one that the baseline was made from.
func (b Baseline) verify(set sample.Set) error {
	fingerprint := set.Fingerprint()
	if !slices.Equal(fingerprint[:], b.FingerprintSHA256) {
		return damaged(errFingerprint)
	}
	return nil
}

func damaged(cause error) error {
	return errs.New(errs.DataLoss, errs.ReasonInternal, "the stored baseline is damaged").Because(cause)
}
