package performance

import (
	"context"
	"fmt"
)

// Segment is the comparison of one part of the rows.
type Segment struct {
	Segment int32 // its number
	// BaselineRows and CurrentRows are the rows of the segment. With none on a side no change is defined.
	BaselineRows, CurrentRows int
	Changes                   []Change
}

// MaxSegments bounds the segments of one comparison.
const MaxSegments = 1000

// Segments compares segment by segment; see Compare. Each row belongs to one of
// n segments, by number; a negative number belongs to none. The draws of a segment depend on its
// number and the seed only.
func Segments(ctx context.Context, baseline, current Sample, baselineOf, currentOf []int32, n, permutations int, seed uint64) ([]Segment, error) {
	if n < 0 || n > MaxSegments {
		return nil, fmt.Errorf("%d segments, want 0 to %d: %w", n, MaxSegments, ErrBadSample)
	}
	before, err := rowsOf(baseline, baselineOf, n)
	if err != nil {
		return nil, fmt.Errorf("baseline: %w", err)
	}
	after, err := rowsOf(current, currentOf, n)
	if err != nil {
		return nil, fmt.Errorf("current: %w", err)
	}
	segments := make([]Segment, n)
	for s := range segments {
		changes, err := Compare(ctx, baseline.Pick(before[s]), current.Pick(after[s]), permutations, seed+uint64(s)+1)
		if err != nil {
			return nil, err
		}
		segments[s] = Segment{int32(s), len(before[s]), len(after[s]), changes}
	}
	return segments, nil
}

func rowsOf(s Sample, segments []int32, n int) ([][]int32, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	if len(segments) != s.Rows() {
		return nil, fmt.Errorf("segments of %d rows, want %d: %w", len(segments), s.Rows(), ErrBadSample)
	}
	rows := make([][]int32, n)
	for i, segment := range segments {
		if int(segment) >= n {
			return nil, fmt.Errorf("segment %d in row %d is not below %d: %w", segment, i, n, ErrBadSample)
		}
		if segment >= 0 {
			rows[segment] = append(rows[segment], int32(i))
		}
	}
	return rows, nil
}
