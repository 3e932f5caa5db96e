package cli

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// testReport is what tests came to, in the form in which people and CI systems read it.
type testReport struct {
	name        string // of what was tested
	report      *governancev1.PolicyTestReport
	errors      []*governancev1.RegoFinding // why there is no report
	minCoverage int32
	coverage    bool                        // whether to print what was not reached
	tags        []string                    // of the cases that were asked for; none: all
	file        func(string) string         // a module's path as the user would name the file
	run         *governancev1.PolicyTestRun // nil unless it is recorded
}

func versionName(policy *governancev1.Policy, version *governancev1.PolicyVersion) string {
	return fmt.Sprintf("%s version %d", policy.GetName(), version.GetNumber())
}

// noTests says why nothing was run.
func (t testReport) noTests() string {
	if len(t.tags) > 0 {
		return "no case has the tag " + strings.Join(t.tags, " or ")
	}
	return "there are no tests"
}

// covered reports whether the coverage is reached. The service has looked at what the policy asks for; the command line may ask for more.
func (t testReport) covered() bool { return t.report.GetCoveragePercent() >= t.minCoverage }

// passes reports whether the exit code is 0.
func (t testReport) passes() bool { return t.report.GetPassed() && t.covered() }

// verdict ends the command.
func (t testReport) verdict(err error) error {
	if err == nil && !t.passes() {
		return answer(exitNo)
	}
	return err
}

// place is where a `test_` rule or a finding stands; "" for a case.
func (t testReport) place(module string, row, column int32) string {
	switch {
	case module == "":
		return ""
	case column == 0:
		return fmt.Sprintf("%s:%d", t.file(module), row)
	}
	return fmt.Sprintf("%s:%d:%d", t.file(module), row, column)
}

func testStatus(r *governancev1.PolicyTestResult) string {
	return strings.ToLower(enum(r.GetStatus().String(), "POLICY_TEST_STATUS_"))
}

func (a *app) printTests(t testReport) error {
	if t.report == nil {
		return a.printUntested(t)
	}
	grid := output.NewGrid("status", "test", "place", "message")
	for _, r := range t.report.GetResults() {
		grid.Row(testStatus(r), r.GetName(), t.place(r.GetModulePath(), r.GetRow(), 0), r.GetMessage())
	}
	if err := a.printGrid(grid); err != nil {
		return err
	}
	if t.coverage {
		grid := output.NewGrid("module", "lines", "reached", "not reached")
		for _, m := range t.report.GetCoverage() {
			grid.Row(t.file(m.GetModulePath()), strconv.Itoa(int(m.GetCoverableLines())), strconv.Itoa(int(m.GetCoveredLines())), rowsText(m.GetNotCovered()))
		}
		if err := a.printGrid(grid); err != nil {
			return err
		}
	}
	verdict := "failed"
	switch {
	case t.passes():
		verdict = "passed"
	case len(t.report.GetResults()) == 0:
		verdict = "failed: " + t.noTests()
	}
	pairs := []string{
		"tested", t.name, "verdict", verdict, "tests", t.counts(),
		"coverage", fmt.Sprintf("%d %%, asked for %d %%", t.report.GetCoveragePercent(), t.minCoverage),
		"engine", t.report.GetEngineVersion() + " in " + t.report.GetDuration().AsDuration().String(),
	}
	if t.run != nil {
		pairs = append(pairs, "run", t.run.GetId(), "opens the way to activation", yesNo(t.run.GetComplete() && t.report.GetPassed()))
	}
	return output.Pairs(a.stdout, "", pairs...)
}

func (t testReport) counts() string {
	return fmt.Sprintf("%d passed, %d failed, %d could not be run", t.report.GetPassedCount(), t.report.GetFailedCount(), t.report.GetErrorCount())
}

// printUntested prints why the modules could not be tested.
func (a *app) printUntested(t testReport) error {
	grid := output.NewGrid("place", "code", "message")
	for _, f := range t.errors {
		grid.Row(t.place(f.GetModulePath(), f.GetRow(), f.GetColumn()), f.GetCode(), f.GetMessage())
	}
	if err := a.printGrid(grid); err != nil {
		return err
	}
	return output.Pairs(a.stdout, "", "tested", t.name, "verdict", "not tested: the Rego does not compile")
}

// printGrid prints a grid that has rows, and an empty line after it.
func (a *app) printGrid(grid *output.Grid) error {
	if grid.Len() == 0 {
		return nil
	}
	if err := grid.Print(a.stdout, ""); err != nil {
		return err
	}
	_, err := fmt.Fprintln(a.stdout)
	return err
}

// rowsText prints ranges of rows as editors and people write them.
func rowsText(ranges []*governancev1.RowRange) string {
	list := make([]string, len(ranges))
	for i, r := range ranges {
		if list[i] = strconv.Itoa(int(r.GetStart())); r.GetEnd() != r.GetStart() {
			list[i] += fmt.Sprintf("-%d", r.GetEnd())
		}
	}
	return strings.Join(list, " ")
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// writeJUnit writes one case for each test and one for the coverage, or one for each error of the Rego; "" writes nothing. What could not be run is an error,
// what went otherwise than expected a failure.
func (t testReport) writeJUnit(path string) error {
	if path == "" {
		return nil
	}
	suite := junitSuite{Name: "aumosctl policy test: " + t.name}
	add := func(c junitCase, kind, message string) {
		reason := &junitReason{Type: kind, Message: output.Clean(message), Text: output.Clean(message)}
		switch kind {
		case "":
		case "error", "compile":
			c.Error = reason
		default:
			c.Failure = reason
		}
		suite.Cases = append(suite.Cases, c)
	}
	for _, f := range t.errors {
		place := t.place(f.GetModulePath(), f.GetRow(), f.GetColumn())
		add(junitCase{Class: "policy.compile", Name: strings.TrimSpace(f.GetCode() + " " + place), File: t.fileOf(f.GetModulePath())}, "compile", f.GetMessage())
	}
	for _, r := range t.report.GetResults() {
		c := junitCase{Class: "policy.case", Name: r.GetName(), Seconds: fmt.Sprintf("%.6f", r.GetDuration().AsDuration().Seconds())}
		if r.GetModulePath() != "" {
			c.Class, c.File = "policy.rule", t.fileOf(r.GetModulePath())
		}
		kind := ""
		if r.GetStatus() != governancev1.PolicyTestStatus_POLICY_TEST_STATUS_PASSED {
			kind = testStatus(r)
		}
		add(c, kind, r.GetMessage())
	}
	if t.report != nil {
		kind, message := "", ""
		if !t.covered() {
			kind, message = "coverage", fmt.Sprintf("%d %% of the lines are reached, asked for are %d %%", t.report.GetCoveragePercent(), t.minCoverage)
		}
		add(junitCase{Class: "policy.coverage", Name: "coverage"}, kind, message)
	}
	if len(t.report.GetResults()) == 0 && len(t.errors) == 0 {
		add(junitCase{Class: "policy.case", Name: "tests"}, "failed", t.noTests())
	}
	return writeSuite(path, suite)
}

func (t testReport) fileOf(module string) string {
	if module == "" {
		return ""
	}
	return t.file(module)
}
