package sample

import (
	"github.com/aumos-enterprise/platform/drift/internal/detect"
)

// Sample is one feature's data in the form that the tests take.
type Sample = detect.Sample

// Set is the data of all features of an upload or a baseline. It is read only.
type Set struct {
	Rows     int64
	Features []Feature
	Samples  []Sample // parallel to Features
	// Rowwise has the rows together, parallel to Features; nil unless that was asked for.
	Rowwise []Rowwise
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
