package rego

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/open-policy-agent/opa/v1/ast"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/aumos-enterprise/platform/governance/internal/rego/machine"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/structwire"
)

// Input is what a policy sees as `input`. It is immutable and may be evaluated by any number of policies.
type Input struct {
	term   *ast.Term // as the machine knows it
	json   []byte
	digest [sha256.Size]byte
}

// SHA256 returns the digest of the input's canonical JSON (RFC 8785).
func (in Input) SHA256() [sha256.Size]byte { return in.digest }

// JSON returns the input's canonical JSON (RFC 8785). The caller does not change it.
func (in Input) JSON() []byte { return in.json }

// NewInput checks the limits on inputs and converts: values are nil, bool, float64, string, []any and map[string]any. It fails with
// INVALID_FIELD on the field "input".
func NewInput(input map[string]any) (Input, error) { return newInput(input) }

// InputOf is NewInput for a message as it arrives: what input.AsMap() says, without making that. Of one that was left on the wire not even the message's
// own values are made.
func InputOf(input *structpb.Struct) (Input, error) {
	if wire, size, ok := structwire.Open(input); ok {
		return inputFrom(convert("input", func(c *canonical) *ast.Term { return c.read(wire, size) }))
	}
	return newInput(input.GetFields())
}

func newInput[T any](input map[string]T) (Input, error) {
	return inputFrom(convert("input", func(c *canonical) *ast.Term { return objectOf(c, input, 1) }))
}

func inputFrom(term *ast.Term, canonical []byte, err error) (Input, error) {
	if err != nil {
		return Input{}, err
	}
	if len(canonical) > largeJSON {
		term = machine.Whole(term) // here, where no time is counted for it
	}
	return Input{term: term, json: canonical, digest: sha256.Sum256(canonical)}, nil
}

// errInputNotCanonical is that what was kept of an input is not what JSON returned.
var errInputNotCanonical = errors.New("the input is not canonical JSON")

// ParseInput is the inverse of JSON.
func ParseInput(canonical []byte) (Input, error) {
	var values map[string]any
	if err := json.Unmarshal(canonical, &values); err != nil {
		return Input{}, fmt.Errorf("parse input: %w", err)
	}
	in, err := NewInput(values)
	if err == nil && !bytes.Equal(in.json, canonical) {
		err = errInputNotCanonical
	}
	return in, err
}

// convert returns an object as a term and as canonical JSON. Errors name the field of the request that it came in.
func convert(field string, object func(*canonical) *ast.Term) (*ast.Term, []byte, error) {
	c := newCanonical(field)
	defer c.giveBack()
	value := object(c)
	if c.err == nil && len(c.json) > MaxInputBytes {
		c.err = c.tooLarge()
	}
	return value, bytes.Clone(c.json), c.err
}

// canonical writes RFC 8785 (JSON canonicalization: keys sorted by UTF-16 code units, numbers as ECMAScript prints them, no spaces) and
// builds the evaluator's terms on the same walk.
type canonical struct {
	scratch

	field string
	err   error
	whole int // how much around the value wants it whole

	// To be used by the input.
	terms   []ast.Term
	members [][2]*ast.Term
	texts   strings.Builder
}

// scratch is what the next input uses again: the text, and the objects that a value stands in, their members that have not been written yet, and those
// that have been.
type scratch struct {
	json    []byte
	unread  []member
	wire    []wireMember
	written [][2]*ast.Term
}

// member is one of an object.
type member struct {
	key   string
	value any
}

// Room for most inputs, and what is kept for the next one.
const (
	usualAround = 24
	largeAround = 1024
	usualJSON   = 512
	largeJSON   = 16 << 10
)

var canonicals = sync.Pool{New: func() any { //nolint:gochecknoglobals // they keep nothing of an input
	return &canonical{scratch: scratch{json: make([]byte, 0, usualJSON), written: make([][2]*ast.Term, 0, usualAround)}}
}}

func newCanonical(field string) *canonical {
	c := canonicals.Get().(*canonical) //nolint:forcetypeassert // nothing else is put there
	c.field = field
	return c
}

// giveBack empties it, so that no input sees anything of another.
func (c *canonical) giveBack() {
	s := c.scratch
	if max(cap(s.unread), cap(s.wire), cap(s.written)) > largeAround || cap(s.json) > largeJSON {
		return
	}
	clear(s.json)
	clear(s.unread[:cap(s.unread)])
	clear(s.wire[:cap(s.wire)])
	clear(s.written[:cap(s.written)])
	*c = canonical{scratch: scratch{json: s.json[:0], unread: s.unread[:0], wire: s.wire[:0], written: s.written[:0]}}
	canonicals.Put(c)
}

func (c *canonical) tooLarge() error {
	return errs.InvalidField(c.field, "over %d bytes as JSON", MaxInputBytes)
}

func (c *canonical) fail(format string, args ...any) *ast.Term {
	if c.err == nil {
		c.err = errs.InvalidField(c.field, format, args...)
	}
	return ast.InternedNullTerm
}

// someTerms are allocated together.
const someTerms = 16

func (c *canonical) term(v ast.Value) *ast.Term {
	if len(c.terms) == 0 {
		c.terms = make([]ast.Term, someTerms)
	}
	t := &c.terms[0]
	c.terms = c.terms[1:]
	t.Value = v
	return t
}

func (c *canonical) value(v any, depth int) *ast.Term {
	if c.err != nil {
		return ast.InternedNullTerm
	}
	if len(c.json) > MaxInputBytes {
		c.err = c.tooLarge()
		return ast.InternedNullTerm
	}
	switch v := v.(type) {
	case nil:
		c.json = append(c.json, "null"...)
		return ast.InternedNullTerm
	case *structpb.Value:
		return c.message(v, depth)
	case bool:
		c.json = strconv.AppendBool(c.json, v)
		return ast.InternedTerm(v)
	case float64:
		return c.number(v)
	case string:
		c.string(v)
		return c.term(ast.String(v))
	case []any:
		return arrayOf(c, v, depth)
	case map[string]any:
		return objectOf(c, v, depth)
	}
	return c.fail("a value of type %T is not JSON", v)
}

// message is the value that v.AsInterface() is.
func (c *canonical) message(v *structpb.Value, depth int) *ast.Term {
	switch kind := v.GetKind().(type) {
	case *structpb.Value_BoolValue:
		return c.value(kind.BoolValue, depth)
	case *structpb.Value_NumberValue:
		if math.IsNaN(kind.NumberValue) || math.IsInf(kind.NumberValue, 0) {
			return c.value(v.AsInterface(), depth) // a text
		}
		return c.number(kind.NumberValue)
	case *structpb.Value_StringValue:
		c.string(kind.StringValue)
		return c.term(ast.String(kind.StringValue))
	case *structpb.Value_ListValue:
		return arrayOf(c, kind.ListValue.GetValues(), depth)
	case *structpb.Value_StructValue:
		return objectOf(c, kind.StructValue.GetFields(), depth)
	}
	return c.value(nil, depth)
}

func arrayOf[T any](c *canonical, v []T, depth int) *ast.Term {
	if depth > MaxInputDepth {
		return c.fail("nested deeper than %d levels", MaxInputDepth)
	}
	terms := make([]*ast.Term, len(v))
	c.whole++
	c.json = append(c.json, '[')
	for i, e := range v {
		if i > 0 {
			c.json = append(c.json, ',')
		}
		terms[i] = c.value(e, depth+1)
	}
	c.whole--
	c.json = append(c.json, ']')
	return c.term(ast.NewArray(terms...))
}

func objectOf[T any](c *canonical, v map[string]T, depth int) *ast.Term {
	if depth > MaxInputDepth {
		return c.fail("nested deeper than %d levels", MaxInputDepth)
	}
	first, begin := len(c.unread), len(c.written)
	for k, e := range v {
		c.unread = append(c.unread, member{k, e})
	}
	slices.SortFunc(c.unread[first:], func(a, b member) int { return compareUTF16(a.key, b.key) })
	c.json = append(c.json, '{')
	for i := first; i < first+len(v); i++ {
		if i > first {
			c.json = append(c.json, ',')
		}
		m := c.unread[i] // which those within may move
		c.string(m.key)
		c.json = append(c.json, ':')
		value := c.value(m.value, depth+1)
		c.written = append(c.written, [2]*ast.Term{keys.term([]byte(m.key)), value})
	}
	c.json = append(c.json, '}')
	object := c.object(c.written[begin:])
	c.unread, c.written = c.unread[:first], c.written[:begin]
	return object
}

// object returns one of the members. The elements of lists, the members of large objects and all data are whole.
func (c *canonical) object(members [][2]*ast.Term) *ast.Term {
	if c.whole > 0 || len(members) > machine.MaxMembers {
		for i := range members {
			members[i][1] = machine.Whole(members[i][1])
		}
		return c.term(ast.NewObject(members...))
	}
	n := len(members)
	if n > len(c.members) {
		c.members = make([][2]*ast.Term, n)
	}
	own := c.members[:n:n]
	c.members = c.members[n:]
	copy(own, members)
	return machine.NewPart(own)
}

// number prints like ECMAScript's Number::toString, as RFC 8785 section 3.2.2.3 asks.
func (c *canonical) number(f float64) *ast.Term {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return c.fail("NaN and infinities are not JSON")
	}
	start := len(c.json)
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		c.json = strconv.AppendFloat(c.json, f, 'e', -1, 64)
		if n := len(c.json); n-start >= 4 && c.json[n-4] == 'e' && c.json[n-2] == '0' { // e-07 is e-7 in ECMAScript
			c.json[n-2] = c.json[n-1]
			c.json = c.json[:n-1]
		}
	} else if f == 0 {
		c.json = append(c.json, '0') // also -0
	} else {
		c.json = strconv.AppendFloat(c.json, f, 'f', -1, 64)
	}
	if whole := int(f); float64(whole) == f && ast.HasInternedIntNumberTerm(whole) {
		return ast.InternedTerm(whole)
	}
	return c.term(ast.Number(c.json[start:]))
}

const hexDigits = "0123456789abcdef"

// string escapes what RFC 8785 section 3.2.2.2 escapes and nothing else.
func (c *canonical) string(s string) {
	if !utf8.ValidString(s) {
		c.fail("a string is not UTF-8")
		return
	}
	c.json = quote(c.json, s)
}

// quote appends what is known to be UTF-8.
func quote[T string | []byte](json []byte, s T) []byte {
	json = append(json, '"')
	start := 0
	for i := range len(s) {
		b := s[i]
		if b >= 0x20 && b != '"' && b != '\\' {
			continue
		}
		json = append(json, s[start:i]...)
		start = i + 1
		if j := strings.IndexByte("\"\\\b\f\n\r\t", b); j >= 0 {
			json = append(json, '\\', `"\bfnrt`[j])
		} else {
			json = append(json, '\\', 'u', '0', '0', hexDigits[b>>4], hexDigits[b&0xf])
		}
	}
	return append(append(json, s[start:]...), '"')
}

// compareUTF16 orders keys by UTF-16 code units. It differs from the order of bytes only where a character beyond U+FFFF meets one from
// U+E000 on.
func compareUTF16[T string | []byte](a, b T) int {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	switch {
	case i == len(a) || i == len(b):
		return cmp.Compare(len(a), len(b))
	case a[i] < 0xEE || b[i] < 0xEE:
		return cmp.Compare(a[i], b[i])
	}
	return slices.Compare(utf16.Encode([]rune(string(a))), utf16.Encode([]rune(string(b))))
}
