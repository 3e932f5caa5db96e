package rego

import (
	"bytes"
	"math"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/aumos-enterprise/platform/pkg/structwire"
)

// wireMember is a member of an object that was left on the wire.
type wireMember struct {
	key   []byte
	value structwire.Value
}

// read is objectOf for what was left on the wire, where the size of all that is to be made is known.
func (c *canonical) read(o structwire.Object, size structwire.Size) *ast.Term {
	if size.Members <= largeAround {
		c.terms, c.members = make([]ast.Term, size.Leaves), make([][2]*ast.Term, size.Members)
		c.texts.Grow(size.Bytes)
	}
	return c.wireObject(o, 1)
}

func (c *canonical) wireValue(v structwire.Value, depth int) *ast.Term {
	if c.err != nil {
		return ast.InternedNullTerm
	}
	if len(c.json) > MaxInputBytes {
		c.err = c.tooLarge()
		return ast.InternedNullTerm
	}
	switch v.Kind() {
	case structwire.Text:
		return c.text(v.Text())
	case structwire.Number:
		n := v.Number()
		if math.IsNaN(n) || math.IsInf(n, 0) {
			return c.message(structpb.NewNumberValue(n), depth)
		}
		return c.number(n)
	case structwire.Bool:
		return c.value(v.Bool(), depth)
	case structwire.AnObject:
		return c.wireObject(v.Object(), depth)
	case structwire.AList:
		return c.wireList(v.List(), depth)
	default:
		return c.value(nil, depth)
	}
}

// text writes into the piece of memory that the texts of an input share: nothing that has been written there changes any more.
func (c *canonical) text(s []byte) *ast.Term {
	c.json = quote(c.json, s)
	from := c.texts.Len()
	c.texts.Write(s)
	return c.term(ast.String(c.texts.String()[from:]))
}

func (c *canonical) wireList(l structwire.List, depth int) *ast.Term {
	if depth > MaxInputDepth {
		return c.fail("nested deeper than %d levels", MaxInputDepth)
	}
	terms := make([]*ast.Term, 0, l.Len())
	c.whole++
	c.json = append(c.json, '[')
	for len(l) > 0 {
		if len(terms) > 0 {
			c.json = append(c.json, ',')
		}
		var v structwire.Value
		v, l = l.Next()
		terms = append(terms, c.wireValue(v, depth+1))
	}
	c.whole--
	c.json = append(c.json, ']')
	return c.term(ast.NewArray(terms...))
}

func (c *canonical) wireObject(o structwire.Object, depth int) *ast.Term {
	if depth > MaxInputDepth {
		return c.fail("nested deeper than %d levels", MaxInputDepth)
	}
	first, begin := len(c.wire), len(c.written)
	for len(o) > 0 {
		var m wireMember
		m.key, m.value, o = o.Next()
		c.wire = append(c.wire, m)
	}
	last := len(c.wire)
	slices.SortStableFunc(c.wire[first:], func(a, b wireMember) int { return compareUTF16(a.key, b.key) })
	c.json = append(c.json, '{')
	for i := first; i < last; i++ {
		m := c.wire[i] // which those within may move
		if i+1 < last && bytes.Equal(c.wire[i+1].key, m.key) {
			continue // of a key that stands twice the last value holds
		}
		if len(c.written) > begin {
			c.json = append(c.json, ',')
		}
		c.json = quote(c.json, m.key)
		c.json = append(c.json, ':')
		value := c.wireValue(m.value, depth+1)
		c.written = append(c.written, [2]*ast.Term{keys.term(m.key), value})
	}
	c.json = append(c.json, '}')
	object := c.object(c.written[begin:])
	c.wire, c.written = c.wire[:first], c.written[:begin]
	return object
}
