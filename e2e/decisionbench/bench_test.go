//go:build linux

package decisionbench_test

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"
)

// question is put to both servers.
var question = map[string]any{
	"detection": map[string]any{
		"id": "01890000-0000-7000-8000-000000000001", "status": "DRIFT_STATUS_DRIFT", "severity": 0.8, "drifted_feature_count": 3.0, "feature_count": 8.0,
		"row_count": 5000.0, "evidence": map[string]any{"state": "EVIDENCE_STATE_RECORDED"},
	},
	"model": map[string]any{"id": "01890000-0000-7000-8000-000000000002", "name": "delays", "task": "REGRESSION", "owner": "ops"},
}

const (
	warmUp     = 2 * time.Second
	roundTime  = 4 * time.Second
	allRounds  = 5
	steadyTime = 6 * time.Second
	// steadyRounds is how often: one stall of the machine would be all that a single round shows.
	steadyRounds = 5
	// steadyShare of the highest rate is what the latency is measured at.
	steadyShare = 0.8
	// lookTime is how long the highest rate is looked at just before: a shared machine is a third faster in one minute than in the next, and four fifths of a rate
	// of then may be more than all of now.
	lookTime = 2 * time.Second
	// even rounds ask all contenders at the same rate.
	evenTime   = 4 * time.Second
	evenRounds = 3
)

// BenchmarkDecisions asks this platform and OPA's server the same question with the same policy, in turns, and prints how they compare. Every decision of the
// platform is authenticated, audited and durable; OPA's is neither.
func BenchmarkDecisions(b *testing.B) {
	policy, err := filepath.Abs("../../examples/policies/retrain.rego")
	if err != nil {
		b.Fatal(err)
	}
	p := startPlatform(b, policy)
	plain, plainPID := startOPA(b, policy)
	logging, loggingPID := startOPA(b, policy, "--set", "decision_logs.console=true")
	ours := meter{servers: []int{p.pid}, postgres: p.postmaster()}
	meters := map[contender]meter{platformAlone: ours, platformShared: ours, opaAlone: {servers: []int{plainPID}}, opaLogging: {servers: []int{loggingPID}}}
	report := document{machine: p.describe()}
	for b.Loop() {
		for _, n := range []int{32, 256} {
			r := compare(b, n, meters, map[contender]*load{
				platformAlone:  p.connections(n, n),
				platformShared: p.connections(n, 8),
				opaAlone:       askOPA(b, plain, n),
				opaLogging:     askOPA(b, logging, n),
			})
			report.results = append(report.results, r)
		}
	}
	fmt.Fprintln(os.Stderr, report.table())
	if os.Getenv("UPDATE_BENCH_DECISIONS") != "" {
		if err := report.write(); err != nil {
			b.Fatal(err)
		}
	}
}

// contender is what is measured.
type contender string

const (
	platformAlone  contender = "platform"
	platformShared contender = "platform, 8 connections shared"
	opaAlone       contender = "OPA"
	opaLogging     contender = "OPA with console decision logs"
)

var contenders = []contender{platformAlone, platformShared, opaAlone, opaLogging}

// result is what the contenders reached with so many callers.
type result struct {
	callers   int
	saturated map[contender][]measured // one for each round
	steady    map[contender][]measured // at a share of the contender's own highest rate, one for each round
	even      map[contender][]measured // at the rate of evenRate, one for each round
	refused   map[contender]refused    // in all that was asked, what only warmed up and was looked at as well
}

// perSecond is the median of the rounds.
func (r result) perSecond(c contender) float64 {
	var rates []float64
	for _, m := range r.saturated[c] {
		rates = append(rates, m.perSecond())
	}
	return median(rates)
}

// ratio is the median of the rounds' ratios: contenders of one round have seen the same machine.
func (r result) ratio(of, to contender) float64 {
	var ratios []float64
	for i, m := range r.saturated[of] {
		ratios = append(ratios, m.perSecond()/r.saturated[to][i].perSecond())
	}
	return median(ratios)
}

// evenRate is the share of the slowest contender's highest rate.
func (r result) evenRate() float64 {
	lowest := r.perSecond(contenders[0])
	for _, c := range contenders[1:] {
		lowest = min(lowest, r.perSecond(c))
	}
	return steadyShare * lowest
}

// latency is the median of the rounds' percentiles.
func latency(rounds []measured, percent int) time.Duration {
	var found []time.Duration
	for _, m := range rounds {
		found = append(found, m.percentile(percent))
	}
	return median(found)
}

// median returns the zero value for no values.
func median[T cmp.Ordered](values []T) (middle T) {
	slices.Sort(values)
	if len(values) > 0 {
		middle = values[len(values)/2]
	}
	return middle
}

// rounds is how often each contender has its turn, and whether that is only for a look in between: BENCH_DECISIONS_ROUNDS says how many.
func rounds(b *testing.B) (n int, look bool) {
	b.Helper()
	text := os.Getenv("BENCH_DECISIONS_ROUNDS")
	if text == "" {
		return allRounds, false
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		b.Fatalf("BENCH_DECISIONS_ROUNDS is %q, not a number of rounds", text)
	}
	return n, true
}

// compare lets the contenders take turns.
func compare(b *testing.B, callers int, meters map[contender]meter, loads map[contender]*load) result {
	b.Helper()
	r := result{
		callers: callers, saturated: make(map[contender][]measured), steady: make(map[contender][]measured), even: make(map[contender][]measured),
		refused: make(map[contender]refused),
	}
	note := func(c contender, m measured) measured {
		sum := r.refused[c]
		sum.add(m.refused)
		r.refused[c] = sum
		return m
	}
	for _, c := range contenders {
		note(c, saturate(b, loads[c], warmUp))
	}
	n, look := rounds(b)
	for range n {
		for _, c := range contenders {
			before := meters[c].read()
			m := note(c, saturate(b, loads[c], roundTime))
			m.cpu = meters[c].read().since(before)
			r.saturated[c] = append(r.saturated[c], m)
		}
	}
	if look {
		return r
	}
	for range steadyRounds {
		for _, c := range contenders {
			highest := note(c, saturate(b, loads[c], lookTime)).perSecond()
			r.steady[c] = append(r.steady[c], note(c, sustain(b, loads[c], steadyShare*highest, steadyTime)))
		}
	}
	rate := r.evenRate()
	for range evenRounds {
		for _, c := range contenders {
			r.even[c] = append(r.even[c], note(c, sustain(b, loads[c], rate, evenTime)))
		}
	}
	return r
}
