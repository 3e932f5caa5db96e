package structwire

import (
	"encoding/binary"
	"math"

	"google.golang.org/protobuf/types/known/structpb"
)

// unread are the messages whose Struct stays on the wire, for a reader that makes something else of it: rego.InputOf makes what a policy sees. Nobody but
// that reader looks into the Struct; who writes, measures or copies the message finds everything in it.
var unread = map[string]bool{"aumos.governance.v1.EvaluateRequest": true} //nolint:gochecknoglobals // a constant table

// Open returns what a Struct holds that Unmarshal left on the wire, and false where the fields of the Struct say it. An unread Struct has it all among the
// fields that it does not know: where the library has read one, what stands there is of another kind.
func Open(s *structpb.Struct) (o Object, size Size, ok bool) {
	if s == nil || len(s.GetFields()) > 0 {
		return nil, Size{}, false
	}
	wire := s.ProtoReflect().GetUnknown()
	r := reader{wire: wire}
	if len(wire) == 0 || !r.checkObject(0, len(wire), 0) {
		return nil, Size{}, false
	}
	return Object(wire), Size{Members: r.members, Leaves: r.texts + r.numbers, Bytes: r.textBytes}, true
}

// Size is how much an object holds, in all that is nested in it together: members of objects, texts and numbers, and bytes of the texts.
type Size struct{ Members, Leaves, Bytes int }

// Object is the members of an object that are left to be read, as they stand on the wire and known to be as usual. They belong to the
// message, and nobody changes them.
type Object []byte

// Next reads a member. Of a key that stands twice the last value holds.
func (o Object) Next() (key []byte, v Value, rest Object) {
	member, rest := cut(o)
	name, value := cut(member)
	content, _ := cut(value)
	return name, Value(content), rest
}

// List is the same of a list.
type List []byte

// Len is how many values there are.
func (l List) Len() int { return count(l) }

// Next reads a value.
func (l List) Next() (Value, List) {
	v, rest := cut(l)
	return Value(v), rest
}

// Value is one of exactly one kind.
type Value []byte

// Kind is a kind of value.
type Kind byte

// The kinds: the numbers of the fields of a Value.
const (
	Null Kind = iota + 1
	Number
	Text
	Bool
	AnObject
	AList
)

// Kind says which of the following is true of the value.
func (v Value) Kind() Kind { return Kind(v[0] >> 3) }

// Number is the value of that kind.
func (v Value) Number() float64 {
	return math.Float64frombits(binary.LittleEndian.Uint64(v[1:]))
}

// Bool is the value of that kind.
func (v Value) Bool() bool { return v[1] == 1 }

// Text is the value of that kind.
func (v Value) Text() []byte {
	content, _ := cut(v)
	return content
}

// Object is the value of that kind.
func (v Value) Object() Object {
	content, _ := cut(v)
	return Object(content)
}

// List is the value of that kind.
func (v Value) List() List {
	content, _ := cut(v)
	return List(content)
}

// cut returns the content of the length-delimited field that s begins with, and what is after it.
func cut[T ~[]byte](s T) (content, rest T) {
	size, at := int(s[1]), 2
	if size >= 0x80 {
		size &= 0x7f
		for shift := 7; ; shift += 7 {
			b := s[at]
			at++
			size |= int(b&0x7f) << shift
			if b < 0x80 {
				break
			}
		}
	}
	return s[at : at+size], s[at+size:]
}

// count returns the number of fields.
func count[T ~[]byte](fields T) (n int) {
	for ; len(fields) > 0; n++ {
		_, fields = cut(fields)
	}
	return n
}
