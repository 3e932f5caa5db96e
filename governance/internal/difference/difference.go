// Package difference says how the answers of two policies to one question differ, and counts such differences. It is pure: replays, simulations and
// shadows judge with it, so that the same change of a policy is the same difference everywhere.
package difference

import (
	"slices"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
)

// Answer is what a policy, or several together, said to a question.
type Answer struct {
	Outcome     rego.Outcome // the zero value: nobody answered
	Reason      rego.ErrorReason
	Violations  []rego.Violation
	Obligations []rego.Obligation
}

// AnswerOf returns what a policy said as an answer to compare.
func AnswerOf(r rego.Result) Answer {
	return Answer{Outcome: r.Outcome, Reason: r.Reason, Violations: r.Violations, Obligations: r.Obligations}
}

// Difference is how two answers differ. Violations and obligations are in an order that depends on them alone.
type Difference struct {
	From, To                             rego.Outcome     // From is zero when there was nothing to compare with
	FromReason, ToReason                 rego.ErrorReason `json:",omitempty"`
	ViolationsAdded, ViolationsRemoved   []rego.Violation
	ObligationsAdded, ObligationsRemoved []rego.Obligation
}

// Between compares the answer that was given with that of a candidate. Violations and obligations are sets: neither order nor repetition counts. Two errors
// are the same whatever their reasons are: neither is an answer.
func Between(from, to Answer) Difference {
	d := Difference{From: from.Outcome, To: to.Outcome, FromReason: from.Reason, ToReason: to.Reason}
	d.ViolationsRemoved, d.ViolationsAdded = apart(from.Violations, to.Violations, violationKey)
	d.ObligationsRemoved, d.ObligationsAdded = apart(from.Obligations, to.Obligations, obligationKey)
	return d
}

// Kind is what a difference is counted as: the worst that it does.
type Kind uint8

// The kinds. The zero value is that of answers that cannot be compared, because there is only one.
const (
	Incomparable Kind = iota
	Same
	AllowToDeny
	DenyToAllow
	ToError            // an answer before, none by the candidate
	FromError          // none before, an answer by the candidate
	ViolationsChanged  // the same outcome with other violations
	ObligationsChanged // the same outcome and violations with other obligations
)

// Kind returns what the difference is counted as.
func (d Difference) Kind() Kind {
	switch {
	case d.From == 0:
		return Incomparable
	case d.From != d.To && d.To == rego.Error:
		return ToError
	case d.From != d.To && d.From == rego.Error:
		return FromError
	case d.From != d.To && d.To == rego.Deny:
		return AllowToDeny
	case d.From != d.To:
		return DenyToAllow
	case len(d.ViolationsAdded)+len(d.ViolationsRemoved) > 0:
		return ViolationsChanged
	case len(d.ObligationsAdded)+len(d.ObligationsRemoved) > 0:
		return ObligationsChanged
	}
	return Same
}

// apart returns what only the one set has and what only the other has, each once and in the order of the keys.
func apart[T any](from, to []T, key func(T) string) (removed, added []T) {
	before, after := keyed(from, key), keyed(to, key)
	return beyond(before, after), beyond(after, before)
}

func keyed[T any](list []T, key func(T) string) map[string]T {
	if len(list) == 0 {
		return nil
	}
	m := make(map[string]T, len(list))
	for _, v := range list {
		m[key(v)] = v
	}
	return m
}

// beyond returns what is in m and not in other.
func beyond[T any](m, other map[string]T) []T {
	var keys []string
	for k := range m {
		if _, ok := other[k]; !ok {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	var list []T
	for _, k := range keys {
		list = append(list, m[k])
	}
	return list
}
