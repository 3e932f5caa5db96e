// Package statediff compares two states of a resource field by field. States are JSON objects as entries of the Audit Wall hold them: nil, bool,
// float64, string, []any and map[string]any. It is pure: it reads and writes nothing but its arguments.
package statediff

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// maxPathBytes bounds the paths of one comparison together. They repeat the names on the way to each value, so that deep states with long names would
// take many times their own size; such states are compared by their top-level fields alone.
const maxPathBytes = 64 << 10

// Kind says how a field differs.
type Kind uint8

// The kinds.
const (
	Added   Kind = iota + 1 // only the second state has it
	Removed                 // only the first state has it
	Changed                 // both have it, with different values
)

// Difference is a field that differs.
type Difference struct {
	// Path is a JSON Pointer (RFC 6901). A value that only one state has is named as a whole, not by its parts.
	Path string
	Kind Kind
	// Before and After are the values; nil is JSON's null, and what a state without the field has.
	Before, After any
}

// Diff returns the fields that differ, in the order of their paths: names by their bytes, elements of arrays by their number. A nil state is that of a
// resource that was not there: it has no fields.
//
// Numbers are equal when their values are, so that 0 equals -0. Elements of arrays are compared at equal positions: one that is put in front
// changes all that follow.
func Diff(before, after map[string]any) []Difference {
	full := comparison{deepest: -1}
	full.objects(nil, 0, before, after)
	if full.pathBytes <= maxPathBytes {
		return full.found
	}
	shallow := comparison{deepest: 1}
	shallow.objects(nil, 0, before, after)
	return shallow.found
}

// comparison collects differences.
type comparison struct {
	deepest   int // from this depth on values are not taken apart; negative: all are
	found     []Difference
	pathBytes int
}

// place is where a value stands. Its path is written out for differences alone: names that are long would otherwise be copied for everything below them.
type place struct {
	above *place // nil: the state itself
	name  string // within above
}

// path is the place as a JSON Pointer.
func (p *place) path() string {
	var tokens []string
	for ; p != nil; p = p.above {
		tokens = append(tokens, escape(p.name))
	}
	slices.Reverse(tokens)
	return "/" + strings.Join(tokens, "/")
}

func (c *comparison) add(at *place, d Difference) {
	d.Path = at.path()
	c.found = append(c.found, d)
	c.pathBytes += len(d.Path)
}

// hopeless reports that the result will not be used.
func (c *comparison) hopeless() bool { return c.deepest < 0 && c.pathBytes > maxPathBytes }

func (c *comparison) objects(at *place, depth int, before, after map[string]any) {
	names := slices.AppendSeq(make([]string, 0, len(before)+len(after)), maps.Keys(before))
	names = slices.AppendSeq(names, maps.Keys(after))
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if c.hopeless() {
			return
		}
		old, had := before[name]
		current, has := after[name]
		c.field(&place{at, name}, depth+1, old, had, current, has)
	}
}

func (c *comparison) arrays(at *place, depth int, before, after []any) {
	for i := range max(len(before), len(after)) {
		if c.hopeless() {
			return
		}
		var old, current any
		if i < len(before) {
			old = before[i]
		}
		if i < len(after) {
			current = after[i]
		}
		c.field(&place{at, strconv.Itoa(i)}, depth+1, old, i < len(before), current, i < len(after))
	}
}

func (c *comparison) field(at *place, depth int, before any, had bool, after any, has bool) {
	switch {
	case !had:
		c.add(at, Difference{Kind: Added, After: after})
		return
	case !has:
		c.add(at, Difference{Kind: Removed, Before: before})
		return
	case depth == c.deepest:
		if !Equal(before, after) {
			c.add(at, Difference{Kind: Changed, Before: before, After: after})
		}
		return
	}
	switch b := before.(type) {
	case map[string]any:
		if a, ok := after.(map[string]any); ok {
			c.objects(at, depth, b, a)
			return
		}
	case []any:
		if a, ok := after.([]any); ok {
			c.arrays(at, depth, b, a)
			return
		}
	default:
		if !isContainer(after) && before == after {
			return
		}
	}
	c.add(at, Difference{Kind: Changed, Before: before, After: after})
}

// Equal reports whether two values are the same JSON, numbers by their value.
func Equal(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		return ok && maps.EqualFunc(a, b, Equal)
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, Equal)
	default:
		return !isContainer(b) && a == b
	}
}

// isContainer reports whether v cannot be compared with ==.
func isContainer(v any) bool {
	switch v.(type) {
	case map[string]any, []any:
		return true
	default:
		return false
	}
}

// escape makes a name a reference token of a JSON Pointer.
func escape(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}
