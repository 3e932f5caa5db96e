package library

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// schema is the part of JSON Schema that describes parameters. Keywords that are not here are refused when the library is loaded, so that a schema never says more than
// is checked; objects are closed.
type schema struct {
	Dialect     string `json:"$schema"`
	Description string `json:"description"`
	Type        string `json:"type"`

	Properties           map[string]*schema `json:"properties"`
	Required             []string           `json:"required"`
	AdditionalProperties *bool              `json:"additionalProperties"`

	Items       *schema `json:"items"`
	MinItems    int     `json:"minItems"`
	MaxItems    *int    `json:"maxItems"`
	UniqueItems bool    `json:"uniqueItems"`

	Enum      []string `json:"enum"`
	MinLength int      `json:"minLength"`
	MaxLength *int     `json:"maxLength"`
	Pattern   string   `json:"pattern"`

	Minimum *float64 `json:"minimum"`
	Maximum *float64 `json:"maximum"`

	Default any `json:"default"`

	pattern *regexp.Regexp
}

// parseSchema reads and checks the schema of an object.
func parseSchema(data []byte) (*schema, error) {
	s := new(schema)
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(s); err != nil {
		return nil, err
	}
	if s.Type != "object" {
		return nil, fmt.Errorf("the schema is of type %q, not object", s.Type)
	}
	// Every parameter has a value in the end, under a name that is a rule's.
	for name, property := range s.Properties {
		if !slices.Contains(s.Required, name) && property.Default == nil {
			return nil, fmt.Errorf("%s is neither required nor has a default", name)
		}
		if !parameterName.MatchString(name) {
			return nil, fmt.Errorf("%s is not the name of a rule", name)
		}
	}
	return s, s.prepare("")
}

var parameterName = regexp.MustCompile("^[a-z][a-z0-9_]*$")

// prepare checks that everything is bounded and that defaults are valid.
func (s *schema) prepare(at string) error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%s: "+format, append([]any{at}, args...)...)
	}
	switch s.Type {
	case "object":
		if s.AdditionalProperties == nil || *s.AdditionalProperties {
			return bad("is not closed")
		}
		for _, name := range s.Required {
			if s.Properties[name] == nil {
				return bad("requires %s, which it does not describe", name)
			}
		}
		for name, property := range s.Properties {
			if err := property.prepare(join(at, name)); err != nil {
				return err
			}
		}
	case "array":
		if s.Items == nil || s.MaxItems == nil {
			return bad("is not bounded")
		}
		if err := s.Items.prepare(at + "[]"); err != nil {
			return err
		}
	case "string":
		if len(s.Enum) == 0 && s.MaxLength == nil && s.Pattern == "" {
			return bad("is not bounded")
		}
		var err error
		if s.pattern, err = regexp.Compile(s.Pattern); err != nil {
			return bad("%w", err)
		}
	case "integer", "number":
		if s.Minimum == nil || s.Maximum == nil {
			return bad("is not bounded")
		}
	case "boolean":
	default:
		return bad("type %q is not supported", s.Type)
	}
	if s.Default != nil {
		if problems := s.check(at, s.Default, nil); len(problems) > 0 {
			return bad("default: %v", problems)
		}
	}
	return nil
}

// problem says what is wrong with a value at a path, for example "tools[0].name".
type problem struct{ path, description string }

// maxProblems bounds how many problems are reported.
const maxProblems = 20

// check appends what is wrong with the value, which is one of nil, bool, float64, string, []any and map[string]any.
func (s *schema) check(at string, value any, found []problem) []problem {
	if len(found) >= maxProblems {
		return found
	}
	bad := func(format string, args ...any) { found = append(found, problem{at, fmt.Sprintf(format, args...)}) }
	switch v := value.(type) {
	case map[string]any:
		if s.Type != "object" {
			break
		}
		return s.checkObject(at, v, found)
	case []any:
		if s.Type != "array" {
			break
		}
		return s.checkArray(at, v, found)
	case string:
		if s.Type != "string" {
			break
		}
		n := utf8.RuneCountInString(v)
		switch {
		case !utf8.ValidString(v):
			bad("must be UTF-8")
		case len(s.Enum) > 0 && !slices.Contains(s.Enum, v):
			bad("must be one of %s", strings.Join(s.Enum, ", "))
		case n < s.MinLength || s.MaxLength != nil && n > *s.MaxLength:
			bad("must have %s characters", span(s.MinLength, s.MaxLength))
		case !s.pattern.MatchString(v):
			bad("must match %s", s.Pattern)
		}
		return found
	case float64:
		if s.Type != "number" && s.Type != "integer" {
			break
		}
		switch {
		case s.Type == "integer" && v != math.Trunc(v):
			bad("must be an integer")
		case !(v >= *s.Minimum && v <= *s.Maximum): // not a number is not within
			bad("must be from %v to %v", *s.Minimum, *s.Maximum)
		}
		return found
	case bool:
		if s.Type == "boolean" {
			return found
		}
	}
	bad("must be of type %s", s.Type)
	return found
}

func (s *schema) checkObject(at string, v map[string]any, found []problem) []problem {
	for _, name := range s.Required {
		if _, ok := v[name]; !ok {
			found = append(found, problem{join(at, name), "is required"})
		}
	}
	for _, name := range sortedKeys(v) {
		if property := s.Properties[name]; property != nil {
			found = property.check(join(at, name), v[name], found)
		} else if len(found) < maxProblems {
			found = append(found, problem{at, fmt.Sprintf("must not have %.64q", name)})
		}
	}
	return found
}

func (s *schema) checkArray(at string, v []any, found []problem) []problem {
	if len(v) < s.MinItems || len(v) > *s.MaxItems {
		return append(found, problem{at, fmt.Sprintf("must have %s items", span(s.MinItems, s.MaxItems))})
	}
	for i, item := range v {
		found = s.Items.check(fmt.Sprintf("%s[%d]", at, i), item, found)
		if s.UniqueItems && slices.ContainsFunc(v[:i], func(other any) bool { return reflect.DeepEqual(item, other) }) {
			found = append(found, problem{fmt.Sprintf("%s[%d]", at, i), "must not be repeated"})
		}
	}
	return found
}

// complete returns the object's values with defaults for those that are left out.
func (s *schema) complete(v map[string]any) map[string]any {
	all := make(map[string]any, len(s.Properties))
	for name, property := range s.Properties {
		if given, ok := v[name]; ok {
			all[name] = given
		} else if property.Default != nil {
			all[name] = property.Default
		}
	}
	return all
}

func join(at, name string) string {
	if at == "" {
		return name
	}
	return at + "." + name
}

func span(low int, high *int) string {
	if high == nil {
		return fmt.Sprintf("at least %d", low)
	}
	return fmt.Sprintf("%d to %d", low, *high)
}
