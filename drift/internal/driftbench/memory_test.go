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

// compared measures the memory of comparisons with tests of whole rows, from the first batch to the result, under the collector's settings of
// the service. It comes before there are data that would leave the collector more room.
func (p plan) compared(b *testing.B, d *document) {
	b.Helper()
	defer headroom.Keep(headroom.Config{GCHeadroom: 256 << 20})()
	for _, columns := range []int{min(20, p.columns), min(2, p.columns)} {
		request := comparison.Request{
			RowTests: []detect.TestSetting{{Test: detect.TestMMD}, {Test: detect.TestDomainClassifier}, {Test: detect.TestDuplicateRows}},
		}
		debug.FreeOSMemory()
		before, _, err := resident()
		if err == nil {
			err = resetPeak()
		}
		if err != nil {
			b.Log(err) // not everywhere
			return
		}
		if err := p.compareBatches(b, request, columns); err != nil {
			b.Fatal(err)
		}
		_, peak, err := resident()
		if err != nil {
			b.Fatal(err)
		}
		input := 16 * float64(p.rows) * float64(columns)
		d.memory = append(d.memory, fmt.Sprintf("Comparison of %s + %s rows of %d columns as they come, with tests of whole rows: %.2f times the input of %.0f MB",
			size(p.rows), size(p.rows), columns, (peak-before)/input, input/1e6))
	}
}

// compareBatches sends both sides in turns, in batches that are garbage as soon as they are taken, as messages are.
func (p plan) compareBatches(b *testing.B, request comparison.Request, columns int) error {
	b.Helper()
	inlet, err := sample.Admit(tenant.ID{}, sample.NewBudget(4<<30))
	if err != nil {
		return err
	}
	defer inlet.Release()
	const batch = 50_000
	rng := rand.New(rand.NewPCG(1, 2))
	var sides [2]*sample.Accumulator
	for i := range sides {
		sides[i] = sample.Open(inlet, request.Options("batch.rows"))
		defer sides[i].Release()
	}
	for first := 0; first < p.rows; first += batch {
		for _, side := range sides {
			rows := make([]sample.Column, columns)
			for k := range rows {
				rows[k] = sample.Column{Name: "c" + strconv.Itoa(k), Type: detect.Numeric, Numbers: make([]float64, min(batch, p.rows-first))}
				for i := range rows[k].Numbers {
					rows[k].Numbers[i] = rng.NormFloat64()
				}
			}
			if err := side.Add(rows); err != nil {
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

// BenchmarkMemory prints what compared measures.
func BenchmarkMemory(b *testing.B) {
	for b.Loop() {
		d := &document{}
		plan{rows: 1_000_000, columns: 20}.compared(b, d)
		for _, m := range d.memory {
			b.Log(m)
		}
	}
}
