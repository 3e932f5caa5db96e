package rego

import (
	"maps"
	"slices"
)

// Decided reports whether the profile lists the builtin.
func Decided(name string) bool {
	_, ok := profile[name]
	return ok
}

// Listed returns the names in the profile.
func Listed() []string { return slices.Sorted(maps.Keys(profile)) }
