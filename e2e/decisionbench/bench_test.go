package decisionbench_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
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
	rounds     = 5
	steadyTime = 10 * time.Second
	// steadyShare of the highest rate is what the latency is measured at.
	steadyShare = 0.8
)

// BenchmarkDecisions asks this platform and OPA's server the same question with the same policy, in turns, and prints how they compare. Every decision of the
// platform is authenticated, audited and durable; OPA's is neither.
func BenchmarkDecisions(b *testing.B) {
	policy, err := filepath.Abs("../../examples/policies/retrain.rego")
	if err != nil {
		b.Fatal(err)
	}
	p := startPlatform(b, policy)
	plain := startOPA(b, policy)
	logging := startOPA(b, policy, "--set", "decision_logs.console=true")
	report := document{machine: p.describe()}
	for b.Loop() {
		for _, n := range []int{32, 256} {
			r := compare(b, n, map[contender][]ask{
				platformAlone:  p.connections(n, n),
				platformShared: p.connections(n, 8),
				opaAlone:       opaConnections(b, plain, n),
				opaLogging:     opaConnections(b, logging, n),
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
	steady    map[contender]measured   // at a share of the contender's own highest rate
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

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// compare lets the contenders take turns.
func compare(b *testing.B, callers int, asks map[contender][]ask) result {
	b.Helper()
	r := result{callers: callers, saturated: make(map[contender][]measured), steady: make(map[contender]measured)}
	for _, c := range contenders {
		saturate(b, asks[c], warmUp)
	}
	for range rounds {
		for _, c := range contenders {
			r.saturated[c] = append(r.saturated[c], saturate(b, asks[c], roundTime))
		}
	}
	for _, c := range contenders {
		r.steady[c] = sustain(b, asks[c], steadyShare*r.perSecond(c), steadyTime)
	}
	return r
}
