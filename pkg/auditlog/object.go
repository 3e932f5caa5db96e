package auditlog

import (
	"encoding/hex"
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/google/uuid"
	"google.golang.org/protobuf/encoding/protowire"
)

// Object writes details field by field, for writers of so many entries that a map for each would cost more than the entry. Keys come in byte order, each once;
// what a map of the same fields becomes has the same bytes. What goes wrong fails the entry, as a wrong value in a map does.
type Object struct {
	wire  []byte
	last  string // key; nothing before the first one
	begun bool
	depth int
	err   error
}

// Text writes a string.
func (o *Object) Text(key, value string) {
	if !utf8.ValidString(value) {
		o.fail(key, fmt.Errorf("the string %q is not valid UTF-8", value))
	}
	o.begin(key, sizeText(len(value)))
	o.wire = appendText(o.wire, len(value))
	o.wire = append(o.wire, value...)
}

// ID writes a UUID in its usual form.
func (o *Object) ID(key string, id uuid.UUID) {
	o.begin(key, sizeText(uuidLength))
	o.wire = appendUUID(appendText(o.wire, uuidLength), id)
}

// Hex writes bytes in hexadecimal digits.
func (o *Object) Hex(key string, b []byte) {
	o.begin(key, sizeText(hex.EncodedLen(len(b))))
	o.wire = hex.AppendEncode(appendText(o.wire, hex.EncodedLen(len(b))), b)
}

// Number writes a number.
func (o *Object) Number(key string, f float64) {
	if err := finite(f); err != nil {
		o.fail(key, err)
	}
	o.begin(key, protowire.SizeTag(valueNumber)+protowire.SizeFixed64())
	o.wire = protowire.AppendTag(o.wire, valueNumber, protowire.Fixed64Type)
	o.wire = protowire.AppendFixed64(o.wire, math.Float64bits(f))
}

// Truth writes a boolean.
func (o *Object) Truth(key string, v bool) {
	o.begin(key, protowire.SizeTag(valueBool)+1)
	o.wire = protowire.AppendTag(o.wire, valueBool, protowire.VarintType)
	o.wire = protowire.AppendVarint(o.wire, protowire.EncodeBool(v))
}

// Value writes any value that Details may have.
func (o *Object) Value(key string, v any) {
	o.check(key)
	o.wire = appendMessage(o.wire, 1, func(b []byte) []byte {
		b, err := appendValue(appendKey(b, key), 2, v, o.depth)
		if err != nil {
			o.fail(key, err)
		}
		return b
	})
}

// Objects writes a list of n objects, which write themselves.
func (o *Object) Objects(key string, n int, write func(i int, o *Object)) {
	o.check(key)
	if o.depth+2 >= maxDepth {
		o.fail(key, errTooDeep)
		return
	}
	o.wire = appendMessage(o.wire, 1, func(b []byte) []byte {
		return appendMessage(appendKey(b, key), 2, func(b []byte) []byte {
			return appendMessage(b, valueList, func(b []byte) []byte {
				for i := range n {
					b = appendMessage(b, 1, func(b []byte) []byte {
						return appendMessage(b, valueStruct, func(b []byte) []byte {
							return o.nested(b, key, i, write)
						})
					})
				}
				return b
			})
		})
	})
}

// nested lets an object within write itself behind b. It is this one meanwhile.
func (o *Object) nested(b []byte, key string, i int, write func(i int, o *Object)) []byte {
	outer := *o
	*o = Object{wire: b, depth: outer.depth + 2}
	write(i, o)
	inner := *o
	*o = outer
	if inner.err != nil {
		o.fail(key, fmt.Errorf("[%d]: %w", i, inner.err))
	}
	return inner.wire
}

var errTooDeep = fmt.Errorf("must not nest deeper than %d levels", maxDepth)

func (o *Object) fail(key string, err error) {
	if o.err == nil {
		o.err = fmt.Errorf("%s: %w", key, err)
	}
}

// check is that of a key.
func (o *Object) check(key string) {
	switch {
	case o.begun && key <= o.last:
		o.fail(key, fmt.Errorf("comes after the key %q", o.last))
	case !utf8.ValidString(key):
		o.fail(key, fmt.Errorf("the key %q is not valid UTF-8", key))
	}
	o.last, o.begun = key, true
}

// begin writes everything of a field up to the content of its google.protobuf.Value, which is so long.
func (o *Object) begin(key string, value int) {
	o.check(key)
	entry := protowire.SizeTag(1) + protowire.SizeBytes(len(key)) + protowire.SizeTag(2) + protowire.SizeBytes(value)
	o.wire = appendLength(appendKey(appendLength(o.wire, 1, entry), key), 2, value)
}

// appendKey appends the key of a map entry, also an empty one.
func appendKey(b []byte, key string) []byte {
	return append(appendLength(b, 1, len(key)), key...)
}

// sizeText is the size of a google.protobuf.Value that is a string of n bytes.
func sizeText(n int) int { return protowire.SizeTag(valueString) + protowire.SizeBytes(n) }

// appendText begins one.
func appendText(b []byte, n int) []byte {
	return appendLength(b, valueString, n)
}
