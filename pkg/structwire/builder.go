package structwire

import (
	"strings"

	"google.golang.org/protobuf/types/known/structpb"
)

// builder goes through it a second time and makes the values, all of a kind in one piece of memory, also the texts and keys.
type builder struct {
	written strings.Builder
	values  []structpb.Value
	numbers []structpb.Value_NumberValue
	texts   []structpb.Value_StringValue
	bools   []structpb.Value_BoolValue
	objects []object
	lists   []list
}

type object struct {
	kind  structpb.Value_StructValue
	value structpb.Struct
}

type list struct {
	kind  structpb.Value_ListValue
	value structpb.ListValue
}

// take takes the first of what is left.
func take[T any](left *[]T) *T {
	first := &(*left)[0]
	*left = (*left)[1:]
	return first
}

func (b *builder) object(s *structpb.Struct, o Object) {
	if len(o) == 0 {
		return
	}
	s.Fields = make(map[string]*structpb.Value, count(o))
	for len(o) > 0 {
		var key []byte
		var v Value
		key, v, o = o.Next()
		s.Fields[b.text(key)] = b.value(v)
	}
}

func (b *builder) list(l *structpb.ListValue, values List) {
	if len(values) == 0 {
		return
	}
	l.Values = make([]*structpb.Value, values.Len())
	for i := range l.GetValues() {
		var v Value
		v, values = values.Next()
		l.Values[i] = b.value(v)
	}
}

func (b *builder) value(from Value) *structpb.Value {
	v := take(&b.values)
	switch from.Kind() {
	case Text:
		kind := take(&b.texts)
		kind.StringValue, v.Kind = b.text(from.Text()), kind
	case Number:
		kind := take(&b.numbers)
		kind.NumberValue, v.Kind = from.Number(), kind
	case Bool:
		kind := take(&b.bools)
		kind.BoolValue, v.Kind = from.Bool(), kind
	case AnObject:
		o := take(&b.objects)
		o.kind.StructValue, v.Kind = &o.value, &o.kind
		b.object(&o.value, from.Object())
	case AList:
		l := take(&b.lists)
		l.kind.ListValue, v.Kind = &l.value, &l.kind
		b.list(&l.value, from.List())
	default:
		v.Kind = &structpb.Value_NullValue{}
	}
	return v
}

// text is part of one piece of memory that has room for all: nothing that has been written there changes any more.
func (b *builder) text(s []byte) string {
	from := b.written.Len()
	b.written.Write(s)
	return b.written.String()[from:]
}
