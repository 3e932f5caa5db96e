package replay_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/governance/internal/difference"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/governance/internal/replay"
)

// unsteady depends on the clock, on chance, on data, on the order of numbers' digits: on everything that could differ between then and now.
const unsteady = `
import rego.v1
default allow := false
allow if { round(time.now_ns() / 1000) % 2 == 0; input.score >= data.floor }
violations contains {"code": "UNLUCKY", "message": sprintf("%d", [rand.intn("a", 1000000)])} if rand.intn("b", 3) > 0
violations contains {"code": "ID", "message": uuid.rfc4122("x")}
violations contains "low" if input.score < data.floor
obligations contains {"id": "report", "third": input.score / 3, "at": time.now_ns() % 1000000007, "exact": 3.0, "list": [1e0, 10]} if allow
`

// A version that is replayed against its own decisions says the same about each of them.
func TestSameVersionDiffersNowhere(t *testing.T) {
	t.Parallel()
	f := setup(t)
	v := f.policy(tenantA, "unsteady", unsteady, map[string]any{"floor": 5.0}, "model.promote")
	f.policy(tenantA, "another", "default allow := false\nallow if rand.intn(\"c\", 2) == 0", nil, "model.promote")
	f.policy(tenantA, "broken", "allow if input.none", nil, "model.promote")
	outcomes := map[rego.Outcome]int{}
	for i := range 40 {
		q := question{point: "model.promote", resource: modelName(i % 7), input: map[string]any{"score": float64(i) / 3.7}}
		if i%2 == 0 {
			q.point, q.policy = "", v.PolicyID
		}
		d := f.decide(tenantA, q)
		said, _ := d.Of(v.PolicyID)
		outcomes[said.Outcome]++
	}
	if len(outcomes) != 2 {
		t.Fatalf("the test's policy is not unsteady: %v", outcomes)
	}
	r := f.create(tenantA, v, nil)
	f.drain(f.worker(nil))
	r = f.get(tenantA, r.ID)
	same := difference.Summary{Compared: 40, Same: 40}
	if r.State != replay.Succeeded || r.Summary != same || r.DecisionsSummary != same || r.InputsMissing != 0 || r.Scanned() != r.Total() {
		t.Errorf("got %+v", r)
	}
	if report := f.report(tenantA, r.ID); len(report.Resources)+len(report.Rules) != 0 {
		t.Errorf("got %+v", report)
	}
	if d := f.differences(tenantA, r.ID); len(d) != 0 {
		t.Errorf("%d differences", len(d))
	}
}

const (
	careful = `
import rego.v1
default allow := false
allow if count(violations) == 0
violations contains {"code": "RISK", "message": "too risky"} if input.risk > 5
violations contains {"code": "BIAS", "message": "no report"} if not input.bias_report
obligations contains "log" if allow`
	// buggy has the comparison the wrong way around, and no longer asks for the report.
	buggy = `
import rego.v1
default allow := false
allow if count(violations) == 0
violations contains {"code": "RISK", "message": "too risky"} if input.risk < 5
obligations contains "log" if allow`
)

// A bug is found where it strikes: by decision, resource and rule, and in what callers would have been told.
func TestBugIsFound(t *testing.T) {
	t.Parallel()
	f := setup(t)
	v := f.policy(tenantA, "careful", careful, nil, "model.promote")
	f.policy(tenantA, "strict", "default allow := false", nil, "model.promote")
	bug := f.version(tenantA, v.PolicyID, buggy, nil)
	ask := func(n int, q question) (ids []uuid.UUID) {
		for range n {
			ids = append(ids, f.decide(tenantA, q).ID)
		}
		return ids
	}
	calm, wild := map[string]any{"risk": 1.0, "bias_report": true}, map[string]any{"risk": 9.0, "bias_report": true}
	denied := ask(3, question{policy: v.PolicyID, resource: "calm", input: calm})
	allowed := ask(2, question{policy: v.PolicyID, resource: "wild", input: wild})
	atPoint := ask(1, question{point: "model.promote", resource: "calm", input: calm}) // denied by strict in any case
	ask(4, question{policy: v.PolicyID, input: map[string]any{"risk": 5.0, "bias_report": true}})
	changed := ask(1, question{policy: v.PolicyID, input: map[string]any{"risk": 1.0}}) // denied by both, for other reasons
	r := f.create(tenantA, bug, nil)
	f.drain(f.worker(func(c *replay.Config) { c.Page = 4 }))

	r = f.get(tenantA, r.ID)
	want := difference.Summary{Compared: 11, Same: 4, AllowToDeny: 4, DenyToAllow: 2, ViolationsChanged: 1}
	if diff := cmp.Diff(want, r.Summary); diff != "" {
		t.Errorf("summary: %s", diff)
	}
	want = difference.Summary{Compared: 11, Same: 4, AllowToDeny: 3, DenyToAllow: 2, ViolationsChanged: 2}
	if diff := cmp.Diff(want, r.DecisionsSummary); diff != "" {
		t.Errorf("summary of decisions: %s", diff)
	}
	wantReport := replay.Report{
		Resources: []replay.ResourceCount{
			{Resource: replay.Resource{Type: "model", ID: []byte("calm")}, Summary: difference.Summary{Compared: 4, AllowToDeny: 4}},
			{Resource: replay.Resource{Type: "model", ID: []byte("wild")}, Summary: difference.Summary{Compared: 2, DenyToAllow: 2}},
			{Resource: replay.Resource{ID: []byte{}}, Summary: difference.Summary{Compared: 5, Same: 4, ViolationsChanged: 1}},
		},
		Rules: []replay.RuleCount{{Code: "RISK", Added: 5, Removed: 2}, {Code: "BIAS", Removed: 1}},
	}
	if diff := cmp.Diff(wantReport, f.report(tenantA, r.ID)); diff != "" {
		t.Errorf("report: %s", diff)
	}
	found := f.differences(tenantA, r.ID)
	var ids []uuid.UUID
	for _, d := range found {
		ids = append(ids, d.DecisionID)
		if d.VersionID != v.ID {
			t.Errorf("version %s answered, not %s", d.VersionID, v.ID)
		}
	}
	if diff := cmp.Diff(slices.Concat(denied, allowed, atPoint, changed), ids); diff != "" {
		t.Errorf("differences: %s", diff)
	}
	first := difference.Difference{
		From: rego.Allow, To: rego.Deny, ViolationsAdded: []rego.Violation{{Code: "RISK", Message: "too risky"}},
		ObligationsRemoved: []rego.Obligation{{ID: "log"}},
	}
	if diff := cmp.Diff(first, found[0].Difference); diff != "" {
		t.Errorf("first difference: %s", diff)
	}
	ended := f.entries(tenantA, replay.EventFinished)
	if len(ended) != 1 || ended[0].Resource.ID != r.ID.String() || ended[0].Resource.State["state"] != "SUCCEEDED" || ended[0].Actor.OnBehalfOf != "analyst" {
		t.Errorf("entries %+v", ended)
	}
}

// Decisions are left out that are another policy's, another tenant's, of another decision point or of another time; those without an input are counted.
func TestWhatIsReplayed(t *testing.T) {
	t.Parallel()
	f := setup(t)
	v := f.policy(tenantA, "careful", careful, nil, "model.promote", "model.retire")
	other := f.policy(tenantA, "other", "allow := true", nil)
	foreign := f.policy(tenantB, "careful", careful, nil, "model.promote")
	in := map[string]any{"risk": 1.0, "bias_report": true}
	f.decide(tenantA, question{policy: v.PolicyID, input: in}) // before the range
	from := f.decide(tenantA, question{policy: v.PolicyID, input: in}).Time
	f.decide(tenantA, question{policy: v.PolicyID, input: in, forget: true})
	f.decide(tenantA, question{point: "model.promote", input: in})
	f.decide(tenantA, question{point: "model.retire", input: in})
	f.decide(tenantA, question{policy: other.PolicyID, input: in})
	f.decide(tenantB, question{policy: foreign.PolicyID, input: in})
	before := f.decide(tenantA, question{policy: v.PolicyID, input: in}).Time // the first after the range
	for name, c := range map[string]struct {
		point             string
		compared, missing int64
	}{
		"all": {"", 3, 1}, "of a point": {"model.retire", 1, 0}, "of a point that nobody asked": {"model.approve", 0, 0},
	} {
		r := f.create(tenantA, v, func(q *replay.Request) { q.From, q.Before, q.DecisionPoint = from, before, c.point })
		f.drain(f.worker(nil))
		if r = f.get(tenantA, r.ID); r.State != replay.Succeeded || r.Summary.Compared != c.compared || r.InputsMissing != c.missing {
			t.Errorf("%s: got %+v", name, r)
		}
	}
}

// The candidate may be modules that are stored nowhere else; they are gone when the replay is done.
func TestModulesThatAreNotStored(t *testing.T) {
	t.Parallel()
	f := setup(t)
	v := f.policy(tenantA, "careful", careful, nil)
	f.decide(tenantA, question{policy: v.PolicyID, input: map[string]any{"risk": 1.0, "bias_report": true}})
	data, err := rego.NewData(map[string]any{"never": true})
	if err != nil {
		t.Fatal(err)
	}
	v.Modules[0].Source = "package p\ndefault allow := false\nallow if not data.never"
	r := f.create(tenantA, v, func(q *replay.Request) { q.Candidate = replay.Candidate{Modules: v.Modules, Data: data.JSON()} })
	f.drain(f.worker(nil))
	if r = f.get(tenantA, r.ID); r.VersionID != uuid.Nil || r.Summary != (difference.Summary{Compared: 1, AllowToDeny: 1}) {
		t.Errorf("got %+v", r)
	}
}

func TestSpanOfAnEmptyLog(t *testing.T) {
	t.Parallel()
	f := setup(t)
	for _, from := range []time.Time{time.Now().Add(-time.Hour), time.Now().Add(time.Hour)} {
		if s, err := replay.FindSpan(f.as(tenantB), f.wall, from, from.Add(time.Hour)); err != nil || s != (replay.Span{}) {
			t.Errorf("got %+v, %v", s, err)
		}
	}
}
