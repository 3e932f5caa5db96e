package suite

import (
	"slices"
	"strings"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
)

// differences says for people how the answer is otherwise than expected; "" when it is not.
func (e Expectation) differences(got rego.Result) string {
	var parts []string
	if got.Outcome != e.Outcome {
		parts = append(parts, "want "+e.Outcome.String()+", got "+outcomeText(got))
	}
	// An answer that is none has neither, and saying so once is enough.
	if got.Outcome != rego.Error || e.Outcome == rego.Error {
		if !e.AnyViolations {
			parts = append(parts, setDifference("violations", e.Violations, violationKeys(got))...)
		}
		if !e.AnyObligations {
			parts = append(parts, setDifference("obligations", e.Obligations, obligationKeys(got))...)
		}
	}
	return strings.Join(parts, "; ")
}

func outcomeText(r rego.Result) string {
	if r.Outcome == rego.Error {
		return "ERROR (" + r.Reason.String() + ")"
	}
	return r.Outcome.String()
}

func violationKeys(r rego.Result) []string {
	keys := make([]string, len(r.Violations))
	for i, v := range r.Violations {
		if keys[i] = v.Code; v.Code == "" {
			keys[i] = v.Message
		}
	}
	return keys
}

func obligationKeys(r rego.Result) []string {
	keys := make([]string, len(r.Obligations))
	for i, o := range r.Obligations {
		keys[i] = o.ID
	}
	return keys
}

// setDifference names what is in one of the lists only.
func setDifference(what string, want, got []string) (parts []string) {
	only := func(a, b []string) []string {
		left := slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) })
		slices.Sort(left)
		return slices.Compact(left)
	}
	if missing := only(want, got); len(missing) > 0 {
		parts = append(parts, what+" missing: "+strings.Join(missing, ", "))
	}
	if extra := only(got, want); len(extra) > 0 {
		parts = append(parts, what+" not expected: "+strings.Join(extra, ", "))
	}
	return parts
}
