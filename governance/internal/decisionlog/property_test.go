package decisionlog_test

import (
	"cmp"
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/audittest"
	"github.com/aumos-enterprise/platform/governance/internal/decision"
	"github.com/aumos-enterprise/platform/governance/internal/decisionlog"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

var (
	begin    = time.Date(2026, 3, 29, 0, 0, 0, 0, time.UTC) // clocks change on that day, which UTC does not know
	policies = []uuid.UUID{{1}, {2}, {3}}
	points   = []string{"model.promote", "drift.retrain"}
	texts    = []string{"A", "B", "NUL \x00", "zażółć"}
)

// randomDecision is deterministic in r.
func randomDecision(r *rand.Rand) decision.Decision {
	outcome := func() rego.Outcome { return rego.Outcome(1 + r.IntN(3)) }
	at := begin.Add(time.Duration(r.Int64N(int64(5*time.Hour/time.Microsecond))) * time.Microsecond)
	d := decide(at, policies[r.IntN(len(policies))], outcome())
	d.Subject, d.CorrelationID = []string{"ann", "ben"}[r.IntN(2)], []string{"", "run-1"}[r.IntN(2)]
	d.Duration = time.Duration(r.Int64N(3000)) * time.Microsecond
	if r.IntN(3) > 0 {
		d.Resource = decision.Resource{Type: []string{"model", "agent"}[r.IntN(2)], ID: texts[r.IntN(len(texts))]}
	}
	if r.IntN(2) == 0 {
		d.DecisionPoint, d.Results = points[r.IntN(len(points))], nil
		for _, p := range policies[r.IntN(len(policies)):] {
			d.Results = append(d.Results, decide(at, p, outcome()).Results...)
		}
	}
	for i := range d.Results {
		for range r.IntN(4) {
			v := rego.Violation{Message: texts[r.IntN(len(texts))], Control: texts[r.IntN(len(texts))]}
			if r.IntN(2) == 0 {
				v.Code = texts[r.IntN(len(texts))]
			}
			d.Results[i].Violations = append(d.Results[i].Violations, v)
		}
	}
	return d
}

// expect counts the decisions one by one, in the words of the contract.
func expect(all []decision.Decision, q decisionlog.Query) (want decisionlog.Statistics) {
	hours := map[time.Time]*decisionlog.Hour{}
	durations := map[time.Time][]time.Duration{}
	denied := map[decision.Resource]int64{}
	type rule struct {
		policy uuid.UUID
		code   string
	}
	rules := map[rule]*decisionlog.ViolatedRule{}
	for _, d := range all {
		if d.Time.Before(q.From) || !d.Time.Before(q.Until) || q.DecisionPoint != "" && d.DecisionPoint != q.DecisionPoint {
			continue
		}
		outcome, results := d.Outcome, d.Results
		if q.Policy != uuid.Nil {
			i := slices.IndexFunc(results, func(r decision.Result) bool { return r.PolicyID == q.Policy })
			if i < 0 {
				continue
			}
			outcome, results = results[i].Outcome, results[i:i+1]
		}
		t := d.Time.Truncate(time.Hour)
		for _, of := range []time.Time{t, {}} { // the zero time stands for all
			if hours[of] == nil {
				hours[of] = &decisionlog.Hour{Time: of}
			}
			switch outcome {
			case rego.Allow:
				hours[of].Allowed++
			case rego.Deny:
				hours[of].Denied++
			default:
				hours[of].Errors++
			}
			durations[of] = append(durations[of], d.Duration)
		}
		if outcome == rego.Deny && d.Resource.Type != "" {
			denied[d.Resource]++
		}
		for _, r := range results {
			seen := map[string]bool{}
			for _, v := range r.Violations {
				key := rule{r.PolicyID, cmp.Or(v.Code, v.Message)}
				if rules[key] == nil {
					rules[key] = &decisionlog.ViolatedRule{Policy: r.PolicyID, Code: key.code}
				}
				if !seen[key.code] {
					rules[key].Decisions++
				}
				seen[key.code], rules[key].Control = true, v.Control
			}
		}
	}
	for of, h := range hours {
		slices.Sort(durations[of])
		rank := func(percent int) time.Duration {
			d := durations[of][(percent*len(durations[of])+99)/100-1]
			if d >= time.Millisecond {
				return d.Round(10 * time.Microsecond) // all are below 10 ms
			}
			return d
		}
		h.P50, h.P95, h.P99 = rank(50), rank(95), rank(99)
		if of.IsZero() {
			want.Counts = h.Counts
		} else if q.Hourly {
			want.Hours = append(want.Hours, *h)
		}
	}
	slices.SortFunc(want.Hours, func(a, b decisionlog.Hour) int { return a.Time.Compare(b.Time) })
	for r, n := range denied {
		want.Denied = append(want.Denied, decisionlog.DeniedResource{Resource: r, Denied: n})
	}
	slices.SortFunc(want.Denied, func(a, b decisionlog.DeniedResource) int {
		return cmp.Or(cmp.Compare(b.Denied, a.Denied), cmp.Compare(a.Type, b.Type), cmp.Compare(a.ID, b.ID))
	})
	for _, r := range rules {
		want.Violated = append(want.Violated, *r)
	}
	slices.SortFunc(want.Violated, func(a, b decisionlog.ViolatedRule) int {
		return cmp.Or(cmp.Compare(b.Decisions, a.Decisions), cmp.Compare(a.Policy.String(), b.Policy.String()), cmp.Compare(a.Code, b.Code))
	})
	want.Denied, want.Violated = want.Denied[:min(q.Top, len(want.Denied))], want.Violated[:min(q.Top, len(want.Violated))]
	return want
}

// TestStatisticsAreExact counts two tenants' decisions, recorded between other entries, by two replicas that count at the same time in batches of any size
// while more is recorded, one of which has written them, and compares with the decisions themselves.
func TestStatisticsAreExact(t *testing.T) {
	t.Parallel()
	b := setup(t)
	second, _ := audittest.Start(t, audittest.Databases(b.audit), audittest.Config(t))
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		replica := func(wall *audit.Wall) *decisionlog.Log {
			return b.log(func(c *decisionlog.Config) { c.Wall, c.Batch = wall, 1+r.IntN(40) })
		}
		one, other := replica(b.wall), replica(second)
		logs := map[tenant.ID][]decision.Decision{audittest.NewTenant(b.t): nil, audittest.NewTenant(b.t): nil}
		sizes := map[tenant.ID]int64{}
		for range 1 + r.IntN(3) {
			for id := range logs {
				for range r.IntN(4) {
					var more []decision.Decision
					for range r.IntN(12) {
						more = append(more, randomDecision(r))
					}
					b.record(id, more...)
					audittest.Append(b.t, []*audit.Wall{b.wall, second}[r.IntN(2)], audittest.NewEntry(b.t, id))
					logs[id] = append(logs[id], more...)
					sizes[id] += int64(len(more)) + 1
				}
			}
			countTogether(b.t, logs, one, other)
		}
		for id, all := range logs {
			for range 4 {
				q := decisionlog.Query{From: begin.Add(time.Duration(r.IntN(3)) * time.Hour), Top: 1 + r.IntN(30), Hourly: r.IntN(2) == 0}
				q.Until = q.From.Add(time.Duration(1+r.IntN(5)) * time.Hour)
				if r.IntN(2) == 0 {
					q.Policy = policies[r.IntN(len(policies))]
				}
				if r.IntN(2) == 0 {
					q.DecisionPoint = points[r.IntN(len(points))]
				}
				got, err := one.Statistics(in(b.t.Context(), id), q)
				if err != nil {
					t.Fatal(err)
				}
				want := expect(all, q)
				want.Position = sizes[id]
				if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
					t.Fatalf("%+v (-want +got):\n%s", q, diff)
				}
			}
		}
	})
}

func countTogether(t testing.TB, logs map[tenant.ID][]decision.Decision, replicas ...*decisionlog.Log) {
	t.Helper()
	var counting sync.WaitGroup
	for _, replica := range replicas {
		for id := range logs {
			counting.Go(func() {
				if err := replica.CatchUp(in(context.WithoutCancel(t.Context()), id)); err != nil {
					t.Error(err)
				}
			})
		}
	}
	counting.Wait()
}

// TestListIsComplete compares the pages of a list with the decisions themselves, of which any part is counted.
func TestListIsComplete(t *testing.T) {
	t.Parallel()
	b := setup(t)
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		log := b.log(func(c *decisionlog.Config) { c.Scan = 3 + r.IntN(30) })
		id := audittest.NewTenant(b.t)
		var all []decision.Decision
		for i, counted := 0, r.IntN(6); i < 5; i++ {
			if i == counted {
				if err := log.CatchUp(in(b.t.Context(), id)); err != nil {
					t.Fatal(err)
				}
			}
			var more []decision.Decision
			for range 1 + r.IntN(20) {
				d := randomDecision(r)
				if r.IntN(4) == 0 {
					d.Time = time.Now().UTC().Truncate(time.Microsecond)
				}
				more = append(more, d)
			}
			b.record(id, more...)
			audittest.Append(b.t, b.wall, audittest.NewEntry(b.t, id))
			all = append(all, more...)
		}
		for range 3 {
			f := randomFilter(r)
			var want []string
			for _, d := range slices.Backward(all) {
				if f.Match(d) {
					want = append(want, d.ID.String())
				}
			}
			limit := 1 + r.IntN(40)
			var got []string
			for before, more := int64(math.MaxInt64), true; more; {
				p, err := log.List(in(b.t.Context(), id), f, before, limit)
				if err != nil || len(p.Decisions) > limit || p.More && p.Next >= before {
					t.Fatalf("%d decisions before %d, more %t before %d, %v", len(p.Decisions), before, p.More, p.Next, err)
				}
				got = append(got, ids(p.Decisions)...)
				before, more = p.Next, p.More
			}
			if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("%+v (-want +got):\n%s", f, diff)
			}
		}
	})
}

func randomFilter(r *rand.Rand) (f decisionlog.Filter) {
	maybe := func(set func()) {
		if r.IntN(3) == 0 {
			set()
		}
	}
	maybe(func() { f.Policy = policies[r.IntN(len(policies))] })
	maybe(func() { f.Version = policies[r.IntN(len(policies))] })
	maybe(func() { f.DecisionPoint = points[r.IntN(len(points))] })
	maybe(func() { f.Outcome = rego.Outcome(1 + r.IntN(3)) })
	maybe(func() { f.Resource.Type = "model" })
	maybe(func() { f.Resource.ID = texts[r.IntN(len(texts))] })
	maybe(func() { f.Subject = "ann" })
	maybe(func() { f.CorrelationID = "run-1" })
	maybe(func() { f.ViolationCode = texts[r.IntN(len(texts))] })
	maybe(func() { f.From = begin.Add(time.Duration(r.Int64N(int64(5 * time.Hour)))) })
	maybe(func() { f.Until = begin.Add(time.Duration(r.Int64N(int64(5 * time.Hour)))) })
	return f
}
