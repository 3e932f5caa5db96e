package library

import (
	"fmt"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// testsPath is the module with the tests that a version brings along. As its name ends in _test.rego, coverage is not asked of it.
const testsPath = "policy_test.rego"

// pathsPerTest bounds how often one test asks the policy: each has a deadline, also on a machine that does much else.
const pathsPerTest = 8

// notNeeded are members of examples that no decision rests on: names for people, and what was not needed for the example at hand.
var notNeeded = map[string]bool{"model.name": true, "dataset.name": true, "system.name": true, "consent.explicit": true} //nolint:gochecknoglobals // a constant table

// testsModule makes the tests that a version of the template brings along. The template's example is asked with its own parameters, so the suite passes whatever
// the version's are; with those, nothing may be allowed without evidence. The platform's own tests of the template are many more.
func testsModule(t *Template) (Module, error) {
	entry, err := ast.ParseModuleWithOpts(entryPath, t.Modules[0].Source, ast.ParserOptions{RegoVersion: ast.RegoV1})
	if err != nil {
		return Module{}, err
	}
	policy := strings.TrimPrefix(entry.Package.Path.String(), "data.")
	var b strings.Builder
	fmt.Fprintf(&b, `# The tests of policy template %[1]s %[2]s. Add your own: they are a version's only as long as it has them.
package %[3]s_test

import data.%[3]s as policy

test_nothing_is_allowed_without_evidence if {
	not policy.allow with input as {}
	count(policy.violations) > 0 with input as {}
}

test_violations_are_complete if {
	every violation in policy.violations {
		object.keys(violation) == {"code", "message", "severity", "control"}
	}
}

test_example_is_allowed if {
	policy.allow with input as example
		with data.%[4]s as parameters
		with time.now_ns as time.parse_rfc3339_ns(now)
}

all_needed(paths) if {
	every path in paths {
		not policy.allow with input as json.remove(example, [path])
			with data.%[4]s as parameters
			with time.now_ns as time.parse_rfc3339_ns(now)
	}
}
`, t.Name, t.Version, policy, parametersPackage)
	n := 0
	for paths := range slices.Chunk(needed(t.Example.Input), pathsPerTest) {
		n++
		fmt.Fprintf(&b, "\ntest_all_of_the_example_is_needed_%d if all_needed(", n)
		writeValue(&b, paths)
		b.WriteString(")\n")
	}
	for _, rule := range []struct {
		name  string
		value any
	}{{"now", t.Example.Now}, {"parameters", t.parameters.complete(t.Example.Parameters)}, {"example", t.Example.Input}} {
		fmt.Fprintf(&b, "\n%s := ", rule.name)
		writeValue(&b, rule.value)
		b.WriteByte('\n')
	}
	return Module{Path: testsPath, Source: b.String()}, nil
}

// needed returns the paths of the members of an input, and of their members, without which it is not allowed.
func needed(input map[string]any) []any {
	var paths []any
	for _, key := range sortedKeys(input) {
		paths = append(paths, []any{key})
		members, _ := input[key].(map[string]any)
		for _, member := range sortedKeys(members) {
			if !notNeeded[key+"."+member] {
				paths = append(paths, []any{key, member})
			}
		}
	}
	return paths
}
