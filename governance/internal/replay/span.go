package replay

import (
	"context"
	"fmt"
	"time"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
)

// Entries are recorded when they reach the log, a little after what they tell of. The margins are wider than any append waits and any clock steps.
const (
	marginBefore = time.Minute
	marginAfter  = 5 * time.Minute
)

// Span is the part of the log that holds the decisions of a range of time.
type Span struct {
	First, End int64 // End is the first index after it
}

// FindSpan returns the span of the range in the log of the tenant in ctx, as long as the log is now.
func FindSpan(ctx context.Context, wall *audit.Wall, from, before time.Time) (Span, error) {
	last, _, err := wall.List(ctx, audit.Filter{NewestFirst: true}, -1, 1)
	if err != nil {
		return Span{}, fmt.Errorf("find the end of the log: %w", err)
	}
	if len(last) == 0 {
		return Span{}, nil
	}
	s := Span{End: last[0].LeafIndex + 1}
	first, err := firstSince(ctx, wall, from.Add(-marginBefore), s.End)
	if err != nil {
		return Span{}, err
	}
	end, err := firstSince(ctx, wall, before.Add(marginAfter), s.End)
	if err != nil {
		return Span{}, err
	}
	return Span{First: first, End: end}, nil
}

// firstSince returns the index of the first entry that was recorded at the time or later; end when there is none.
func firstSince(ctx context.Context, wall *audit.Wall, t time.Time, end int64) (int64, error) {
	found, _, err := wall.List(ctx, audit.Filter{RecordedFrom: t, EndIndex: end}, -1, 1)
	if err != nil {
		return 0, fmt.Errorf("find the first entry since %s: %w", t.Format(time.RFC3339), err)
	}
	if len(found) == 0 {
		return end, nil
	}
	return found[0].LeafIndex, nil
}
