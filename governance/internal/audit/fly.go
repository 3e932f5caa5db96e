package audit

import (
	"context"
	"time"
)

// patience is how long a flight waits for the one before it. Its rows may keep another replica waiting meanwhile, for which the one before it waits: a circle
// that no server sees.
const patience = time.Second

// fly writes a batch, and behind it what comes meanwhile, until a flight lands with none behind it. It returns what is to be written next.
func (s *sequencer) fly(ctx context.Context, batch []*pending) (rest []*pending) {
	f := s.depart(ctx, batch, nil)
	f.land()
	for {
		next, err := s.follow(ctx, f)
		s.metrics.flush.Observe(time.Since(f.started).Seconds())
		if err != nil && next != nil { // it stands behind rows that are not there
			next.abandon()
		}
		if next != nil && next.abandoned {
			rest = append(next.pending, next.repeated...)
			next = nil
		}
		if err != nil {
			s.settle(ctx, f.pending, err)
			return append(rest, f.repeated...)
		}
		if next != nil {
			next.land() // before those of f are answered: the server works meanwhile
		}
		s.commit(f.rows)
		s.up(ctx)
		if next == nil {
			return append(rest, f.repeated...)
		}
		f = next
	}
}

// depart launches what of a batch is to be written.
func (s *sequencer) depart(ctx context.Context, batch []*pending, before *flight) *flight {
	s.metrics.batch.Observe(float64(countEntries(batch)))
	first, repeated, ids := splitRepeated(s.answerRecent(ctx, batch), before)
	f := s.launch(ctx, first, before)
	f.repeated, f.ids = repeated, ids
	return f
}

// follow waits until f has landed. If half as many entries again wait before that as f has, it launches them behind f. With fewer it would make batches small,
// and a batch costs the server about as much as ten of its rows; with more there would rarely be a second one.
func (s *sequencer) follow(ctx context.Context, f *flight) (next *flight, err error) {
	if len(f.repeated) > 0 || f.failed != nil {
		return nil, <-f.landed
	}
	enough := min(len(f.rows.rows)*3/2+1, s.cfg.BatchEntries)
	for s.queue.len() < enough {
		select {
		case err := <-f.landed:
			return nil, err
		case <-s.queue.filled(enough):
		}
	}
	next = s.depart(ctx, s.queue.take(s.cfg.BatchEntries, s.cfg.BatchBytes), f)
	tooLong := time.NewTimer(patience)
	defer tooLong.Stop()
	select {
	case err := <-f.landed:
		return next, err
	case <-tooLong.C:
		next.abandon()
		return next, <-f.landed
	}
}
