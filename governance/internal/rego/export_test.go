package rego

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// CountWaits has the engine hold against policies what they wait, too, for tests whose policies wait instead of working.
func CountWaits(e *Engine) { e.wall = true }

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
	return true, found(got, nil), found(c.answersOf(want), err)
}

func found(a answers, err error) string {
	if err != nil || a.allow == nil {
		return fmt.Sprint(err)
	}
	return fmt.Sprintln(a.allow, a.violations, a.obligations)
}

// Asked asks the version by the machine alone, and reports whether it answered.
func Asked(c *Compiled, in Input, now time.Time) bool {
	_, err := c.ask(options{input: in, now: now}, nil)
	return err == nil
}
