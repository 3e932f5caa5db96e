package stream

import (
	"fmt"
	"math"
	"slices"
	"sort"
)

// Policy says what happens after a drift.
type Policy string

// The policies.
const (
	// Restart makes the detector forget what the drift outdated when the next value comes, which then counts as the first of a new run. RDDM keeps
	// the values of its warning zone, which is its point.
	Restart Policy = "RESTART"
	// Hold keeps the answer DRIFT until Reset: later values are counted and not judged.
	Hold Policy = "HOLD"
	// Continue is ADWIN's own way, and only ADWIN's: the window has dropped its outdated part and goes on.
	Continue Policy = "CONTINUE"
)

// Config says which detector a stream has and how it works. Zero fields take their defaults.
type Config struct {
	Kind       Kind
	Convention string
	Parameters map[string]float64
	Policy     Policy
	Seed       uint64 // of KSWIN's draws
}

// FieldError says which field of a configuration breaks which rule.
type FieldError struct {
	Field   string // "kind", "convention", "policy", or "parameters" with Key
	Key     string
	Problem string
}

// Error implements error.
func (e *FieldError) Error() string {
	if e.Key != "" {
		return fmt.Sprintf("%s[%q] %s", e.Field, e.Key, e.Problem)
	}
	return e.Field + " " + e.Problem
}

// Complete returns the configuration with every default filled in. It fails with a *FieldError.
func (c Config) Complete() (Config, error) {
	spec, ok := find(c.Kind)
	if !ok {
		return Config{}, &FieldError{Field: "kind", Problem: "is no detector"}
	}
	if c.Convention == "" {
		c.Convention = spec.Conventions[0]
	}
	if !slices.Contains(spec.Conventions, c.Convention) {
		return Config{}, &FieldError{Field: "convention", Problem: fmt.Sprintf("is none of %q", spec.Conventions)}
	}
	switch c.Policy {
	case "":
		c.Policy = Restart
	case Restart, Hold:
	case Continue:
		if c.Kind != ADWIN {
			return Config{}, &FieldError{Field: "policy", Problem: "CONTINUE is for ADWIN only: others have no part of their state that a drift leaves valid"}
		}
	default:
		return Config{}, &FieldError{Field: "policy", Problem: "is unknown"}
	}
	var err error
	c.Parameters, err = spec.complete(c.Parameters)
	return c, err
}

// complete checks the given parameters and adds the others' defaults.
func (s Spec) complete(given map[string]float64) (map[string]float64, error) {
	complete := make(parameters, len(s.Parameters))
	for _, p := range s.Parameters {
		complete[p.Name] = p.Default
	}
	names := make([]string, 0, len(given))
	for name := range given {
		names = append(names, name)
	}
	sort.Strings(names) // the same error for the same mistakes
	for _, name := range names {
		i := slices.IndexFunc(s.Parameters, func(p Parameter) bool { return p.Name == name })
		if i < 0 {
			return nil, &FieldError{Field: "parameters", Key: name, Problem: fmt.Sprintf("is no parameter of %s", s.Kind)}
		}
		p, value := s.Parameters[i], given[name]
		if !(p.Min <= value && value <= p.Max) {
			return nil, &FieldError{Field: "parameters", Key: name, Problem: fmt.Sprintf("must be from %g to %g", p.Min, p.Max)}
		}
		if p.Whole && value != math.Trunc(value) {
			return nil, &FieldError{Field: "parameters", Key: name, Problem: "must be a whole number"}
		}
		complete[name] = value
	}
	if s.check != nil {
		if name, problem := s.check(complete); problem != "" {
			return nil, &FieldError{Field: "parameters", Key: name, Problem: problem}
		}
	}
	return complete, nil
}
