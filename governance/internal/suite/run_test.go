package suite_test

import (
	"context"
	"errors"
	"iter"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"

	"github.com/aumos-enterprise/platform/governance/internal/library"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/governance/internal/suite"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// gates hold up evaluations that ask for a UUID named like one.
var gates sync.Map // string -> chan struct{}

func TestMain(m *testing.M) {
	name := ast.UUIDRFC4122.Name
	original := topdown.GetBuiltin(name)
	topdown.RegisterBuiltinFunc(name, func(bctx topdown.BuiltinContext, in []*ast.Term, iter func(*ast.Term) error) error {
		if gate, ok := gates.Load(string(in[0].Value.(ast.String))); ok {
			<-gate.(chan struct{})
		}
		return original(bctx, in, iter)
	})
	os.Exit(m.Run())
}

func newEngine(t *testing.T, c rego.Config) *rego.Engine {
	t.Helper()
	e := rego.NewEngine(c)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
		defer cancel()
		if err := e.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return e
}

func subject(t *testing.T, data map[string]any, modules ...rego.Module) suite.Subject {
	t.Helper()
	document, err := rego.NewData(data)
	if err != nil {
		t.Fatal(err)
	}
	c, err := rego.Compile(rego.Source{Modules: modules, Data: document})
	if err != nil {
		e, _ := errors.AsType[*errs.Error](err)
		t.Fatalf("%+v", e.Violations)
	}
	return suite.Subject{Tenant: tenant.ID(uuid.MustParse("01890000-0000-7000-8000-00000000000a")), Policy: c, Modules: modules}
}

func input(t *testing.T, v map[string]any) rego.Input {
	t.Helper()
	in, err := rego.NewInput(v)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func sequence(tests ...suite.Test) iter.Seq2[suite.Test, error] {
	return func(yield func(suite.Test, error) bool) {
		for _, t := range tests {
			if !yield(t, nil) {
				return
			}
		}
	}
}

const transfers = `package transfers
default allow := false
allow if {
	input.amount <= data.limit
}
violations contains {"code": "OVER_LIMIT", "message": sprintf("over %d", [data.limit])} if input.amount > data.limit
violations contains "no amount" if not input.amount
obligations contains {"id": "notify", "whom": input.owner} if input.owner
obligations contains "log" if input.amount > 5
violations contains "weekend" if input.clock == time.now_ns()
violations contains "broken" if {
	1 / input.divisor == 1
}
`

func TestRun(t *testing.T) {
	t.Parallel()
	s := subject(t, map[string]any{"limit": 10.0}, rego.Module{Path: "transfers.rego", Source: transfers})
	data := func(v map[string]any) *rego.Data {
		d, err := rego.NewData(v)
		if err != nil {
			t.Fatal(err)
		}
		return &d
	}
	tests := []struct {
		name    string
		test    suite.Test
		status  suite.Status
		message string
	}{
		{"allow", suite.Test{Input: input(t, map[string]any{"amount": 5.0}), Want: suite.Expectation{Outcome: rego.Allow}}, suite.Passed, ""},
		{
			"allow instead of deny",
			suite.Test{Input: input(t, map[string]any{"amount": 5.0}), Want: suite.Expectation{Outcome: rego.Deny}},
			suite.Failed, "want DENY, got ALLOW",
		},
		{
			"deny with codes",
			suite.Test{Input: input(t, map[string]any{"amount": 11.0}), Want: suite.Expectation{Outcome: rego.Deny, Violations: []string{"OVER_LIMIT"}}},
			suite.Passed, "",
		},
		{
			"messages where there is no code",
			suite.Test{Input: input(t, nil), Want: suite.Expectation{Outcome: rego.Deny, Violations: []string{"no amount", "no amount"}}},
			suite.Passed, "",
		},
		{
			"other violations",
			suite.Test{Input: input(t, map[string]any{"amount": 11.0}), Want: suite.Expectation{Outcome: rego.Deny, Violations: []string{"B", "A"}}},
			suite.Failed, "violations missing: A, B; violations not expected: OVER_LIMIT",
		},
		{"violations that do not matter", suite.Test{Input: input(t, map[string]any{"amount": 11.0}), Want: suite.Expectation{Outcome: rego.Deny, AnyViolations: true}}, suite.Passed, ""},
		{
			"obligations",
			suite.Test{
				Input: input(t, map[string]any{"amount": 6.0, "owner": "ann"}), Want: suite.Expectation{Outcome: rego.Allow, Obligations: []string{"log", "notify"}},
			},
			suite.Passed, "",
		},
		{
			"other obligations",
			suite.Test{Input: input(t, map[string]any{"amount": 6.0}), Want: suite.Expectation{Outcome: rego.Allow, Obligations: []string{"notify"}}},
			suite.Failed, "obligations missing: notify; obligations not expected: log",
		},
		{"obligations that do not matter", suite.Test{Input: input(t, map[string]any{"amount": 6.0}), Want: suite.Expectation{Outcome: rego.Allow, AnyObligations: true}}, suite.Passed, ""},
		{
			"error",
			suite.Test{Input: input(t, map[string]any{"amount": 6.0, "divisor": 0.0}), Want: suite.Expectation{Outcome: rego.Allow}},
			suite.Failed, "want ALLOW, got ERROR (BUILTIN_ERROR): transfers.rego:12:2 eval_builtin_error: div: divide by zero",
		},
		{"expected error", suite.Test{Input: input(t, map[string]any{"divisor": 0.0}), Want: suite.Expectation{Outcome: rego.Error}}, suite.Passed, ""},
		{
			"another data document",
			suite.Test{
				Input: input(t, map[string]any{"amount": 5.0}), Data: data(map[string]any{"limit": 1.0}), Want: suite.Expectation{Outcome: rego.Deny, AnyViolations: true},
			},
			suite.Passed, "",
		},
		{
			"a data document in the way of a rule",
			suite.Test{
				Input: input(t, nil), Data: data(map[string]any{"transfers": map[string]any{"allow": true}}), Want: suite.Expectation{Outcome: rego.Allow},
			},
			suite.Errored, "the case's data document cannot stand in for the version's: conflicting rule for data path transfers/allow found, defined at transfers.rego:2:1",
		},
		{
			"the clock is pinned",
			suite.Test{
				Input: input(t, map[string]any{"amount": 1.0, "clock": 946684800000000000.0}), Want: suite.Expectation{Outcome: rego.Allow, Violations: []string{"weekend"}},
			},
			suite.Passed, "",
		},
		{
			"a clock of its own",
			suite.Test{
				Input: input(t, map[string]any{"amount": 1.0, "clock": 1000000000000000000.0}), Now: time.Unix(1_000_000_000, 0), Want: suite.Expectation{Outcome: rego.Allow, Violations: []string{"weekend"}},
			},
			suite.Passed, "",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			report, err := suite.Run(t.Context(), newEngine(t, rego.Config{Deadline: 10 * time.Second}), s, sequence(tt.test), true)
			if err != nil || len(report.Results) != 1 {
				t.Fatalf("%+v, %v", report, err)
			}
			got := report.Results[0]
			if got.Status != tt.status || got.Message != tt.message {
				t.Errorf("status %v, message %q, want %v, %q", got.Status, got.Message, tt.status, tt.message)
			}
		})
	}
}

func TestRunCounts(t *testing.T) {
	t.Parallel()
	s := subject(t, nil,
		rego.Module{Path: "p.rego", Source: "package p\ndefault allow := false\nallow if input.x == 1\nlost := 1\n"},
		rego.Module{Path: "p_test.rego", Source: "package p_test\nimport data.p\ntest_denies if not p.allow with input as {}\ntest_wrong if p.allow with input as {}\n"},
	)
	e := newEngine(t, rego.Config{Deadline: 10 * time.Second})
	cases := sequence(
		suite.Test{Name: "a", Input: input(t, map[string]any{"x": 1.0}), Want: suite.Expectation{Outcome: rego.Allow}},
		suite.Test{Name: "b", Input: input(t, map[string]any{"x": 1.0}), Want: suite.Expectation{Outcome: rego.Deny}},
	)
	report, err := suite.Run(t.Context(), e, s, cases, true)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, r := range report.Results {
		names = append(names, r.Name+" "+r.Path)
	}
	if diff := cmp.Diff([]string{"a ", "b ", "data.p_test.test_denies p_test.rego", "data.p_test.test_wrong p_test.rego"}, names); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	if report.Passed != 2 || report.Failed != 2 || report.Errored != 0 || report.CoveragePercent != 66 || !report.InTime || report.Success(0) {
		t.Errorf("%+v", report)
	}
	// Without its failing tests it is a success up to its coverage, and without any test it is none.
	if report, err = suite.Run(t.Context(), e, s, sequence(suite.Test{Input: input(t, nil), Want: suite.Expectation{Outcome: rego.Deny}}), false); err != nil {
		t.Fatal(err)
	}
	if !report.Success(0) || !report.Success(33) || report.Success(34) {
		t.Errorf("%+v", report)
	}
	if report, err = suite.Run(t.Context(), e, s, sequence(), false); err != nil || report.Success(0) {
		t.Errorf("an empty suite: %+v, %v", report, err)
	}
	// A case that cannot be had ends the run.
	broken := errors.New("broken")
	if _, err = suite.Run(t.Context(), e, s, func(yield func(suite.Test, error) bool) { yield(suite.Test{}, broken) }, false); !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
}

// A case that overruns could not be run, also when an error is expected.
func TestRunOverrun(t *testing.T) {
	t.Parallel()
	s := subject(t, nil, rego.Module{Path: "p.rego", Source: "package p\nallow if count([1 | some i in numbers.range(1, 30000); some j in numbers.range(1, 30000); i == j + 1000000]) > 0\n"})
	overruns := suite.Test{Input: input(t, nil), Want: suite.Expectation{Outcome: rego.Error}}
	report, err := suite.Run(t.Context(), newEngine(t, rego.Config{Deadline: 100 * time.Millisecond}), s, sequence(overruns), false)
	if err != nil || report.Errored != 1 || !report.InTime || report.Results[0].Message != "the policy overran the deadline of an evaluation" {
		t.Errorf("%+v, %v", report, err)
	}
}

// What a busy host gave no processor, and what is left after a minute, could not be run, and the report says so.
func TestRunOutOfTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		gates.Store(t.Name(), gate)
		defer close(gate)
		s := subject(t, nil, rego.Module{Path: "p.rego", Source: "package p\nallow if uuid.rfc4122(\"" + t.Name() + "\")\ntest_quick := true\n"})
		overruns := suite.Test{Input: input(t, nil), Want: suite.Expectation{Outcome: rego.Error}}
		start := time.Now()
		report, err := suite.Run(t.Context(), newEngine(t, rego.Config{Deadline: 100 * time.Millisecond}), s, sequence(overruns, overruns), true)
		if took := time.Since(start); err != nil || took != suite.MaxDuration {
			t.Fatalf("after %s: %v", took, err)
		}
		var got []string
		for _, r := range report.Results {
			if r.Status != suite.Errored {
				t.Errorf("%+v", r)
			}
			got = append(got, r.Message)
		}
		none := "the run had no time left"
		if diff := cmp.Diff([]string{none, none, none}, got); diff != "" || report.InTime || report.Errored != 3 {
			t.Errorf("%+v (-want +got):\n%s", report, diff)
		}
		// A caller who leaves gets no report.
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := suite.Run(ctx, newEngine(t, rego.Config{}), s, sequence(overruns, overruns), false); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
		}
	})
}

// The examples of the built-in policies are cases that pass.
func TestRunLibrary(t *testing.T) {
	t.Parallel()
	for _, template := range library.Templates() {
		t.Run(template.Name, func(t *testing.T) {
			t.Parallel()
			instance, err := template.Instantiate(template.Example.Parameters)
			if err != nil {
				t.Fatal(err)
			}
			modules := rego.Modules(instance.Modules)
			now, err := time.Parse(time.RFC3339, template.Example.Now)
			if err != nil {
				t.Fatal(err)
			}
			example := suite.Test{Input: input(t, template.Example.Input), Now: now, Want: suite.Expectation{Outcome: rego.Allow}}
			report, err := suite.Run(t.Context(), newEngine(t, rego.Config{Deadline: 10 * time.Second}), subject(t, nil, modules...), sequence(example), false)
			if err != nil || !report.Success(10) {
				t.Errorf("%+v, %v", report, err)
			}
		})
	}
}
