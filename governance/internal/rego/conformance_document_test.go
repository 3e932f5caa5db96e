package rego

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/version"
)

const conformancePath = "../../../docs/rego-conformance.md"

// What cases use, other than builtin functions.
const (
	usesEnvironment = "the environment, or a keyword that is an experiment"
	usesLogic       = "`import rego.v2`, or the keywords `and`, `or` and `not {…}` from `future.keywords`"
	usesWith        = "a refused builtin function in `with`"
	usesSleep       = "`test.sleep`, which the engine's own test binary adds"
)

// leftOut says why the profile has nothing of what cases use; builtin functions have their reasons in the profile.
var leftOut = map[string]string{
	usesLogic: "not yet stable in the engine: each is gated by a capability, and what a stored version means must not change with an upgrade",
	usesWith:  "a function that policies may not call cannot take another's place either, nor be replaced: it is not there",
	usesSleep: "not a builtin function of the engine",
}

// outsideProfile matches what the compiler says about modules that use what the profile leaves out.
var outsideProfile = []struct {
	message *regexp.Regexp
	uses    string // empty: the name of the function
}{
	{regexp.MustCompile(`undefined function (test\.sleep)`), usesSleep},
	{regexp.MustCompile(`undefined function ([\w.]+)`), ""},
	{regexp.MustCompile(`unexpected keyword, must be one of|import, .rego.v2. is not supported by current capabilities|non-terminated set`), usesLogic},
	{regexp.MustCompile(`target must not be unsafe`), usesWith},
}

// outside returns what an error of the compiler says is left out, or the error.
func outside(err error) (uses string, other error) {
	for _, o := range outsideProfile {
		if found := o.message.FindStringSubmatch(err.Error()); found != nil {
			if o.uses == "" {
				return found[1], nil
			}
			return o.uses, nil
		}
	}
	return "", err
}

const conformanceHead = `# Rego: conformance with OPA

` + "`make conformance`" + ` writes this file: the test runs the compliance cases that OPA's own release ships, through our capability profile, compiler stages, guards and
checks of values. It fails when a case has another answer than OPA's, when a case is left out for which there is no reason, and when this list is not what the cases came
to, as after an upgrade of the engine or a change of the profile.

A case is left out only where its modules or its query do not compile here: a version that uses such a thing is refused when it is created. What compiles has OPA's meaning, with
two differences that are not for a policy to choose. Errors of builtin functions are always strict (an outcome of ERROR; with OPA's default the rule is silently undefined). And values,
texts and numbers are bounded (` + "`governance/internal/rego/limit.go`" + `): what is larger ends in ERROR instead of taking the machine.
`

// conformance writes the document. It also returns what has no reason.
func conformance(run int, left map[string][]string) (document string, unexplained []string) {
	uses := slices.SortedFunc(maps.Keys(left), func(a, b string) int {
		return strings.Compare(strings.TrimLeft(a, "`"), strings.TrimLeft(b, "`"))
	})
	total := run
	for _, notes := range left {
		total += len(notes)
	}
	var b strings.Builder
	b.WriteString(conformanceHead)
	fmt.Fprintf(&b, "\nOPA %s: %d of %d cases give the same answer, %d are left out.\n", version.Version, run, total, total-run)
	b.WriteString("\n## Why cases are left out\n\n| They use | Cases | Why it is not there |\n|---|---|---|\n")
	for _, u := range uses {
		name, why := u, leftOut[u]
		if r, builtin := profile[u]; builtin {
			name, why = "`"+u+"`", r.refused
		}
		if why == "" {
			unexplained = append(unexplained, u)
		}
		fmt.Fprintf(&b, "| %s | %d | %s |\n", name, len(left[u]), why)
	}
	b.WriteString("\n## Every case that is left out\n\nBy the name that it has in OPA's repository (`v1/test/cases/testdata/v1`).\n")
	for _, u := range uses {
		name := strings.ToUpper(u[:1]) + u[1:]
		if _, builtin := profile[u]; builtin {
			name = "`" + u + "`"
		}
		fmt.Fprintf(&b, "\n%s:\n\n", name)
		for _, note := range left[u] {
			fmt.Fprintf(&b, "- %s\n", note)
		}
	}
	return b.String(), unexplained
}
