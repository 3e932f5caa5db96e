package rego

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/open-policy-agent/opa/v1/topdown"
)

// Decided reports whether the profile lists the builtin.
func Decided(name string) bool {
	_, ok := profile[name]
	return ok
}

// Listed returns the names in the profile.
func Listed() []string { return slices.Sorted(maps.Keys(profile)) }

// OnBoth asks the version by the machine and by topdown. It reports whether the machine answered, and both answers to the letter.
func OnBoth(c *Compiled, in Input, now time.Time) (answered bool, machine, topdown string) {
	o := options{input: in, now: now}
	got, err := c.ask(o, nil)
	if err != nil {
		return false, "", ""
	}
	want, err := c.run(o, nil)
	return true, found(got, nil), found(want, err)
}

func found(set topdown.QueryResultSet, err error) string {
	if err != nil || len(set) == 0 {
		return fmt.Sprint(len(set), err)
	}
	return fmt.Sprintln(set[0][allowVar], set[0][violationsVar], set[0][obligationsVar])
}
