package rego

import (
	"cmp"
	"errors"
	"slices"
	"unicode/utf8"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// Outcome is what a policy said. Only Allow permits anything.
type Outcome uint8

// The outcomes. The zero value is none of them.
const (
	Allow Outcome = iota + 1
	Deny
	Error
)

// String returns the name of the outcome in the contract, without its prefix.
func (o Outcome) String() string {
	switch o {
	case Allow:
		return "ALLOW"
	case Deny:
		return "DENY"
	case Error:
		return "ERROR"
	}
	return "UNSPECIFIED"
}

// ErrorReason says why a policy gave no answer.
type ErrorReason uint8

// The reasons; the zero value means that there was an answer.
const (
	NoError ErrorReason = iota
	Undefined
	AllowNotBoolean
	ViolationsMalformed
	BuiltinError
	Deadline
	Conflict
	ResultTooLarge
	Quarantined
	ObligationsMalformed
)

var errorReasons = [...]string{ //nolint:gochecknoglobals // a constant table
	"UNSPECIFIED", "UNDEFINED", "ALLOW_NOT_BOOLEAN", "VIOLATIONS_MALFORMED", "BUILTIN_ERROR", "DEADLINE", "CONFLICT", "RESULT_TOO_LARGE", "QUARANTINED",
	"OBLIGATIONS_MALFORMED",
}

// String returns the name of the reason in the contract, without its prefix.
func (r ErrorReason) String() string { return errorReasons[r] }

// Violation is one reason against the action.
type Violation struct {
	Code, Message, Severity, Control string
}

func (v Violation) size() int { return len(v.Code) + len(v.Message) + len(v.Severity) + len(v.Control) }

// Result is what a policy said. `allow` alone decides: a policy that allows and lists violations has allowed, and both are reported.
type Result struct {
	Outcome     Outcome
	Reason      ErrorReason  // for outcome Error
	Violations  []Violation  // sorted by code, message, severity and control; none for outcome Error
	Obligations []Obligation // sorted by id and then by parameters; none unless the outcome is Allow
}

// Size returns the number of bytes that the result's violations and obligations take.
func (r Result) Size() int {
	n := 0
	for _, v := range r.Violations {
		n += v.size()
	}
	for _, o := range r.Obligations {
		n += o.size()
	}
	return n
}

// Failed is the result of a policy that gave no answer.
func Failed(reason ErrorReason) Result { return Result{Outcome: Error, Reason: reason} }

// answers are the values of the rules that decisions ask for, nil where one is undefined.
type answers struct{ allow, violations, obligations *ast.Term }

// of returns the place of a rule's value.
func (a *answers) of(name ast.Var) **ast.Term {
	switch name {
	case violationsVar:
		return &a.violations
	case obligationsVar:
		return &a.obligations
	default:
		return &a.allow
	}
}

// answersOf reads what the query returned.
func (c *Compiled) answersOf(set topdown.QueryResultSet) (a answers) {
	if len(set) != 1 {
		return a
	}
	for _, name := range c.asked {
		t := set[0][name]
		if c.collected[name] {
			t, _ = only(t)
		}
		*a.of(name) = t
	}
	return a
}

// resultOf checks the answers against the schema of results.
func resultOf(a answers) Result {
	if a.allow == nil {
		return Failed(Undefined)
	}
	allowed, ok := a.allow.Value.(ast.Boolean)
	if !ok {
		return Failed(AllowNotBoolean)
	}
	r := Result{Outcome: Deny}
	if allowed {
		r.Outcome = Allow
	}
	var reason ErrorReason
	if a.violations != nil {
		if r.Violations, reason = violationsOf(a.violations); reason != NoError {
			return Failed(reason)
		}
	}
	if a.obligations != nil {
		if r.Obligations, reason = obligationsOf(a.obligations); reason != NoError {
			return Failed(reason)
		}
		if !allowed { // they are what comes with a permission
			r.Obligations = nil
		}
	}
	if r.Size() > MaxResultBytes {
		return Failed(ResultTooLarge)
	}
	return r
}

// only returns the element of an array that has one.
func only(t *ast.Term) (*ast.Term, bool) {
	if t == nil {
		return nil, false
	}
	a, ok := t.Value.(*ast.Array)
	if !ok || a.Len() != 1 {
		return nil, false
	}
	return a.Elem(0), true
}

// elements are those of a set or an array.
type elements interface {
	Len() int
	Until(f func(*ast.Term) bool) bool
}

func violationsOf(t *ast.Term) ([]Violation, ErrorReason) {
	all, ok := t.Value.(elements)
	if !ok {
		return nil, ViolationsMalformed
	}
	if all.Len() == 0 {
		return nil, NoError
	}
	list := make([]Violation, 0, min(all.Len(), MaxViolations))
	size := 0
	reason := NoError
	all.Until(func(e *ast.Term) bool {
		v, ok := violationOf(e)
		if !ok {
			reason = ViolationsMalformed
			return true
		}
		size += v.size()
		if len(list) == MaxViolations || size > MaxResultBytes {
			reason = ResultTooLarge
			return true
		}
		list = append(list, v)
		return false
	})
	if reason != NoError {
		return nil, reason
	}
	slices.SortFunc(list, func(a, b Violation) int {
		return cmp.Or(cmp.Compare(a.Code, b.Code), cmp.Compare(a.Message, b.Message), cmp.Compare(a.Severity, b.Severity), cmp.Compare(a.Control, b.Control))
	})
	return list, NoError
}

// violationOf accepts a string, or an object of strings with a code or a message and no keys but the four. The strings are UTF-8, which those that
// builtins decode need not be: neither the answer nor the entry on the wall could hold others, and the decision would go unrecorded.
func violationOf(t *ast.Term) (v Violation, ok bool) {
	switch x := t.Value.(type) {
	case ast.String:
		return Violation{Message: string(x)}, utf8.ValidString(string(x))
	case ast.Object:
		malformed := x.Until(func(k, e *ast.Term) bool {
			key, ok1 := k.Value.(ast.String)
			value, ok2 := e.Value.(ast.String)
			if !ok1 || !ok2 || !utf8.ValidString(string(value)) {
				return true
			}
			switch key {
			case "code":
				v.Code = string(value)
			case "message":
				v.Message = string(value)
			case "severity":
				v.Severity = string(value)
			case "control":
				v.Control = string(value)
			default:
				return true
			}
			return false
		})
		return v, !malformed && v.Code+v.Message != ""
	}
	return v, false
}

// failureOf maps an error of the evaluator.
func failureOf(err error) Result {
	if e, ok := errors.AsType[*topdown.Error](err); ok {
		switch e.Code {
		case topdown.ConflictErr, topdown.WithMergeErr:
			return Failed(Conflict)
		case topdown.CancelErr:
			return Failed(Deadline)
		}
	}
	return Failed(BuiltinError)
}

// ParseErrorReason is the inverse of String.
func ParseErrorReason(name string) (ErrorReason, bool) {
	i := slices.Index(errorReasons[:], name)
	return ErrorReason(max(i, 0)), i >= 0 // an index of a short table
}
