package structwire

import (
	"bytes"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/types/known/structpb"
)

// maxDepth bounds the recursion. What is deeper is left to the library, which has a bound of its own.
const maxDepth = 64

// read reads a Struct, or leaves it unread.
func read(b []byte, unread bool) (*structpb.Struct, bool) {
	r := reader{wire: b, objects: 1}
	if !r.checkObject(0, len(b), 0) {
		return nil, false
	}
	if unread {
		s := &structpb.Struct{}
		s.ProtoReflect().SetUnknown(bytes.Clone(b))
		return s, true
	}
	made := builder{
		values: make([]structpb.Value, r.values), numbers: make([]structpb.Value_NumberValue, r.numbers),
		texts: make([]structpb.Value_StringValue, r.texts), bools: make([]structpb.Value_BoolValue, r.bools),
		objects: make([]object, r.objects), lists: make([]list, r.lists),
	}
	made.written.Grow(r.textBytes + r.keyBytes)
	whole := &take(&made.objects).value
	made.object(whole, Object(b))
	return whole, true
}

// reader goes through the wire format once, to see that it is as usual and what it holds.
type reader struct {
	wire                                                   []byte
	textBytes, keyBytes                                    int
	values, members, numbers, texts, bools, objects, lists int
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
		r.members++
		r.keyBytes += keyTo - keyFrom
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
	case byte(Text)<<3 | byte(protowire.BytesType):
		from, to, ok := next(r.wire, at, end, protowire.Number(Text))
		r.texts++
		r.textBytes += to - from
		return ok && to == end && utf8.Valid(r.wire[from:to])
	case byte(Number)<<3 | byte(protowire.Fixed64Type):
		r.numbers++
		return end-at == 1+8
	case byte(Null)<<3 | byte(protowire.VarintType):
		return end-at == 2 && r.wire[at+1] == 0
	case byte(Bool)<<3 | byte(protowire.VarintType):
		r.bools++
		return end-at == 2 && r.wire[at+1] <= 1
	case byte(AnObject)<<3 | byte(protowire.BytesType):
		from, to, ok := next(r.wire, at, end, protowire.Number(AnObject))
		r.objects++
		return ok && to == end && r.checkObject(from, to, depth+1)
	case byte(AList)<<3 | byte(protowire.BytesType):
		from, to, ok := next(r.wire, at, end, protowire.Number(AList))
		r.lists++
		return ok && to == end && r.checkList(from, to, depth+1)
	}
	return false
}
