package driftbench

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"strconv"
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/comparison"
	"github.com/aumos-enterprise/platform/drift/internal/detect"
	"github.com/aumos-enterprise/platform/drift/internal/sample"
	"github.com/aumos-enterprise/platform/pkg/headroom"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// memoryGoal is how many times its input a comparison may take.
const memoryGoal = 2.5

// shape is the data of a comparison: columns of numbers, or one of vectors.
type shape struct {
	rows      int // of a side
	columns   int // of numbers
	dimension int // of vectors; 0: numbers
	batch     int // rows of one
}

// bytes is the size of both sides.
func (s shape) bytes() float64 {
	if s.dimension > 0 {
		return 8 * float64(s.rows*s.dimension)
	}
	return 16 * float64(s.rows*s.columns)
}

func (s shape) String() string {
	if s.dimension > 0 {
		return fmt.Sprintf("%s + %s vectors of %d numbers, with the tests that are made unasked", size(s.rows), size(s.rows), s.dimension)
	}
	return fmt.Sprintf("%s + %s rows of %d columns, with tests of whole rows", size(s.rows), size(s.rows), s.columns)
}

// draw makes a batch.
func (s shape) draw(rng *rand.Rand, rows int) []sample.Column {
	if s.dimension > 0 {
		v := sample.Column{Name: "v", Type: detect.Vector, Dimension: s.dimension, Vectors: make([]float32, rows*s.dimension)}
		for i := range v.Vectors {
			v.Vectors[i] = float32(rng.NormFloat64())
		}
		return []sample.Column{v}
	}
	columns := make([]sample.Column, s.columns)
	for k := range columns {
		columns[k] = sample.Column{Name: "c" + strconv.Itoa(k), Type: detect.Numeric, Numbers: make([]float64, rows)}
		for i := range columns[k].Numbers {
			columns[k].Numbers[i] = rng.NormFloat64()
		}
	}
	return columns
}

// compared measures the memory of comparisons of rows and vectors, from the first batch to the result, under the collector's settings of the
// service, and returns the largest part of the input that one takes. It comes before there are data that would leave the collector more room.
func (p plan) compared(b *testing.B, d *document) (most float64) {
	b.Helper()
	defer headroom.Keep(headroom.Config{GCHeadroom: 64 << 20})()
	for _, s := range []shape{
		{rows: p.rows, columns: min(20, p.columns), batch: 50_000},
		{rows: p.rows, columns: min(2, p.columns), batch: 50_000},
		{rows: p.rows / 10, dimension: 128, batch: 1000},
		{rows: p.rows / 40, dimension: 768, batch: 1000},
	} {
		var request comparison.Request
		if s.dimension == 0 {
			request.RowTests = []detect.TestSetting{{Test: detect.TestMMD}, {Test: detect.TestDomainClassifier}, {Test: detect.TestDuplicateRows}}
		}
		debug.FreeOSMemory()
		before, _, err := resident()
		if err == nil {
			err = resetPeak()
		}
		if err != nil {
			b.Log(err) // not everywhere
			return 0
		}
		if err := s.compare(b, request); err != nil {
			b.Fatal(err)
		}
		_, peak, err := resident()
		if err != nil {
			b.Fatal(err)
		}
		times := (peak - before) / s.bytes()
		d.memory = append(d.memory, fmt.Sprintf("Comparison as the data come, of %s: %.2f times the input of %.0f MB", s, times, s.bytes()/1e6))
		most = max(most, times)
	}
	return most
}

// compare sends both sides in turns, in batches that are garbage as soon as they are taken, as messages are.
func (s shape) compare(b *testing.B, request comparison.Request) error {
	b.Helper()
	inlet, err := sample.Admit(tenant.ID{}, sample.NewBudget(4<<30))
	if err != nil {
		return err
	}
	defer inlet.Release()
	rng := rand.New(rand.NewPCG(1, 2))
	var sides [2]*sample.Accumulator
	for i := range sides {
		sides[i] = sample.Open(inlet, request.Options("batch.rows"))
		defer sides[i].Release()
	}
	for first := 0; first < s.rows; first += s.batch {
		for _, side := range sides {
			if err := side.Add(s.draw(rng, min(s.batch, s.rows-first))); err != nil {
				return err
			}
		}
	}
	baseline, err := sides[0].Finish(b.Context())
	if err != nil {
		return err
	}
	current, err := sides[1].Finish(b.Context())
	if err != nil {
		return err
	}
	result, err := request.Compare(b.Context(), baseline, current, nil)
	if err == nil && result.Status != detect.StatusOK && result.Status != detect.StatusWarning {
		err = errors.New(result.Summary)
	}
	return err
}

// BenchmarkMemory prints what compared measures, and wants it to be within the goal.
func BenchmarkMemory(b *testing.B) {
	for b.Loop() {
		d := &document{}
		most := plan{rows: 1_000_000, columns: 20}.compared(b, d)
		if most > memoryGoal {
			b.Errorf("a comparison takes %.2f times its input, the goal is %g", most, memoryGoal)
		}
		for _, m := range d.memory {
			b.Log(m)
		}
	}
}
