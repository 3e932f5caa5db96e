package decision

import (
	"encoding/hex"
	"fmt"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
)

// fields reads the details of an entry and keeps the first thing that is wrong with them.
type fields struct {
	values map[string]any
	err    error
}

func (f *fields) fail(key string, value any) {
	if f.err == nil {
		f.err = fmt.Errorf("field %s is a %T", key, value)
	}
}

func (f *fields) merge(inner fields) {
	if f.err == nil {
		f.err = inner.err
	}
}

// within reads an element of a list.
func (f *fields) within(v any) fields {
	m, ok := v.(map[string]any)
	if !ok {
		f.fail("element", v)
	}
	return fields{values: m}
}

// text returns a string; "" when there is none.
func (f *fields) text(key string) string {
	v, present := f.values[key]
	s, ok := v.(string)
	if present && !ok {
		f.fail(key, v)
	}
	return s
}

func (f *fields) number(key string) float64 {
	n, ok := f.values[key].(float64)
	if !ok {
		f.fail(key, f.values[key])
	}
	return n
}

func (f *fields) truth(key string) bool {
	b, ok := f.values[key].(bool)
	if !ok {
		f.fail(key, f.values[key])
	}
	return b
}

// list returns the elements; none when there is no list.
func (f *fields) list(key string) []any {
	v, present := f.values[key]
	l, ok := v.([]any)
	if present && !ok {
		f.fail(key, v)
	}
	return l
}

func (f *fields) id(key string) uuid.UUID {
	id, err := uuid.Parse(f.text(key))
	if err != nil {
		f.fail(key, f.values[key])
	}
	return id
}

func (f *fields) digest(key string) (d [32]byte) {
	b, err := hex.DecodeString(f.text(key))
	if err != nil || len(b) != len(d) {
		f.fail(key, f.values[key])
		return d
	}
	return [32]byte(b)
}

func (f *fields) outcome(key string) rego.Outcome {
	for _, o := range []rego.Outcome{rego.Allow, rego.Deny, rego.Error} {
		if f.text(key) == o.String() {
			return o
		}
	}
	f.fail(key, f.values[key])
	return rego.Error
}

// reason returns NoError when there is none.
func (f *fields) reason(key string) rego.ErrorReason {
	name := f.text(key)
	if name == "" {
		return rego.NoError
	}
	r, ok := rego.ParseErrorReason(name)
	if !ok {
		f.fail(key, name)
	}
	return r
}
