package rego

import (
	"regexp/syntax"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// maxPattern bounds the length of a regular expression, and so the time to compile it.
const maxPattern = 4 << 10

// shortRegex bounds the product of the program of the pattern and the length of the subject, which is what matching costs.
func shortRegex(pattern, subject int) guard {
	return func(in []*ast.Term) error {
		if err := light(in); err != nil {
			return err
		}
		return matchWork(text(in, pattern), len(text(in, subject)))
	}
}

// shortRegexReplace also bounds the output: "$0$0$0" copies what matched.
func shortRegexReplace(in []*ast.Term) error {
	if err := light(in); err != nil {
		return err
	}
	s, pattern, replacement := text(in, 0), text(in, 1), text(in, 2)
	if err := matchWork(pattern, len(s)); err != nil {
		return err
	}
	return work(len(s)+1, len(replacement)+1, 16*maxText)
}

func matchWork(pattern string, subject int) error {
	if len(pattern) > maxPattern {
		return errCostly
	}
	// Without repetition counts and classes by name the program has at most two instructions a byte.
	if !strings.Contains(pattern, "{") {
		return work(2*len(pattern)+2, subject+1, maxWork)
	}
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil //nolint:nilerr // the builtin says what is wrong
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return nil //nolint:nilerr // as above
	}
	return work(len(program.Inst), subject+1, maxWork)
}
