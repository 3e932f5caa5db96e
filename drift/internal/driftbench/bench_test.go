package driftbench

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/aumos-enterprise/platform/drift/internal/detect"
	"github.com/aumos-enterprise/platform/drift/internal/detect/contingency"
	"github.com/aumos-enterprise/platform/drift/internal/detect/distance"
	"github.com/aumos-enterprise/platform/drift/internal/detect/histogram"
	"github.com/aumos-enterprise/platform/drift/internal/detect/ks"
	"github.com/aumos-enterprise/platform/drift/internal/detect/permutation"
	"github.com/aumos-enterprise/platform/drift/internal/detect/rank"
	"github.com/aumos-enterprise/platform/drift/internal/detect/stream"
)

// plan is how much is measured.
type plan struct {
	rows, columns int // of the report
	peerColumns   int // of the report that Evidently makes
	updates       int // of a detector
	rounds        int
	python        string
}

// BenchmarkDrift measures everything once and writes docs/bench-drift.md when UPDATE_BENCH_DRIFT is set. BENCH_DRIFT_SHORT=1 measures less, in
// about a minute; BENCH_DRIFT_PEERS names another Python, or with "none" leaves the peers out.
func BenchmarkDrift(b *testing.B) {
	p := plan{rows: 1_000_000, columns: 50, peerColumns: 5, updates: 500_000, rounds: 5, python: "../../../.deps/peers/bin/python"}
	if os.Getenv("BENCH_DRIFT_SHORT") != "" {
		p.rows, p.columns, p.peerColumns, p.updates, p.rounds = 100_000, 10, 2, 50_000, 3
	}
	if python := os.Getenv("BENCH_DRIFT_PEERS"); python != "" {
		p.python = python
	}
	for b.Loop() {
		p.run(b)
	}
}

func (p plan) run(b *testing.B) {
	b.Helper()
	start := time.Now()
	d := &document{plan: p}
	p.compared(b, d)
	dir := b.TempDir()
	data := newSides(p.rows, p.columns)
	if err := data.write(dir, p.peerColumns); err != nil {
		b.Fatal(err)
	}
	errors := make([]float64, p.updates)
	rng := rand.New(rand.NewPCG(9, 9))
	for i := range errors {
		if rng.Float64() < 0.2 {
			errors[i] = 1
		}
	}
	if err := writeColumn(dir, "errors", errors); err != nil {
		b.Fatal(err)
	}
	data.sortBaselines()

	p.univariate(d, data, peers(b, p.python, "univariate", dir, text(p.rounds)))
	b.Logf("univariate after %s", time.Since(start).Round(time.Second))
	p.histograms(b, d, data)
	p.streams(b, d, errors, peers(b, p.python, "stream", dir, text(p.rounds)))
	b.Logf("streams after %s", time.Since(start).Round(time.Second))
	p.report(b, d, data, peers(b, p.python, "report", dir, "1", text(p.peerColumns)))
	d.took = time.Since(start)
	b.Log("\n" + d.body())
	if os.Getenv("UPDATE_BENCH_DRIFT") != "" {
		if err := os.WriteFile("../../../docs/bench-drift.md", []byte(d.head()+d.body()), 0o600); err != nil {
			b.Fatal(err)
		}
	}
}

// univariate compares one column's tests: sort of the current side and test, with the baseline sorted before, which is how it is kept.
func (p plan) univariate(d *document, data sides, peer map[string]float64) {
	baseline, current := data.baselines[0], data.currents[0]
	rows := float64(2 * p.rows)
	work := make([]float64, p.rows)
	window := func() []float64 {
		copy(work, current)
		detect.SortFloat64s(work)
		return work
	}
	pooled := func() *rank.Pooled {
		pooled, _ := rank.Measure(baseline, window()) // sorted and finite
		return &pooled
	}
	for _, t := range []struct {
		test string
		name string
		make func()
	}{
		{"KS", "Kolmogorov–Smirnov with p", func() { _, _ = ks.Test(baseline, window()) }},
		{"WASSERSTEIN", "Wasserstein-1", func() { pooled().Wasserstein() }},
		{"CRAMER_VON_MISES", "Cramér–von Mises with p", func() { pooled().CramerP() }},
		{"ANDERSON_DARLING", "Anderson–Darling (midrank) with p", func() { rank.AndersonP(pooled().Anderson()) }},
	} {
		d.add(line{
			name: t.name + ", " + size(p.rows) + " + " + size(p.rows), peerName: "SciPy", per: "row", units: rows, goal: 8,
			one: single(func() float64 { return timed(p.rounds, t.make) }), peer: peer[t.test],
			many: manyAtOnce(p.rounds, func(work []float64) {
				copy(work, current)
				detect.SortFloat64s(work)
				switch t.test {
				case "KS":
					_, _ = ks.Test(baseline, work)
				default:
					_, _ = rank.Measure(baseline, work) // the p-values take no time beside it
				}
			}, p.rows),
		})
	}
	all := peer["KS"] + peer["WASSERSTEIN"] + peer["CRAMER_VON_MISES"] + peer["ANDERSON_DARLING"]
	d.add(line{
		name: "All four together, in one pass", peerName: "SciPy, one after the other", per: "row", units: rows, goal: 8, peer: all,
		one: single(func() float64 {
			return timed(p.rounds, func() {
				pooled := pooled()
				_, _ = ks.Test(baseline, work)
				pooled.Wasserstein()
				pooled.CramerP()
				rank.AndersonP(pooled.Anderson())
			})
		}),
	})
	d.add(line{
		name: "Sort of one side", peerName: "NumPy", per: "row", units: float64(p.rows), peer: peer["SORT"],
		one: single(func() float64 { return timed(p.rounds, func() { window() }) }),
	})
}

// single measures with one thread.
func single(measure func() float64) float64 {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	return measure()
}

// manyAtOnce returns the seconds that a column takes when every processor has one.
func manyAtOnce(rounds int, work func(scratch []float64), rows int) float64 {
	workers := runtime.GOMAXPROCS(0)
	scratch := make([][]float64, workers)
	for i := range scratch {
		scratch[i] = make([]float64, rows)
	}
	return timed(rounds, func() {
		var group sync.WaitGroup
		for i := range workers {
			group.Go(func() { work(scratch[i]) })
		}
		group.Wait()
	}) / float64(workers)
}

// histograms compares tests of counts in bins with reading both columns once. Both are sorted already: one sort serves all tests of a column.
func (p plan) histograms(b *testing.B, d *document, data sides) {
	b.Helper()
	work := make([]float64, p.rows)
	copy(work, data.currents[0])
	detect.SortFloat64s(work)
	pair := histogram.Pair{Baseline: data.baselines[0], Current: work}
	read := single(func() float64 { return timed(10*p.rounds, func() { readOnce(pair.Baseline); readOnce(pair.Current) }) })
	const level, draws = 0.05, 999
	for _, t := range []struct {
		name string
		make func()
	}{
		{"PSI by the baseline's deciles", func() {
			contingency.BinPSI(histogram.Deciles(pair, nil))
		}},
		{"Jensen–Shannon in Sturges' bins of both sides (Evidently's), p-value of 999 permutations", func() {
			distance.JensenShannon(math.E).Permute(sturges(pair, 2*p.rows), permutation.Draws{Count: draws, Alpha: level, Rand: rand.New(rand.NewPCG(1, 1))})
		}},
		{"Hellinger in Sturges' bins of both sides by distinct values (Evidently's), p-value of 999 permutations", func() {
			distinct := histogram.DistinctPooled(pair.Baseline, pair.Current, histogram.SameSturges)
			distance.Hellinger().Permute(sturges(pair, distinct), permutation.Draws{Count: draws, Alpha: level, Rand: rand.New(rand.NewPCG(1, 1))})
		}},
		{"Jensen–Shannon in Doane's bins of the baseline (NannyML's), p-value of 999 permutations", func() {
			rule, _ := distance.Doane(pair.Baseline)
			_, _ = distance.JensenShannon(2).PermuteRule(pair, rule, permutation.Draws{Count: draws, Alpha: level, Rand: rand.New(rand.NewPCG(1, 1))})
		}},
	} {
		d.add(line{
			name: t.name + ", both sides sorted", peerName: "reading both once", per: "row", units: 2 * float64(p.rows), slower: 6,
			one: single(func() float64 { return timed(10*p.rounds, t.make) }), peer: read,
		})
	}
}

// sturges cuts the range of both sides by Sturges' rule for a number of values, which are many and all different.
func sturges(pair histogram.Pair, n int) distance.Bins {
	low, high := min(pair.Baseline[0], pair.Current[0]), max(pair.Baseline[len(pair.Baseline)-1], pair.Current[len(pair.Current)-1])
	edges, _ := histogram.Sturges(n, low, high, false)
	bins, _ := distance.NewBins(histogram.Count(pair.Baseline, edges), histogram.Count(pair.Current, edges))
	return bins
}

var sink float64

// readOnce adds up a column by four sums, so that it waits for memory and not for the additions.
func readOnce(values []float64) {
	var a, b, c, d float64
	for i := 0; i+3 < len(values); i += 4 {
		a += values[i]
		b += values[i+1]
		c += values[i+2]
		d += values[i+3]
	}
	sink += a + b + c + d
}

// streams compares updates of detectors.
func (p plan) streams(b *testing.B, d *document, errors []float64, peer map[string]float64) {
	b.Helper()
	add := func(kind stream.Kind, peerName, key string, goal float64) {
		follow := func() {
			s, err := stream.New(stream.Config{Kind: kind})
			if err != nil {
				b.Error(err)
				return
			}
			for _, x := range errors {
				_, _ = s.Update(x) // takes zeros and ones
			}
		}
		d.add(line{
			name: string(kind) + ", an update", peerName: peerName, per: "update", units: float64(len(errors)), goal: goal, peer: peer[key],
			one:  single(func() float64 { return timed(p.rounds, follow) }),
			many: manyAtOnce(p.rounds, func([]float64) { follow() }, 0),
		})
	}
	add(stream.ADWIN, "River in Python", "ADWIN", 10)
	add(stream.DDM, "River in Python", "DDM", 10)
	add(stream.HDDMA, "River in Python", "HDDM_A", 10)
	add(stream.HDDMW, "River in Python", "HDDM_W", 10)
	add(stream.ADWIN, "River's compiled core", "ADWIN core", 1.5)
}

// report compares a report over all columns: current columns are sorted, tested, summarised and explained.
func (p plan) report(b *testing.B, d *document, data sides, peer map[string]float64) {
	b.Helper()
	ctx := b.Context()
	perPeerColumn := peer["report"] / float64(p.peerColumns)
	for _, t := range []struct {
		name  string
		tests []detect.TestSetting
	}{
		{"Kolmogorov–Smirnov, the default", nil},
		{"Wasserstein as Evidently's, with a p-value of 999 permutations", []detect.TestSetting{{Test: detect.TestWasserstein, Convention: "wasserstein/evidently"}}},
	} {
		columns := p.columns
		run := func(columns int) func() {
			return func() {
				if err := compare(ctx, data, columns, t.tests); err != nil {
					b.Error(err)
				}
			}
		}
		l := line{
			name: fmt.Sprintf("Report on %s × %d: %s", size(p.rows), columns, t.name), per: "cell", units: float64(2*p.rows) * float64(columns), goal: 10,
			peerName: fmt.Sprintf("Evidently's data-drift preset on %d of the columns, times %g", p.peerColumns, float64(columns)/float64(p.peerColumns)),
			one:      single(func() float64 { return timed(1, run(columns)) }), peer: perPeerColumn * float64(columns),
		}
		debug.FreeOSMemory()
		before, _, err := resident()
		if err == nil {
			err = resetPeak()
		}
		l.many = timed(1, run(columns))
		_, peak, err2 := resident()
		if err == nil && err2 == nil {
			input := 16 * float64(p.rows) * float64(columns)
			d.memory = append(d.memory, fmt.Sprintf("Report, %s: %.2f times the input of %.0f MB (input included)", t.name, (input+max(peak-before, 0))/input, input/1e6))
		}
		d.add(l)
	}
}

// compare makes a report as a comparison does: sorted copies of the current columns, on all processors, then the tests.
func compare(ctx context.Context, data sides, columns int, tests []detect.TestSetting) error {
	in := detect.Input{Features: make([]detect.FeatureInput, columns)}
	var group sync.WaitGroup
	next := make(chan int)
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			for i := range next {
				current := make([]float64, len(data.currents[i]))
				copy(current, data.currents[i])
				detect.SortFloat64s(current)
				in.Features[i] = detect.FeatureInput{
					Name: "f" + strconv.Itoa(i), Type: detect.Numeric, Tests: tests,
					Baseline: detect.Sample{Sorted: data.baselines[i], Rows: int64(len(data.baselines[i]))},
					Current:  detect.Sample{Sorted: current, Rows: int64(len(current))},
				}
			}
		})
	}
	for i := range columns {
		next <- i
	}
	close(next)
	group.Wait()
	run, err := detect.Evaluate(ctx, in, detect.Settings{})
	if err == nil && run.FailedFeatures > 0 {
		err = fmt.Errorf("%d features failed: %s", run.FailedFeatures, run.Reason)
	}
	return err
}
