package driftbench

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// line is one thing that was measured.
type line struct {
	name, peerName string
	per            string  // what units are
	units          float64 // in one run
	one, many      float64 // seconds of a run with one thread; of one among as many as there are processors, or of one on all of them
	peer           float64 // seconds of the peer; 0: not measured
	goal           float64 // times faster than the peer with one thread; 0: none
	slower         float64 // times slower than the peer at most; 0: see goal
}

// document is everything measured.
type document struct {
	plan   plan
	lines  []line
	memory []string
	took   time.Duration
}

func (d *document) add(l line) { d.lines = append(d.lines, l) }

func (d *document) head() string {
	return fmt.Sprintf(`# How fast the drift engine is, beside SciPy, Evidently and River

`+"`make bench-drift`"+` writes this file: the same data, on the same machine, in the same run, medians of %d rounds (reports: one). The peers are those of
[drift/peers/requirements.txt](../drift/peers/requirements.txt) with one thread for numerical libraries. Run it on a machine that does nothing else.

The engine keeps baselines sorted, so that a test costs the sort of the current side and one pass; SciPy's functions take both sides as they come, sort
both, and are given no other way. "All processors" is the time for each of as many columns or streams as there are processors, side by side, or a whole report on all of them. Evidently's preset is
measured on a part of the columns, since its time grows with their number.

Measured in %s on %s with %s and %d processors.

`, d.plan.rounds, d.took.Round(time.Second), processor(), runtime.Version(), runtime.GOMAXPROCS(0))
}

func (d *document) body() string {
	var t strings.Builder
	t.WriteString("| What | Per | One thread, ns | All processors, ns | Beside | Its ns | Ratio, one thread | Ratio, all | Goal | |\n|---|---|--:|--:|---|--:|--:|--:|--:|---|\n")
	for _, l := range d.lines {
		fmt.Fprintf(&t, "| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", l.name, l.per, l.each(l.one), l.each(l.many), l.peerName, l.each(l.peer),
			l.ratio(l.one), l.ratio(l.many), l.wanted(), l.met())
	}
	if len(d.memory) > 0 {
		fmt.Fprintf(&t, "\nLargest resident memory on all processors (goal: %g times the input):\n\n", memoryGoal)
		for _, m := range d.memory {
			t.WriteString("- " + m + "\n")
		}
	}
	return t.String()
}

func (l line) each(seconds float64) string {
	if seconds == 0 {
		return "–"
	}
	return fmt.Sprintf("%.3g", 1e9*seconds/l.units)
}

func (l line) ratio(seconds float64) string {
	switch {
	case seconds == 0 || l.peer == 0:
		return "–"
	case l.slower > 0:
		return fmt.Sprintf("1/%.2f", seconds/l.peer)
	}
	return fmt.Sprintf("%.1f×", l.peer/seconds)
}

func (l line) wanted() string {
	switch {
	case l.slower > 0:
		return fmt.Sprintf("1/%g", l.slower)
	case l.goal > 0:
		return fmt.Sprintf("%g×", l.goal)
	}
	return ""
}

func (l line) met() string {
	switch {
	case l.peer == 0 || l.goal == 0 && l.slower == 0:
		return ""
	case l.slower > 0 && l.one <= l.slower*l.peer || l.goal > 0 && l.peer >= l.goal*l.one:
		return "met"
	case l.goal > 0 && l.many > 0 && l.peer >= l.goal*l.many:
		return "met on all processors"
	}
	return "**missed**"
}

func size(n int) string {
	if n%1_000_000 == 0 {
		return fmt.Sprintf("%dM", n/1_000_000)
	}
	return fmt.Sprintf("%dk", n/1000)
}

// processor names what the numbers depend on.
func processor() string {
	info, _ := os.ReadFile("/proc/cpuinfo")
	for l := range strings.Lines(string(info)) {
		if name, value, ok := strings.Cut(l, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}
