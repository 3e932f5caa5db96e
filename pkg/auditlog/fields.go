package auditlog

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// Lean is an entry whose details were not read, for readers of so many entries that a map for each would cost more than the rest.
type Lean struct {
	Entry // without Details

	text    string // the leaf
	details field
}

// UnmarshalLean reads a leaf as Unmarshal does, all but the details.
func UnmarshalLean(leaf []byte) (Lean, error) { return LeanOf(string(leaf)) }

// LeanOf is UnmarshalLean of a leaf that is a string already, which the texts of the entry share.
func LeanOf(leaf string) (Lean, error) {
	r := leafReader{text: leaf}
	e, details, err := r.entry()
	if err != nil {
		if e, err = unmarshal([]byte(leaf)); err != nil {
			return Lean{}, err
		}
		e.Details, details = nil, field{}
	}
	return Lean{e, r.text, details}, nil
}

// EventTypeOf returns the event type of a leaf that is written as this package does, or nothing: to choose by it costs a small part of reading the entry.
func EventTypeOf(leaf string) string {
	r := leafReader{text: leaf}
	for at := 0; at < len(leaf); {
		f, next := r.next(at, len(leaf))
		switch {
		case next == 0 || f.number > fieldEventType:
			return ""
		case f.number == fieldEventType:
			text, _ := r.string(f) // nothing in place of what is no text
			return text
		}
		at = next
	}
	return ""
}

// Whole returns the entry with its details.
func (l *Lean) Whole() (Entry, error) { return Unmarshal([]byte(l.text)) }

// Read lets a function read the details, and reports whether they are written as this package does and the function found every value of the kind that it
// asked for. What it has read otherwise means nothing: Whole knows more.
func (l *Lean) Read(read func(Fields)) bool {
	r := leafReader{text: l.text, unusual: l.details.number == 0}
	read(r.fields(l.details, 0))
	return !r.unusual
}

// Fields are those of an object, one after the other: what Object is to who writes. Every value has to be read, or refused.
type Fields struct {
	Key string // of the field that Next went to
	Value

	at, end int
	begun   bool
}

// Value is a value in the details of an entry.
type Value struct {
	r     *leafReader
	kind  field
	depth int
}

// Values are those of a list, one after the other.
type Values struct {
	Value

	at, end int
}

func (r *leafReader) fields(object field, depth int) Fields {
	if object.wire != protowire.BytesType || depth >= maxDepth {
		r.unusual = true
		return Fields{}
	}
	return Fields{Value: Value{r: r, depth: depth}, at: object.start, end: object.end}
}

// Next goes to the next field, if there is one. Keys ascend.
func (f *Fields) Next() bool {
	if f.at >= f.end || f.r.unusual {
		return false
	}
	entry, next := f.r.next(f.at, f.end)
	if next == 0 || entry.number != 1 || entry.wire != protowire.BytesType {
		return f.r.fail()
	}
	key, valueAt := f.r.next(entry.start, entry.end)
	if valueAt == 0 || key.number != 1 {
		return f.r.fail()
	}
	value, end := f.r.next(valueAt, entry.end)
	if value.number != 2 || end != entry.end {
		return f.r.fail()
	}
	name, err := f.r.string(key)
	if err != nil || f.begun && name <= f.Key {
		return f.r.fail()
	}
	f.Key, f.at, f.begun = name, next, true
	return f.to(value)
}

// Next goes to the next value, if there is one.
func (l *Values) Next() bool {
	if l.at >= l.end || l.r.unusual {
		return false
	}
	element, next := l.r.next(l.at, l.end)
	if next == 0 || element.number != 1 {
		return l.r.fail()
	}
	l.at = next
	return l.to(element)
}

// to goes to a google.protobuf.Value: exactly one field.
func (v *Value) to(value field) bool {
	if value.wire != protowire.BytesType {
		return v.r.fail()
	}
	kind, end := v.r.next(value.start, value.end)
	if end != value.end {
		return v.r.fail()
	}
	v.kind = kind
	return true
}

// fail returns false, for whoever goes on only with something to read.
func (r *leafReader) fail() bool {
	r.unusual = true
	return false
}

// is fails unless the value is of a kind.
func (v *Value) is(number protowire.Number, wire protowire.Type) bool {
	return v.kind.number == number && v.kind.wire == wire || v.r.fail()
}

// Refuse says that a value is none that the reader knows.
func (v *Value) Refuse() { v.r.fail() }

// Text returns a string.
func (v *Value) Text() string {
	s, err := v.r.string(v.kind)
	if v.kind.number != valueString || err != nil {
		v.r.fail()
	}
	return s
}

// Number returns a number.
func (v *Value) Number() float64 {
	f := math.Float64frombits(v.kind.scalar)
	if !v.is(valueNumber, protowire.Fixed64Type) || math.IsNaN(f) || math.IsInf(f, 0) {
		v.r.fail()
	}
	return f
}

// Truth returns a boolean.
func (v *Value) Truth() bool {
	if !v.is(valueBool, protowire.VarintType) || v.kind.scalar > 1 {
		v.r.fail()
	}
	return v.kind.scalar == 1
}

// Object returns the fields of an object.
func (v *Value) Object() Fields {
	if v.kind.number != valueStruct {
		v.r.fail()
	}
	return v.r.fields(v.kind, v.depth+1)
}

// List returns the values of a list.
func (v *Value) List() Values {
	if !v.is(valueList, protowire.BytesType) || v.depth+1 >= maxDepth {
		v.r.fail()
		return Values{Value: Value{r: v.r}}
	}
	return Values{Value: Value{r: v.r, depth: v.depth + 1}, at: v.kind.start, end: v.kind.end}
}

// Any returns the value as Details have it.
func (v *Value) Any() any {
	switch v.kind.number { //nolint:exhaustive // those of google.protobuf.Value
	case valueNull:
		if v.kind.wire != protowire.VarintType || v.kind.scalar != 0 {
			v.r.fail()
		}
		return nil
	case valueBool:
		return v.Truth()
	case valueNumber:
		return v.Number()
	case valueString:
		return v.Text()
	case valueStruct:
		return v.Object().values()
	case valueList:
		list := []any{}
		for l := v.List(); l.Next(); {
			list = append(list, l.Any())
		}
		return list
	}
	v.r.fail()
	return nil
}

func (f Fields) values() map[string]any {
	object := make(map[string]any)
	for f.Next() {
		object[f.Key] = f.Any()
	}
	return object
}

// object reads a google.protobuf.Struct into a map.
func (r *leafReader) object(f field) (map[string]any, error) {
	object := r.fields(f, 0).values()
	if r.unusual {
		return nil, errUnusual
	}
	return object, nil
}
