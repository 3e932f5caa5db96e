package structwire

import (
	"encoding/binary"
	"math"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/types/known/structpb"
)

// maxDepth bounds the recursion. What is deeper is left to the library, which has a bound of its own.
const maxDepth = 64

// The fields of a Value.
const (
	nullField = iota + 1
	numberField
	textField
	boolField
	objectField
	listField
)

// read reads a Struct.
func read(b []byte) (*structpb.Struct, bool) {
	r := reader{wire: b, objects: 1}
	if !r.checkObject(0, len(b), 0) {
		return nil, false
	}
	made := builder{
		wire: b, text: string(b), values: make([]structpb.Value, r.values), numbers: make([]structpb.Value_NumberValue, r.numbers),
		texts: make([]structpb.Value_StringValue, r.texts), bools: make([]structpb.Value_BoolValue, r.bools),
		objects: make([]object, r.objects), lists: make([]list, r.lists),
	}
	whole := &take(&made.objects).value
	made.object(whole, 0, len(b))
	return whole, true
}

// reader goes through the wire format once, to see that it is as usual and what it holds.
type reader struct {
	wire                                          []byte
	values, numbers, texts, bools, objects, lists int
}

// next reads the length-delimited field of the number at a place, and returns where its content is.
func next(wire []byte, at, end int, number protowire.Number) (from, to int, ok bool) {
	if at+1 >= end || wire[at] != byte(number<<3)|byte(protowire.BytesType) {
		return 0, 0, false
	}
	from = at + 2
	size := uint64(wire[at+1])
	if size >= 0x80 {
		long, n := protowire.ConsumeVarint(wire[at+1 : end])
		if n < 0 {
			return 0, 0, false
		}
		from, size = at+1+n, long
	}
	if size > uint64(end-from) {
		return 0, 0, false
	}
	return from, from + int(size), true
}

// count returns the number of fields up to end.
func count(wire []byte, at, end int) (n int) {
	for ; at < end; n++ {
		_, at, _ = next(wire, at, end, 1)
	}
	return n
}

func (r *reader) checkObject(at, end, depth int) bool {
	if depth > maxDepth {
		return false
	}
	for at < end {
		from, to, ok := next(r.wire, at, end, 1)
		if !ok {
			return false
		}
		keyFrom, keyTo, ok := next(r.wire, from, to, 1)
		if !ok || !utf8.Valid(r.wire[keyFrom:keyTo]) {
			return false
		}
		valueFrom, valueTo, ok := next(r.wire, keyTo, to, 2)
		if !ok || valueTo != to || !r.checkValue(valueFrom, valueTo, depth) {
			return false
		}
		at = to
	}
	return true
}

func (r *reader) checkList(at, end, depth int) bool {
	if depth > maxDepth {
		return false
	}
	for at < end {
		from, to, ok := next(r.wire, at, end, 1)
		if !ok || !r.checkValue(from, to, depth) {
			return false
		}
		at = to
	}
	return true
}

// checkValue admits a Value of exactly one field.
func (r *reader) checkValue(at, end, depth int) bool {
	if at == end {
		return false
	}
	r.values++
	switch tag := r.wire[at]; tag {
	case textField<<3 | byte(protowire.BytesType):
		from, to, ok := next(r.wire, at, end, textField)
		r.texts++
		return ok && to == end && utf8.Valid(r.wire[from:to])
	case numberField<<3 | byte(protowire.Fixed64Type):
		r.numbers++
		return end-at == 1+8
	case nullField<<3 | byte(protowire.VarintType):
		return end-at == 2 && r.wire[at+1] == 0
	case boolField<<3 | byte(protowire.VarintType):
		r.bools++
		return end-at == 2 && r.wire[at+1] <= 1
	case objectField<<3 | byte(protowire.BytesType):
		from, to, ok := next(r.wire, at, end, objectField)
		r.objects++
		return ok && to == end && r.checkObject(from, to, depth+1)
	case listField<<3 | byte(protowire.BytesType):
		from, to, ok := next(r.wire, at, end, listField)
		r.lists++
		return ok && to == end && r.checkList(from, to, depth+1)
	}
	return false
}

// builder goes through it a second time and makes the values, all of a kind in one piece of memory. Their texts share one copy of the wire format.
type builder struct {
	wire    []byte
	text    string
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

// object makes an object. Of a key that stands twice the last value holds, as in the library.
func (b *builder) object(s *structpb.Struct, at, end int) {
	n := count(b.wire, at, end)
	if n == 0 {
		return
	}
	fields := make(map[string]*structpb.Value, n)
	for at < end {
		from, to, _ := next(b.wire, at, end, 1)
		keyFrom, keyTo, _ := next(b.wire, from, to, 1)
		valueFrom, valueTo, _ := next(b.wire, keyTo, to, 2)
		fields[b.text[keyFrom:keyTo]] = b.value(valueFrom, valueTo)
		at = to
	}
	s.Fields = fields
}

func (b *builder) list(l *structpb.ListValue, at, end int) {
	n := count(b.wire, at, end)
	if n == 0 {
		return
	}
	values := make([]*structpb.Value, n)
	for i := range values {
		from, to, _ := next(b.wire, at, end, 1)
		values[i] = b.value(from, to)
		at = to
	}
	l.Values = values
}

func (b *builder) value(at, end int) *structpb.Value {
	v := take(&b.values)
	switch field := b.wire[at] >> 3; field {
	case textField:
		from, to, _ := next(b.wire, at, end, textField)
		kind := take(&b.texts)
		kind.StringValue = b.text[from:to]
		v.Kind = kind
	case numberField:
		kind := take(&b.numbers)
		kind.NumberValue = math.Float64frombits(binary.LittleEndian.Uint64(b.wire[at+1:]))
		v.Kind = kind
	case boolField:
		kind := take(&b.bools)
		kind.BoolValue = b.wire[at+1] == 1
		v.Kind = kind
	case objectField:
		from, to, _ := next(b.wire, at, end, objectField)
		o := take(&b.objects)
		o.kind.StructValue, v.Kind = &o.value, &o.kind
		b.object(&o.value, from, to)
	case listField:
		from, to, _ := next(b.wire, at, end, listField)
		l := take(&b.lists)
		l.kind.ListValue, v.Kind = &l.value, &l.kind
		b.list(&l.value, from, to)
	default:
		v.Kind = &structpb.Value_NullValue{}
	}
	return v
}
