// Package structwire reads messages that carry free JSON, as google.protobuf.Struct, faster than the protobuf library, which makes every value by
// reflection: a decision's input would cost a fifth of what the policy does with it. What it reads, the library reads the same; what is unusual in any way
// is left to the library. A decision's input is not even made a message.
package structwire

import (
	"sync"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/structpb"
)

// Unmarshal does what proto.Unmarshal does, but that it leaves the Struct of some messages on the wire, checked: Open opens it.
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
	s, ok := read(b[from:to], unread[string(message.Descriptor().FullName())])
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
