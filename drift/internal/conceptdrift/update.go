package conceptdrift

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/drift/internal/detect/stream"
	"github.com/aumos-enterprise/platform/pkg/errs"
)

// Outcome is what the detector found in a batch.
type Outcome struct {
	Stream   Stream // after the batch
	Drifts   []Drift
	Warnings []Span
	Repeated bool // nothing was taken: the batch had been already

	digest [32]byte // of the batch
}

// locked is what an update needs beside the stream.
type locked struct {
	state        []byte
	lastSequence *int64
	lastSHA256   []byte
	lastWarnings []byte
}

// lock makes other changes of the stream wait until the transaction ends, and returns it.
func lock(ctx context.Context, tx pgx.Tx, id uuid.UUID) (s Stream, l locked, err error) {
	err = tx.QueryRow(ctx, `
		SELECT state, last_sequence, last_sha256, last_warnings
		FROM drf_streams
		WHERE id = @id
		FOR NO KEY UPDATE`, pgx.NamedArgs{"id": id}).Scan(&l.state, &l.lastSequence, &l.lastSHA256, &l.lastWarnings)
	if errors.Is(err, pgx.ErrNoRows) {
		return Stream{}, locked{}, errs.ResourceNotFound("stream", id.String())
	}
	if err != nil {
		return Stream{}, locked{}, fmt.Errorf("lock stream: %w", err)
	}
	// A statement of its own, which sees what a change that was waited for has left.
	s, err = Get(ctx, tx, id)
	return s, l, err
}

// Update takes the values, the first of which has the given sequence. A batch that was taken already is answered from what is stored; one that does not
// continue the stream is STREAM_SEQUENCE; a value outside the detector's range INVALID_FIELD. New drifts are not stored yet: see Prove and Insert.
func Update(ctx context.Context, tx pgx.Tx, id uuid.UUID, first int64, values []float64) (Outcome, error) {
	s, l, err := lock(ctx, tx, id)
	if err != nil {
		return Outcome{}, err
	}
	o := Outcome{Stream: s, digest: digest(values)}
	if first != s.NextSequence {
		return repeat(ctx, tx, o, l, first, int64(len(values)))
	}
	detector, err := s.restore(l.state)
	if err != nil {
		return Outcome{}, errDamaged(err)
	}
	if err := o.read(ctx, detector, values); err != nil {
		return Outcome{}, err
	}
	return o, o.store(ctx, tx, detector, first)
}

// repeat answers a batch that was taken already.
func repeat(ctx context.Context, tx pgx.Tx, o Outcome, l locked, first, count int64) (Outcome, error) {
	next := o.Stream.NextSequence
	switch {
	case first > next:
		return Outcome{}, sequenceError(next, "the batch begins at %d and leaves a gap: the next value is %d", first, next)
	case count > next-first:
		return Outcome{}, sequenceError(next, "the batch overlaps with values that were taken: the next value is %d", next)
	}
	o.Repeated = true
	if l.lastSequence != nil && first == *l.lastSequence {
		if !bytes.Equal(l.lastSHA256, o.digest[:]) {
			return Outcome{}, sequenceError(next, "other values than these were taken at %d: the next value is %d", first, next)
		}
		if err := json.Unmarshal(l.lastWarnings, &o.Warnings); err != nil {
			return Outcome{}, errDamaged(err)
		}
	}
	var err error
	o.Drifts, err = between(ctx, tx, o.Stream.ID, first, first+count)
	return o, err
}

// read gives the detector the values and notes what it says.
func (o *Outcome) read(ctx context.Context, detector *stream.Stream, values []float64) error {
	for i, x := range values {
		if err := detector.Check(x); err != nil {
			return errs.InvalidField(fmt.Sprintf("values[%d]", i), "%s", problem(err, o.Stream.Config.Kind))
		}
	}
	o.Warnings = []Span{}
	for i, x := range values {
		if i%4096 == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		before := detector.Drifts()
		zone, err := detector.Update(x)
		if err != nil {
			return errs.InvalidField(fmt.Sprintf("values[%d]", i), "%s", err)
		}
		sequence := detector.Count() - 1
		switch {
		case detector.Drifts() > before:
			if len(o.Drifts) == MaxDrifts {
				return errs.New(errs.InvalidArgument, errs.ReasonTooManyDrifts, "the batch has more than %d drifts: send the first %d of its values", MaxDrifts, i).
					With("limit", strconv.Itoa(MaxDrifts)).With("values", strconv.Itoa(i)).Field("values", "have more than %d drifts: the first %d have no more", MaxDrifts, i)
			}
			d, _ := detector.Last()
			o.Drifts = append(o.Drifts, Drift{Drift: d, StreamID: o.Stream.ID})
		case zone == stream.Warning:
			if n := len(o.Warnings); n > 0 && o.Warnings[n-1][1] == sequence-1 {
				o.Warnings[n-1][1] = sequence
			} else {
				o.Warnings = append(o.Warnings, Span{sequence, sequence})
			}
		}
	}
	return nil
}

// problem says what is wrong with a value.
func problem(err error, kind stream.Kind) string {
	if errors.Is(err, stream.ErrNotFinite) {
		return "must be finite"
	}
	for _, spec := range stream.Catalog() {
		if spec.Kind != kind {
			continue
		}
		switch spec.Input {
		case stream.Errors:
			return "must be 0 or 1: an error is 1"
		case stream.Unit:
			return "must be from 0 to 1"
		case stream.Numbers:
			return fmt.Sprintf("must be at most %g in magnitude", stream.MaxValue)
		}
	}
	return err.Error()
}

// store writes the stream's row.
func (o *Outcome) store(ctx context.Context, tx pgx.Tx, detector *stream.Stream, first int64) error {
	warnings, err := json.Marshal(o.Warnings)
	if err != nil {
		return fmt.Errorf("encode warnings: %w", err)
	}
	now, err := write(ctx, tx, &o.Stream, detector, pgx.NamedArgs{"last_sequence": first, "last_sha256": o.digest[:], "last_warnings": warnings})
	if err != nil {
		return err
	}
	for i := range o.Drifts {
		o.Drifts[i].CreateTime = now
		if o.Drifts[i].ID, err = uuid.NewV7(); err != nil {
			return fmt.Errorf("make drift id: %w", err)
		}
		o.Stream.LastDrift = &o.Drifts[i]
	}
	return nil
}

// write puts the detector's state and position into the stream and its row. Without arguments about a last batch, what is known of it stays.
func write(ctx context.Context, tx pgx.Tx, s *Stream, detector *stream.Stream, last pgx.NamedArgs) (now time.Time, err error) {
	s.NextSequence, s.Zone, s.DriftCount, s.WarningBegan = detector.Count(), detector.Zone(), detector.Drifts(), -1
	var began *int64
	if at, ok := detector.WarningBegan(); ok {
		s.WarningBegan, began = at, &at
	}
	args := pgx.NamedArgs{
		"id": s.ID, "next_sequence": s.NextSequence, "zone": s.Zone.String(), "warning_began": began, "drift_count": s.DriftCount, "state": detector.State(),
		"last_sequence": nil, "last_sha256": nil, "last_warnings": nil,
	}
	maps.Copy(args, last)
	err = tx.QueryRow(ctx, `
		UPDATE drf_streams
		SET next_sequence = @next_sequence, zone = @zone, warning_began = @warning_began, drift_count = @drift_count, state = @state,
			last_sequence = coalesce(@last_sequence, last_sequence), last_sha256 = coalesce(@last_sha256, last_sha256),
			last_warnings = coalesce(@last_warnings, last_warnings), revision = revision + 1, update_time = statement_timestamp()
		WHERE id = @id
		RETURNING revision, update_time`, args).Scan(&s.Revision, &s.UpdateTime)
	if err != nil {
		return time.Time{}, fmt.Errorf("update stream: %w", err)
	}
	return s.UpdateTime, nil
}

// digest covers the values as they are stored nowhere: little-endian IEEE 754 doubles, one after the other.
func digest(values []float64) [32]byte {
	buffer := make([]byte, 0, 8*len(values))
	for _, v := range values {
		buffer = binary.LittleEndian.AppendUint64(buffer, math.Float64bits(v))
	}
	return sha256.Sum256(buffer)
}
