// Package structwire reads messages that carry free JSON, as google.protobuf.Struct, faster than the protobuf library, which makes every value by
// reflection: a decision's input would cost a fifth of what the policy does with it. What it reads, the library reads the same; what is unusual in any way
// is left to the library.
package structwire

import (
	"math"
	"sync"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/structpb"
)

// Unmarshal does what proto.Unmarshal does.
func Unmarshal(b []byte, m proto.Message) error {
	message := m.ProtoReflect()
	field := structField(message.Descriptor())
	if field == nil {
		return proto.Unmarshal(b, m)
	}
	start, from, to, ok := find(b, field.Number())
	if !ok {
		return proto.Unmarshal(b, m)
	}
	s, ok := read(b[from:to])
	if !ok {
		return proto.Unmarshal(b, m)
	}
	if err := proto.Unmarshal(b[:start], m); err != nil { // resets the message
		return err
	}
	if to < len(b) {
		if err := (proto.UnmarshalOptions{Merge: true}).Unmarshal(b[to:], m); err != nil {
			return err
		}
	}
	message.Set(field, protoreflect.ValueOfMessage(s.ProtoReflect()))
	return nil
}

// structFields remembers what structField found.
var structFields sync.Map //nolint:gochecknoglobals // of constants: descriptors by themselves

// structField returns the first field of the message that is a Struct, outside of any oneof; nil if there is none.
func structField(d protoreflect.MessageDescriptor) protoreflect.FieldDescriptor {
	if known, ok := structFields.Load(d); ok {
		field, _ := known.(protoreflect.FieldDescriptor)
		return field
	}
	var found protoreflect.FieldDescriptor
	for i := range d.Fields().Len() {
		f := d.Fields().Get(i)
		if f.Message() != nil && f.Cardinality() != protoreflect.Repeated && f.ContainingOneof() == nil &&
			f.Message().FullName() == (*structpb.Struct)(nil).ProtoReflect().Descriptor().FullName() {
			found = f
			break
		}
	}
	structFields.Store(d, found)
	return found
}

// find returns where the field's tag, content and end are, if it stands exactly once.
func find(b []byte, field protowire.Number) (start, from, to int, ok bool) {
	for at := 0; at < len(b); {
		number, wire, n := protowire.ConsumeTag(b[at:])
		if n < 0 {
			return 0, 0, 0, false
		}
		size := protowire.ConsumeFieldValue(number, wire, b[at+n:])
		if size < 0 {
			return 0, 0, 0, false
		}
		if number == field {
			if ok || wire != protowire.BytesType {
				return 0, 0, 0, false // the library merges them
			}
			content, _ := protowire.ConsumeBytes(b[at+n:])
			start, to, ok = at, at+n+size, true
			from = to - len(content)
		}
		at += n + size
	}
	return start, from, to, ok
}

// maxDepth bounds the recursion. What is deeper is left to the library, which has a bound of its own.
const maxDepth = 64

// read reads a Struct.
func read(b []byte) (*structpb.Struct, bool) {
	r := reader{b, string(b)}
	s := &structpb.Struct{}
	return s, r.object(s, 0, len(b), 0)
}

// reader reads the wire format. All texts share one copy of it.
type reader struct {
	wire []byte
	text string
}

// next reads the length-delimited field at a place, which must be of the number, and returns where its content is.
func (r reader) next(at, end int, number protowire.Number) (from, to int, ok bool) {
	if at >= end || r.wire[at] != byte(number<<3)|byte(protowire.BytesType) {
		return 0, 0, false
	}
	content, n := protowire.ConsumeBytes(r.wire[at+1 : end])
	if n < 0 {
		return 0, 0, false
	}
	to = at + 1 + n
	return to - len(content), to, true
}

// count returns the number of fields up to end, which must all be of number 1.
func (r reader) count(at, end int) (n int, ok bool) {
	for ; at < end; n++ {
		if _, at, ok = r.next(at, end, 1); !ok {
			return 0, false
		}
	}
	return n, true
}

func (r reader) object(s *structpb.Struct, at, end, depth int) bool {
	n, ok := r.count(at, end)
	if !ok || depth > maxDepth {
		return false
	}
	if n == 0 {
		return true
	}
	fields := make(map[string]*structpb.Value, n)
	s.Fields = fields
	for at < end {
		from, to, _ := r.next(at, end, 1)
		keyFrom, keyTo, ok1 := r.next(from, to, 1)
		if !ok1 {
			return false
		}
		valueFrom, valueTo, ok2 := r.next(keyTo, to, 2)
		key := r.text[keyFrom:keyTo]
		if !ok2 || valueTo != to || !utf8.ValidString(key) {
			return false
		}
		if fields[key] = r.value(valueFrom, valueTo, depth); fields[key] == nil {
			return false
		}
		at = to
	}
	return len(fields) == n // else a key stands twice
}

func (r reader) list(l *structpb.ListValue, at, end, depth int) bool {
	n, ok := r.count(at, end)
	if !ok || depth > maxDepth {
		return false
	}
	if n == 0 {
		return true
	}
	l.Values = make([]*structpb.Value, 0, n)
	for at < end {
		from, to, _ := r.next(at, end, 1)
		v := r.value(from, to, depth)
		if v == nil {
			return false
		}
		l.Values = append(l.Values, v)
		at = to
	}
	return true
}

// value reads a Value of exactly one field; nil if it is another one. A value and its kind are one allocation.
func (r reader) value(at, end, depth int) *structpb.Value {
	number, wire, n := protowire.ConsumeTag(r.wire[at:end])
	if n < 0 {
		return nil
	}
	at += n
	switch {
	case number == 3 && wire == protowire.BytesType:
		from, to, ok := r.next(at-n, end, 3)
		if !ok || to != end || !utf8.ValidString(r.text[from:to]) {
			return nil
		}
		v := &struct {
			value structpb.Value
			kind  structpb.Value_StringValue
		}{}
		v.kind.StringValue = r.text[from:to]
		v.value.Kind = &v.kind
		return &v.value
	case number == 2 && wire == protowire.Fixed64Type:
		bits, n := protowire.ConsumeFixed64(r.wire[at:end])
		if n < 0 || at+n != end {
			return nil
		}
		v := &struct {
			value structpb.Value
			kind  structpb.Value_NumberValue
		}{}
		v.kind.NumberValue = math.Float64frombits(bits)
		v.value.Kind = &v.kind
		return &v.value
	case (number == 1 || number == 4) && wire == protowire.VarintType:
		return r.word(number, at, end)
	case (number == 5 || number == 6) && wire == protowire.BytesType:
		from, to, ok := r.next(at-n, end, number)
		if !ok || to != end {
			return nil
		}
		return r.nested(number, from, to, depth+1)
	}
	return nil
}

// word reads null, true or false.
func (r reader) word(number protowire.Number, at, end int) *structpb.Value {
	word, n := protowire.ConsumeVarint(r.wire[at:end])
	switch {
	case n < 0 || at+n != end || word > 1 || number == 1 && word != 0:
		return nil
	case number == 1:
		return structpb.NewNullValue()
	}
	return structpb.NewBoolValue(word == 1)
}

func (r reader) nested(number protowire.Number, from, to, depth int) *structpb.Value {
	if number == 5 {
		v := &struct {
			value  structpb.Value
			kind   structpb.Value_StructValue
			object structpb.Struct
		}{}
		v.value.Kind, v.kind.StructValue = &v.kind, &v.object
		if !r.object(&v.object, from, to, depth) {
			return nil
		}
		return &v.value
	}
	v := &struct {
		value structpb.Value
		kind  structpb.Value_ListValue
		list  structpb.ListValue
	}{}
	v.value.Kind, v.kind.ListValue = &v.kind, &v.list
	if !r.list(&v.list, from, to, depth) {
		return nil
	}
	return &v.value
}
