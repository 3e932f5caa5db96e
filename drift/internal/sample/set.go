package sample

import (
	"context"
	"math"

	"github.com/aumos-enterprise/platform/drift/internal/detect"
	"github.com/aumos-enterprise/platform/drift/internal/parallel"
)

// Sample is one feature's data in the form that the tests take.
type Sample = detect.Sample

// Set is the data of all features of an upload or a baseline. It is read only, but for Settle.
type Set struct {
	Rows     int64
	Features []Feature
	Samples  []Sample // parallel to Features
	// Rowwise has the rows together, parallel to Features; nil unless that was asked for. Until Settle the samples of numbers are without values then.
	Rowwise []Rowwise
}

// Settle sorts numbers that were kept by rows, in the same memory: the rows are gone afterwards, from all copies of the set. It works on several
// features at a time and stops between features when ctx ends, with its error; the set is of no use then.
func (s Set) Settle(ctx context.Context) error {
	return parallel.Each(ctx, len(s.Rowwise), func(i int) {
		if s.Features[i].Type == detect.Numeric {
			values := s.Rowwise[i].Numbers
			sorted := values[:0]
			for _, v := range values {
				if !math.IsNaN(v) {
					sorted = append(sorted, v)
				}
			}
			detect.SortFloat64s(sorted)
			s.Samples[i].Sorted = sorted
		}
		s.Rowwise[i] = Rowwise{}
	})
}

// Bytes estimates the memory that the set holds.
func (s Set) Bytes() int64 {
	n := int64(0)
	for i := range s.Samples {
		n += int64(cap(s.Samples[i].Sorted)) * 8
		for name := range s.Samples[i].Counts {
			n += int64(len(name)) + categoryOverhead
		}
	}
	return n
}
