package calibration

import (
	"context"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"
)

// plan is how much of everything is measured.
type plan struct {
	draws, least     int // null samples of each subject, and those made even when the time is used up
	permutations     int
	time             time.Duration // for the null samples of all subjects together
	features, rows   [][2]int      // sizes
	runs50, runs1000 int
	streams, trials  int
	powerDraws       int
	peers            string // Python with drift/peers/requirements.txt
	peerDraws        int
	repeatBeyond     int // draws of a subject that was called different too often, on new samples
}

func fullPlan() plan {
	return plan{
		draws: 1000, least: 40, permutations: 99, time: 150 * time.Second,
		features: [][2]int{{50, 50}, {200, 200}, {1000, 200}, {1000, 1000}},
		rows:     [][2]int{{50, 50}, {200, 100}},
		runs50:   400, runs1000: 60, streams: 10, trials: 100, powerDraws: 200, peerDraws: 100, repeatBeyond: 2000,
		peers: "../../../.deps/peers/bin/python",
	}
}

// shortPlan shows that all works, in about a minute.
func shortPlan() plan {
	p := fullPlan()
	p.draws, p.least, p.time = 100, 10, 20*time.Second
	p.features, p.rows = [][2]int{{200, 200}}, [][2]int{{50, 50}}
	p.runs50, p.runs1000, p.streams, p.trials, p.powerDraws, p.peerDraws, p.repeatBeyond = 20, 2, 1, 5, 10, 3, 200
	return p
}

// BenchmarkCalibration measures everything once and writes docs/drift-calibration.md when UPDATE_CALIBRATION is set. It fails when a
// test calls equal samples different more often than it says: more than three standard errors above alpha, and again on new samples.
//
// CALIBRATE_SHORT=1 measures a part in about a minute; CALIBRATE_PEERS names another Python, or with "none" leaves the peers out.
func BenchmarkCalibration(b *testing.B) {
	p := fullPlan()
	if os.Getenv("CALIBRATE_SHORT") != "" {
		p = shortPlan()
	}
	if python := os.Getenv("CALIBRATE_PEERS"); python != "" {
		p.peers = python
	}
	for b.Loop() {
		calibrate(b, p)
	}
}

func calibrate(b *testing.B, p plan) {
	b.Helper()
	ctx, start := b.Context(), time.Now()
	d := document{plan: p}
	step := func(what string) { b.Logf("%s after %s", what, time.Since(start).Round(time.Second)) }

	d.levels = p.levels(ctx)
	for _, l := range d.levels {
		if l.err != nil {
			b.Error(l.err)
		}
		if _, known := compatibility[l.subject.convention]; l.tooMany() && !known {
			b.Errorf("%s: %d of %d null samples have p ≤ %g, %d of %d are beyond the threshold", l.subject.name(), l.rejected, l.draws, alpha, l.beyond, l.threshold)
		}
	}
	step("levels")
	d.families = families()
	for i := range d.families {
		f := &d.families[i]
		runs := p.runs50
		if f.features == 1000 {
			runs = p.runs1000
		}
		if err := f.measure(ctx, runs, p.permutations); err != nil {
			b.Fatal(err)
		}
		if float64(f.significant) > float64(f.runs)*(alpha+slack(f.runs)) {
			b.Errorf("%d features, %s: %d of %d runs have a significant test", f.features, f.what, f.significant, f.runs)
		}
	}
	step("families")
	var err error
	if d.watches, err = watchDetectors(p.streams, p.trials); err != nil {
		b.Fatal(err)
	}
	step("detectors")
	for _, size := range powerSizes {
		own, err := measurePower(ctx, size, p.powerDraws)
		if err != nil {
			b.Fatal(err)
		}
		d.powers = append(d.powers, own)
		var peers []power
		if p.peers != "none" {
			if peers, err = peerPower(ctx, p.peers, size, p.peerDraws); err != nil {
				b.Fatal(err)
			}
		}
		d.peers = append(d.peers, peers)
		step("power with " + strconv.Itoa(size[0]) + " rows")
	}
	d.took = time.Since(start)
	if os.Getenv("UPDATE_CALIBRATION") == "" {
		b.Log("\n" + d.body())
		return
	}
	if err := os.WriteFile("../../../docs/drift-calibration.md", []byte(d.head()+d.body()), 0o600); err != nil {
		b.Fatal(err)
	}
}

// levels measures all subjects within the time that there is, and those that fail again with other samples: of thousands of rates a few are
// beyond three standard errors by chance, and hardly any twice.
func (p plan) levels(ctx context.Context) []level {
	all := subjects(p.features, p.rows)
	levels := make([]level, len(all))
	unfinished := make([]int, len(all))
	for i := range all {
		levels[i].subject, unfinished[i] = all[i], i
	}
	// What the fast ones leave of their share goes to the slow ones, round after round.
	for left := p.time * time.Duration(runtime.GOMAXPROCS(0)); left > time.Second && len(unfinished) > 0; {
		share := left / time.Duration(len(unfinished))
		spent := make([]time.Duration, len(unfinished))
		each(len(unfinished), func(k int) {
			spent[k] = levels[unfinished[k]].extend(ctx, p.draws, p.least, p.permutations, 1, share)
		})
		for _, s := range spent {
			left -= s
		}
		unfinished = slices.DeleteFunc(unfinished, func(i int) bool { return levels[i].made() >= p.draws || levels[i].err != nil })
	}
	each(len(all), func(i int) {
		if _, known := compatibility[all[i].convention]; levels[i].tooMany() && !known && levels[i].err == nil {
			levels[i] = all[i].measure(ctx, min(p.repeatBeyond, 2*levels[i].draws), p.permutations, 2)
			levels[i].repeated = true
		}
	})
	return levels
}

// percent prints a rate with its standard error.
func percent(count, of int) string {
	if of == 0 {
		return "–"
	}
	rate := float64(count) / float64(of)
	return fmt.Sprintf("%.1f ± %.1f %%", 100*rate, 100*math.Sqrt(max(rate*(1-rate), alpha*(1-alpha)/4)/float64(of)))
}
