package calibration

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/aumos-enterprise/platform/drift/internal/detect"
)

// document is everything measured.
type document struct {
	plan          plan
	levels        []level
	families      []family
	watches       []watch
	powers, peers [][]power // by size
	took          time.Duration
}

func (d document) head() string {
	return fmt.Sprintf(`# Do the drift tests keep their word?

`+"`make calibrate`"+` writes this file: it draws both samples from one distribution, a thousand times, and counts how often each test says that they
differ. It fails when a test of the catalog does so more often than the 5 %% that it was asked for, by more than three standard errors (2.1 points
with 1,000 draws), on two independent sets of samples; or when more of a test's statistics lie beyond the threshold that it reports.
Tests that take long have as many draws as the time allows. A part of it runs with every `+"`make test`"+`.

Measured in %s on %d processors with %s. P-values that come from permutations are from %d draws.
`, d.took.Round(time.Second), runtime.GOMAXPROCS(0), runtime.Version(), d.plan.permutations)
}

func (d document) body() string {
	var t strings.Builder
	d.writeLevels(&t)
	d.writeConservative(&t)
	d.writeFamilies(&t)
	d.writeWatches(&t)
	d.writePowers(&t)
	return t.String()
}

// row gathers the levels of one convention on one type of feature.
type row struct {
	convention, kind string
	spec             detect.Spec
	cells            []level
}

func (d document) rows() []row {
	var rows []row
	for _, l := range d.levels {
		i := slices.IndexFunc(rows, func(r row) bool { return r.convention == l.subject.convention && r.kind == l.subject.kindName() })
		if i < 0 {
			i = len(rows)
			rows = append(rows, row{convention: l.subject.convention, kind: l.subject.kindName(), spec: l.subject.spec})
		}
		rows[i].cells = append(rows[i].cells, l)
	}
	return rows
}

const levelsHead = `
## False alarms of each test

Every row is a convention on one type of feature over all distributions and sizes that it has numbers for. "p ≤ 0.05" is over all draws together, "least" and "most" of
one distribution and size; "beyond threshold" is the share of statistics beyond the threshold that the result shows. A mean below 5 % is what discrete
statistics have: few rows, ties, small tables.

| Convention | Features | Cells | Draws | p ≤ 0.05 | Least | Most | At | Beyond threshold | DRIFT | |
|---|---|--:|--:|--:|--:|--:|---|--:|--:|---|
`

func (d document) writeLevels(t *strings.Builder) {
	t.WriteString(levelsHead)
	for _, r := range d.rows() {
		var draws, rejected, beyond, threshold, drift int
		var used []level
		for _, l := range r.cells {
			if l.draws == 0 {
				continue
			}
			used = append(used, l)
			draws, rejected, beyond, threshold, drift = draws+l.draws, rejected+l.rejected, beyond+l.beyond, threshold+l.threshold, drift+l.drift
		}
		if len(used) == 0 {
			fmt.Fprintf(t, "| %s | %s | 0 | 0 | | | | | | | %s |\n", r.convention, r.kind, r.cells[0].reason)
			continue
		}
		compare := func(a, b level) int { return cmp.Compare(a.rate(), b.rate()) }
		least, most := slices.MinFunc(used, compare), slices.MaxFunc(used, compare)
		fmt.Fprintf(t, "| %s | %s | %d | %d | %s | %.1f %% | %.1f %% | %s, %d/%d | %s | %s | %s |\n", r.convention, r.kind, len(used), draws, percent(rejected, draws),
			100*least.rate(), 100*most.rate(), most.subject.source, most.subject.baseline, most.subject.current, percent(beyond, threshold), percent(drift, draws), r.verdict(used))
	}
}

// verdict says in a word what the levels show.
func (r row) verdict(used []level) string {
	if why, ok := compatibility[r.convention]; ok {
		return "for comparison only: " + why
	}
	var many, few, again int
	for _, l := range used {
		if l.repeated {
			again++
		}
		switch {
		case l.tooMany():
			many++
		case l.conservative():
			few++
		}
	}
	switch {
	case many > 0:
		return fmt.Sprintf("**too many in %d cells**", many)
	case again > 0:
		return fmt.Sprintf("holds; %d cells on the second samples only", again)
	case few > 0:
		return fmt.Sprintf("holds; conservative in %d of %d cells", few, len(used))
	}
	return "holds"
}

// writeConservative lists what the catalog says about tests that reject too rarely.
func (d document) writeConservative(t *strings.Builder) {
	t.WriteString("\n### Conservative, and why\n\nA conservative test raises fewer false alarms than it was allowed to, and finds a little less. What the catalog says of those with cells below 5 % − 3 standard errors:\n\n")
	for _, r := range d.rows() {
		var where []string
		for _, l := range r.cells {
			if _, known := compatibility[r.convention]; l.conservative() && !known {
				where = append(where, fmt.Sprintf("%s %d/%d %.1f %%", l.subject.source, l.subject.baseline, l.subject.current, 100*l.rate()))
			}
		}
		if len(where) == 0 {
			continue
		}
		more := ""
		if len(where) > 4 {
			more = fmt.Sprintf(" and %d more", len(where)-4)
			where = where[:4]
		}
		fmt.Fprintf(t, "- %s (%s): %s%s. %s.\n", r.convention, r.kind, strings.Join(where, "; "), more, strings.Join(r.spec.Assumptions, "; "))
	}
}

func (d document) writeFamilies(t *strings.Builder) {
	t.WriteString("\n## False alarms of whole data sets\n\nNo feature has changed. With a false discovery rate of 5 % at most one run in twenty may find anything; `DRIFT` needs an effect that matters besides.\n\n")
	t.WriteString("| Features | Tests | Runs | Runs with a significant test | Runs with DRIFT |\n|--:|---|--:|--:|--:|\n")
	for _, f := range d.families {
		fmt.Fprintf(t, "| %d | %s | %d | %s | %s |\n", f.features, f.what, f.runs, percent(f.significant, f.runs), percent(f.alarms, f.runs))
	}
}

func (d document) writeWatches(t *strings.Builder) {
	fmt.Fprintf(t, "\n## Detectors of concept drift\n\nWith their defaults, on errors with a rate of 0.2: drifts in 100,000 values without a change (mean of %d streams), and of %d streams whose rate changes after %d values the share found within as many again, with the mean delay in values.\n\n",
		d.plan.streams, d.plan.trials, changeAt)
	t.WriteString("| Detector | False alarms per 100,000 | 0.2 → 0.3 found | Delay | 0.2 → 0.5 found | Delay |\n|---|--:|--:|--:|--:|--:|\n")
	for _, w := range d.watches {
		fmt.Fprintf(t, "| %s | %.1f | %.0f %% | %.0f | %.0f %% | %.0f |\n", w.convention, w.alarms, 100*float64(w.found[0])/float64(w.trials), w.delay[0], 100*float64(w.found[1])/float64(w.trials), w.delay[1])
	}
}

const powersHead = `
## Power beside the peers

How many of a hundred changed samples each test finds; the baseline is standard normal. The first column is no change at all: what stands there
are false alarms, and a test that has many of them finds changes at no skill. Own tests at p ≤ 0.05, in brackets those whose effect matters too, which is what DRIFT
is; SciPy at p ≤ 0.05; Evidently and NannyML with their default tests and thresholds.
`

func (d document) writePowers(t *strings.Builder) {
	t.WriteString(powersHead)
	for i, size := range powerSizes {
		fmt.Fprintf(t, "\n### %d against %d rows\n\n| Test |", size[0], size[1])
		for _, c := range changes() {
			fmt.Fprintf(t, " %s |", c.name)
		}
		t.WriteString("\n|---|" + strings.Repeat("--:|", len(changes())) + "\n")
		for _, p := range d.powers[i] {
			fmt.Fprintf(t, "| %s |", p.name)
			for c := range p.found {
				fmt.Fprintf(t, " %.0f (%.0f) |", 100*float64(p.found[c])/float64(p.draws), 100*float64(p.drift[c])/float64(p.draws))
			}
			t.WriteString("\n")
		}
		for _, p := range d.peers[i] {
			fmt.Fprintf(t, "| *%s* |", p.name)
			for c := range p.found {
				fmt.Fprintf(t, " %.0f |", 100*float64(p.found[c])/float64(p.draws))
			}
			t.WriteString("\n")
		}
	}
}
