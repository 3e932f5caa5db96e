package suite

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

const (
	// MaxDuration is what all tests of one run have together.
	MaxDuration = time.Minute
	// MaxMessage bounds what one result says, in bytes.
	MaxMessage = 4_000
	// maxKept bounds what a report keeps of answers, in bytes: those after it keep outcome and reason only.
	maxKept = 8 << 20
)

// Status says how a test ended.
type Status uint8

// The statuses, with the numbers of the contract.
const (
	Passed Status = iota + 1
	Failed
	Errored // it could not be run
)

// Result is what one test came to.
type Result struct {
	Name    string
	CaseID  uuid.UUID // uuid.Nil for `test_` rules and for cases that are not stored
	Rule    bool      // whether it is a `test_` rule
	Status  Status
	Message string      // what was different, or why it could not be run
	Answer  rego.Result // of the policy, for a case that ran
	Took    time.Duration
	Path    string // of the module with the `test_` rule
	Row     int
}

// Report is what the tests came to.
type Report struct {
	Results                 []Result // cases in their order, then `test_` rules by place
	Passed, Failed, Errored int32    // how many
	Coverage                []rego.ModuleCoverage
	CoveragePercent         int32
	Took                    time.Duration
	InTime                  bool // whether all were run within MaxDuration

	kept int // bytes of answers
}

// Success reports whether there was a test, all passed, and the coverage is what is asked for.
func (r Report) Success(minCoveragePercent int32) bool {
	return r.Passed > 0 && r.Failed == 0 && r.Errored == 0 && r.CoveragePercent >= minCoveragePercent
}

// Subject is what is tested.
type Subject struct {
	Tenant  tenant.ID
	Policy  *rego.Compiled
	Modules []rego.Module // that the policy was compiled from
}

// errTime is why a run ends before its tests.
var errTime = errors.New("the run had no time left")

// Run runs the tests, one after the other, and then the `test_` rules if they are asked for. A test has the engine's deadline, a rule
// five times that, all together MaxDuration: what is left then could not be run. It fails only when ctx ends, the engine does not work, or there is no next test to be had.
func Run(ctx context.Context, engine *rego.Engine, s Subject, tests iter.Seq2[Test, error], rules bool) (Report, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, MaxDuration, errTime)
	defer cancel()
	start := time.Now()
	r := runner{engine: engine, subject: s, coverage: rego.NewCoverage(s.Policy, s.Modules)}
	report := Report{InTime: true}
	add := func(result Result, err error) error {
		if errors.Is(err, errTime) {
			result.Status, result.Message, err = Errored, errTime.Error(), nil
			report.InTime = false
		}
		report.add(result)
		return err
	}
	for t, err := range tests {
		if err != nil {
			return Report{}, err
		}
		if err := add(r.test(ctx, t)); err != nil {
			return Report{}, err
		}
	}
	if rules {
		for _, t := range s.Policy.RuleTests() {
			if err := add(r.rule(ctx, t)); err != nil {
				return Report{}, err
			}
		}
	}
	report.Coverage = r.coverage.Report()
	report.CoveragePercent = int32(rego.CoveragePercent(report.Coverage)) // at most 100
	report.Took = time.Since(start)
	return report, nil
}

func (r *Report) add(result Result) {
	result.Message = Clip(result.Message, MaxMessage)
	if r.kept += result.Answer.Size(); r.kept > maxKept {
		result.Answer.Violations, result.Answer.Obligations = nil, nil
	}
	switch result.Status {
	case Passed:
		r.Passed++
	case Failed:
		r.Failed++
	case Errored:
		r.Errored++
	}
	r.Results = append(r.Results, result)
}

type runner struct {
	engine   *rego.Engine
	subject  Subject
	coverage *rego.Coverage
}

func (r runner) trial(p *rego.Compiled, in rego.Input, now time.Time) rego.Trial {
	if now.IsZero() {
		now = Clock()
	}
	return rego.Trial{Tenant: r.subject.Tenant, Policy: p, Input: in, Now: now, Coverage: r.coverage}
}

func (r runner) test(ctx context.Context, t Test) (Result, error) {
	result := Result{Name: t.Name, CaseID: t.CaseID}
	p := r.subject.Policy
	if t.Data != nil {
		var err error
		if p, err = p.WithData(*t.Data); err != nil {
			result.Status, result.Message = Errored, "the case's data document cannot stand in for the version's: "+r.named(violations(err))
			return result, nil
		}
	}
	a, err := r.engine.Try(ctx, r.trial(p, t.Input, t.Now))
	result.Took = a.Took
	if err != nil {
		return result, err
	}
	if result.Answer = a.Result; a.Reason == rego.Deadline {
		result.Status, result.Message = Errored, "the policy overran the deadline of an evaluation"
		return result, nil
	}
	result.Status = Passed
	if result.Message = t.Want.differences(a.Result); result.Message != "" {
		result.Status = Failed
		if a.Problem != nil {
			result.Message += ": " + r.problem(*a.Problem)
		}
	}
	return result, nil
}

func (r runner) rule(ctx context.Context, t rego.RuleTest) (Result, error) {
	result := Result{Name: t.Path, Rule: true, Path: r.subject.Modules[t.Module].Path, Row: t.Row}
	v, err := r.engine.TryRule(ctx, r.trial(r.subject.Policy, rego.Input{}, Clock()), t)
	result.Took = v.Took
	switch {
	case err != nil:
		return result, err
	case v.Late:
		result.Status, result.Message = Errored, "the rule overran the deadline of a test"
	case v.Passed:
		result.Status = Passed
	case v.Problem != nil:
		result.Status, result.Message = Failed, r.problem(*v.Problem)
	default:
		result.Status, result.Message = Failed, v.Why
	}
	return result, nil
}

// named is a message of the engine, which knows modules by their indexes only, with their paths.
func (r runner) named(message string) string {
	for i, m := range r.subject.Modules {
		index := fmt.Sprintf("modules[%d]", i)
		message = strings.NewReplacer(index+".source ", m.Path+":", index, m.Path).Replace(message)
	}
	return message
}

// problem says where in the modules the evaluator failed.
func (r runner) problem(f rego.Finding) string {
	message := r.named(f.Message)
	if f.Module < 0 {
		return f.Code + ": " + message
	}
	return fmt.Sprintf("%s:%d:%d %s: %s", r.subject.Modules[f.Module].Path, f.Row, f.Column, f.Code, message)
}

// violations are what a refusal says about the fields.
func violations(err error) string {
	e, ok := errors.AsType[*errs.Error](err)
	if !ok || len(e.Violations) == 0 {
		return err.Error()
	}
	list := make([]string, len(e.Violations))
	for i, v := range e.Violations {
		list[i] = v.Description
	}
	return strings.Join(list, "; ")
}

// Clip cuts a text that is longer than limit bytes.
func Clip(s string, limit int) string {
	const ellipsis = "..."
	if len(s) <= limit {
		return s
	}
	cut := limit - len(ellipsis)
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + ellipsis
}
