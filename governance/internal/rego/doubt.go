package rego

import (
	"context"
	"log/slog"
	"reflect"
	"slices"
	"sync/atomic"
	"time"

	"github.com/open-policy-agent/opa/v1/topdown"
)

const (
	// doubtEvery is how many questions to a version come to one that topdown answers too, beginning with the first.
	doubtEvery = 1000
	// doubtFor is how long either may take for a comparison, which takes no turn from those who wait for an answer.
	doubtFor = 10 * time.Millisecond
)

// doubt is what keeps the machine honest in production: now and then topdown answers the same question, and where the answers differ, the version is
// topdown's from then on.
type doubt struct {
	questions atomic.Uint32
	justified atomic.Bool
}

// due reports whether it is time to compare.
func (d *doubt) due() bool { return d.questions.Add(1)%doubtEvery == 1 }

// compare asks both, and reports whether they have different answers. One that took too long says nothing.
func (c *Compiled) compare(o options) (differ bool) {
	defer func() {
		if recover() != nil { // whoever waits for the answer reports the same fault
			differ = false
		}
	}()
	inTime := func() topdown.Cancel { return &brief{start: time.Now(), limit: doubtFor} }
	a, err := c.ask(o, inTime())
	if err != nil {
		return false
	}
	own := resultOf(a)
	set, err := c.run(o, inTime())
	if err != nil {
		failure := failureOf(err)
		return failure.Reason != Deadline && !own.equal(failure)
	}
	return !own.equal(resultOf(c.answersOf(set)))
}

func (r Result) equal(other Result) bool {
	return r.Outcome == other.Outcome && r.Reason == other.Reason && slices.Equal(r.Violations, other.Violations) &&
		slices.EqualFunc(r.Obligations, other.Obligations, func(a, b Obligation) bool { return reflect.DeepEqual(a, b) })
}

// verify compares the answers to a question, one at a time and beside the one who waits for it.
func (e *Engine) verify(ev Evaluation) {
	select {
	case e.verifying <- struct{}{}:
	default:
		return // somebody else's; there are more questions to come
	}
	e.workers.do(func() {
		defer func() { <-e.verifying }()
		if !ev.Policy.compare(options{input: ev.Input, now: ev.Now, seed: ev.Seed}) {
			return
		}
		ev.Policy.doubt.justified.Store(true)
		e.metrics.differences.Inc()
		e.config.Log.LogAttrs(context.Background(), slog.LevelError, "the policy machine and the evaluator gave different answers: the evaluator answers from now on",
			slog.String("policy_version_id", ev.Tenure.Version.String()), slog.String("tenant_id", ev.Tenant.String()))
	})
}
