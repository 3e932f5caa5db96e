// Package conceptdrift owns streams: sequences of values whose detector's state is kept between batches, each value taken exactly once. The detectors
// themselves belong to package detect/stream.
package conceptdrift

import (
	"fmt"
	"reflect"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/drift/internal/detect/stream"
	"github.com/aumos-enterprise/platform/drift/internal/evidence"
	"github.com/aumos-enterprise/platform/pkg/errs"
)

// The limits of one batch.
const (
	MaxValues = 65_536
	// MaxDrifts bounds the entries that one batch makes. Detectors with their defaults find fewer than a third of that even in all noise.
	MaxDrifts = 1_000
)

// Stream is a stream as stored.
type Stream struct {
	ID           uuid.UUID
	Name         string    // unique within the tenant
	ModelID      uuid.UUID // uuid.Nil without a model
	Config       stream.Config
	NextSequence int64 // of the next value; values are numbered from 0
	Zone         stream.Zone
	WarningBegan int64 // the first value of the warning zone; -1 outside one
	DriftCount   int64
	LastDrift    *Drift // nil before the first; without its evidence
	Revision     int64  // grows with every change
	CreateTime   time.Time
	UpdateTime   time.Time
}

// ETag changes with every change of the stream.
func (s Stream) ETag() string { return strconv.FormatInt(s.Revision, 10) }

// Drift is a drift as stored.
type Drift struct {
	stream.Drift // Index and Began are sequences

	ID         uuid.UUID
	StreamID   uuid.UUID
	EntryID    uuid.UUID
	CreateTime time.Time
	Evidence   evidence.Status
}

// Span is a run of values, both ends included.
type Span [2]int64

// Definition is what a client says of a new stream.
type Definition struct {
	Name    string
	ModelID uuid.UUID // uuid.Nil: none
	Config  stream.Config
}

// sequenceError says that a batch does not continue the stream.
func sequenceError(next int64, format string, args ...any) error {
	return errs.New(errs.FailedPrecondition, errs.ReasonStreamSequence, format, args...).With("expected_sequence", strconv.FormatInt(next, 10))
}

// restore reads the detector's state. It must be that of this stream at its place: one of another stream, or of another time, is damage too.
func (s Stream) restore(state []byte) (*stream.Stream, error) {
	detector, err := stream.Restore(state)
	if err != nil {
		return nil, err
	}
	began, ok := detector.WarningBegan()
	if !ok {
		began = -1
	}
	kept := Stream{Config: detector.Config(), NextSequence: detector.Count(), Zone: detector.Zone(), DriftCount: detector.Drifts(), WarningBegan: began}
	row := Stream{Config: s.Config, NextSequence: s.NextSequence, Zone: s.Zone, DriftCount: s.DriftCount, WarningBegan: s.WarningBegan}
	if !reflect.DeepEqual(kept, row) {
		return nil, fmt.Errorf("the state is of %d values of %v, the row of %d of %v, or their zones differ", kept.NextSequence, kept.Config, row.NextSequence, row.Config)
	}
	return detector, nil
}

// errDamaged says that the stored state cannot be what the service has written.
func errDamaged(cause error) error {
	return errs.New(errs.DataLoss, errs.ReasonInternal, "the stored state of the stream is damaged").Because(cause)
}
