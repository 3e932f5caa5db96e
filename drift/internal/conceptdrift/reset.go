package conceptdrift

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/drift/internal/detect/stream"
	"github.com/aumos-enterprise/platform/pkg/errs"
)

// Reset makes the stream's detector forget everything; its sequence goes on. It fails with STALE_ETAG when etag is set and not the stream's. A damaged
// state is no obstacle if the row can say where the stream is: resetting is the cure.
func Reset(ctx context.Context, tx pgx.Tx, id uuid.UUID, etag string) (Stream, error) {
	s, l, err := lock(ctx, tx, id)
	if err != nil {
		return Stream{}, err
	}
	if etag != "" && etag != s.ETag() {
		return Stream{}, errs.StaleETag("stream")
	}
	detector, err := s.restore(l.state)
	if err != nil {
		if detector, err = stream.At(s.Config, s.NextSequence, s.DriftCount); err != nil {
			return Stream{}, errDamaged(err)
		}
	}
	detector.Reset()
	_, err = write(ctx, tx, &s, detector, nil)
	return s, err
}
