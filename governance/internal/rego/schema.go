package rego

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Limits on what is taken from a schema. Types are compared as trees, each level twice: see boundTypes.
const (
	maxSchemaDepth        = 12
	maxSchemaNodes        = 20_000
	maxSchemaCost         = 1 << 16
	maxSchemaParts        = 64 // schemas that hold at the same place
	maxSchemaAlternatives = 16
)

// describe turns a JSON Schema into one that the type checker reads as it is meant: without references, which could lead out of the process or
// round in circles, and without what the checker would misread. What is not understood describes anything. It also returns what comparing
// the type costs; the schema is cut at the depth where that is affordable. Mistakes are what is wrong about the schema itself, in the part of it that was read.
func describe(schema map[string]any) (described any, cost int, mistakes []string) {
	for depth := maxSchemaDepth; depth > 0; depth-- {
		d := descriptor{root: schema, nodes: maxSchemaNodes, mistakes: make(map[string]bool)}
		described, cost = d.at([]any{schema}, depth)
		if d.nodes >= 0 && cost <= maxSchemaCost {
			return described, cost, slices.Sorted(maps.Keys(d.mistakes))
		}
	}
	described, cost = anything()
	return described, cost, nil
}

type descriptor struct {
	root     any
	nodes    int // how many more may be looked at
	mistakes map[string]bool
}

func anything() (map[string]any, int) { return map[string]any{}, 1 }

// at describes the place at which all of the schemas hold.
func (d *descriptor) at(schemas []any, depth int) (map[string]any, int) {
	parts, ok := d.flatten(schemas)
	if !ok || depth == 0 || len(parts) == 0 {
		return anything()
	}
	for i, part := range parts {
		alternatives, ok := alternativesOf(part)
		switch {
		case !ok:
			return anything()
		case len(alternatives) > 0:
			return d.union(parts, i, alternatives, depth)
		}
	}
	kinds := kindsOf(parts)
	if len(kinds) != 1 {
		return d.kinds(parts, kinds, depth)
	}
	return d.kind(parts, kinds[0], depth)
}

// flatten resolves references and allOf; ok is false when it cannot.
func (d *descriptor) flatten(schemas []any) (parts []map[string]any, ok bool) {
	queue := slices.Clone(schemas)
	for n := 0; len(queue) > 0; n++ {
		if d.nodes--; d.nodes < 0 || n > maxSchemaParts {
			return nil, false
		}
		next := queue[0]
		queue = queue[1:]
		part, isObject := next.(map[string]any)
		if !isObject {
			continue // true says nothing; false describes what cannot be
		}
		if ref, has := part["$ref"]; has {
			target, found := d.resolve(ref)
			if !found {
				if text, _ := ref.(string); strings.HasPrefix(text, "#/") { // others lead out of the schema, or to an anchor
					d.mistakes[fmt.Sprintf("$ref %q leads to nothing in it", clip(text, maxName))] = true
				}
				return nil, false
			}
			queue = append(queue, target)
		}
		for _, keyword := range []string{"$dynamicRef", "$recursiveRef", "if", "dependentSchemas", "dependencies"} {
			if _, has := part[keyword]; has {
				return nil, false // may describe more than stands here
			}
		}
		for _, kind := range typesOf(part) {
			if !slices.Contains(jsonTypes, kind) {
				d.mistakes[fmt.Sprintf("%q is no type of JSON Schema", clip(kind, maxName))] = true
			}
		}
		if all, isList := part["allOf"].([]any); isList {
			queue = append(queue, all...)
		}
		parts = append(parts, part)
	}
	return parts, true
}

// resolve follows a JSON Pointer within the schema.
func (d *descriptor) resolve(ref any) (any, bool) {
	text, _ := ref.(string)
	pointer, ok := strings.CutPrefix(text, "#")
	pointer, err := url.PathUnescape(pointer)
	if !ok || err != nil || pointer != "" && pointer[0] != '/' {
		return nil, false
	}
	at := d.root
	if pointer == "" {
		return at, true
	}
	for step := range strings.SplitSeq(pointer[1:], "/") {
		step = strings.ReplaceAll(strings.ReplaceAll(step, "~1", "/"), "~0", "~")
		switch v := at.(type) {
		case map[string]any:
			if at, ok = v[step]; !ok {
				return nil, false
			}
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(v) {
				return nil, false
			}
			at = v[i]
		default:
			return nil, false
		}
	}
	return at, true
}

// alternativesOf returns the alternatives of anyOf and oneOf; ok is false when they are too many.
func alternativesOf(part map[string]any) (alternatives []any, ok bool) {
	anyOf, _ := part["anyOf"].([]any)
	oneOf, _ := part["oneOf"].([]any)
	if len(anyOf) > 0 && len(oneOf) > 0 || len(anyOf)+len(oneOf) > maxSchemaAlternatives {
		return nil, false
	}
	return append(slices.Clone(anyOf), oneOf...), true
}

// union describes the alternatives of one part, each together with the other parts.
func (d *descriptor) union(parts []map[string]any, i int, alternatives []any, depth int) (map[string]any, int) {
	rest := make([]any, 0, len(parts)+1)
	for j, part := range parts {
		plain := make(map[string]any, len(part))
		for keyword, value := range part {
			switch keyword {
			case "$ref", "allOf": // resolved already
			case "anyOf", "oneOf":
				if j != i {
					plain[keyword] = value
				}
			default:
				plain[keyword] = value
			}
		}
		rest = append(rest, plain)
	}
	return d.anyOf(len(alternatives), func(n int) (map[string]any, int) {
		return d.at(append(slices.Clone(rest), alternatives[n]), depth-1)
	})
}

// anyOf joins descriptions; when one of them is anything, so is the whole.
func (d *descriptor) anyOf(n int, each func(int) (map[string]any, int)) (map[string]any, int) {
	list, total := make([]any, n), 0
	for i := range n {
		described, cost := each(i)
		if len(described) == 0 {
			return anything()
		}
		list[i], total = described, total+cost
	}
	if n == 0 || total > maxSchemaCost {
		return anything()
	}
	return map[string]any{"anyOf": list}, add(1, 2*total)
}

func (d *descriptor) kinds(parts []map[string]any, kinds []string, depth int) (map[string]any, int) {
	return d.anyOf(len(kinds), func(i int) (map[string]any, int) { return d.kind(parts, kinds[i], depth) })
}

// kindsOf returns the types that the parts allow, without null: what may be null is described by what it is otherwise. None means anything.
func kindsOf(parts []map[string]any) []string {
	var kinds []string
	said := false
	for _, part := range parts {
		own := typesOf(part)
		if own == nil {
			continue
		}
		if said {
			own = slices.DeleteFunc(own, func(name string) bool { return !slices.Contains(kinds, name) })
		}
		kinds, said = own, true
	}
	if !said {
		for _, part := range parts {
			if _, ok := part["properties"].(map[string]any); ok {
				return []string{"object"}
			}
		}
	}
	slices.Sort(kinds)
	return slices.DeleteFunc(slices.Compact(kinds), func(name string) bool { return name == "null" })
}

var jsonTypes = []string{"array", "boolean", "integer", "null", "number", "object", "string"} //nolint:gochecknoglobals // a constant table

// typesOf returns the names of the types that one schema allows; nil when it does not say.
func typesOf(part map[string]any) []string {
	switch v := part["type"].(type) {
	case string:
		return []string{v}
	case []any:
		names := make([]string, len(v))
		for i, each := range v {
			names[i], _ = each.(string)
		}
		return names
	}
	return nil
}

func (d *descriptor) kind(parts []map[string]any, kind string, depth int) (map[string]any, int) {
	switch kind {
	case "string", "boolean":
		return map[string]any{"type": kind}, 1
	case "number", "integer":
		return map[string]any{"type": "number"}, 1
	case "object":
		return d.object(parts, depth)
	case "array":
		return d.array(parts, depth)
	}
	return anything()
}

func (d *descriptor) object(parts []map[string]any, depth int) (map[string]any, int) {
	byName := make(map[string][]any)
	for _, part := range parts {
		for _, keyword := range []string{"patternProperties", "unevaluatedProperties"} {
			if _, has := part[keyword]; has {
				return map[string]any{"type": "object"}, 1
			}
		}
		if additional, has := part["additionalProperties"]; has && additional != false {
			return map[string]any{"type": "object"}, 1
		}
		properties, _ := part["properties"].(map[string]any)
		for name, schema := range properties {
			byName[name] = append(byName[name], schema)
		}
	}
	if len(byName) == 0 {
		return map[string]any{"type": "object"}, 1
	}
	described, total := make(map[string]any, len(byName)), 0
	for name, schemas := range byName {
		property, cost := d.at(schemas, depth-1)
		described[name] = property
		total = add(total, add(1, cost))
	}
	return map[string]any{"type": "object", "properties": described}, add(1, 2*total)
}

func (d *descriptor) array(parts []map[string]any, depth int) (map[string]any, int) {
	var items []any
	for _, part := range parts {
		if _, tuple := part["prefixItems"]; tuple {
			return map[string]any{"type": "array"}, 1
		}
		switch v := part["items"].(type) {
		case nil:
		case map[string]any:
			items = append(items, v)
		default:
			return map[string]any{"type": "array"}, 1
		}
	}
	if len(items) == 0 {
		return map[string]any{"type": "array"}, 1
	}
	described, cost := d.at(items, depth-1)
	return map[string]any{"type": "array", "items": described}, add(1, 2*cost)
}
