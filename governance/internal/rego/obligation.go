package rego

import (
	"bytes"
	"cmp"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/open-policy-agent/opa/v1/ast"
)

// Obligation is something that the caller of an allowed action must do.
type Obligation struct {
	ID         string
	Parameters map[string]any // the whole object with its id; nil when the policy gave a string
}

// size is an upper bound of what the obligation takes in an entry.
func (o Obligation) size() int {
	if o.Parameters == nil {
		return textSize(o.ID)
	}
	return valueSize(o.Parameters)
}

// What values take as google.protobuf.Value, at most: each length of an entry fits into three bytes.
const (
	boxSize    = 8 // two tags and two lengths
	numberSize = 13
)

func textSize(s string) int { return boxSize + len(s) }

func valueSize(v any) int {
	n := boxSize
	switch v := v.(type) {
	case string:
		return textSize(v)
	case float64:
		return numberSize
	case []any:
		for _, e := range v {
			n += valueSize(e)
		}
	case map[string]any:
		for k, e := range v {
			n += textSize(k) + valueSize(e)
		}
	}
	return n
}

// obligationsOf reads what the policy demands: strings and objects with a string "id", each once.
func obligationsOf(t *ast.Term) ([]Obligation, ErrorReason) {
	all, ok := t.Value.(elements)
	if !ok {
		return nil, ObligationsMalformed
	}
	if all.Len() == 0 {
		return nil, NoError
	}
	list := make([]Obligation, 0, min(all.Len(), MaxObligations))
	size := 0
	reason := NoError
	all.Until(func(e *ast.Term) bool {
		o, ok := obligationOf(e)
		if !ok {
			reason = ObligationsMalformed
			return true
		}
		size += o.size()
		if len(list) == MaxObligations || size > MaxResultBytes {
			reason = ResultTooLarge
			return true
		}
		list = append(list, o)
		return false
	})
	if reason != NoError {
		return nil, reason
	}
	slices.SortFunc(list, compareObligations)
	return slices.CompactFunc(list, func(a, b Obligation) bool { return compareObligations(a, b) == 0 }), NoError
}

func compareObligations(a, b Obligation) int {
	if order := cmp.Compare(a.ID, b.ID); order != 0 || a.Parameters == nil && b.Parameters == nil {
		return order
	}
	return bytes.Compare(a.text(), b.text())
}

// text is the same for the same parameters.
func (o Obligation) text() []byte {
	text, err := json.Marshal(o.Parameters) // sorts the keys
	if err != nil {
		panic(err) // they are JSON values: obligationOf has made them
	}
	return text
}

func obligationOf(t *ast.Term) (o Obligation, ok bool) {
	switch v := t.Value.(type) {
	case ast.String:
		o.ID = string(v)
		return o, o.ID != "" && utf8.ValidString(o.ID)
	case ast.Object:
		value, ok := plain(t, 1)
		if !ok {
			return o, false
		}
		o.Parameters, _ = value.(map[string]any)
		o.ID, _ = o.Parameters["id"].(string)
		return o, o.ID != ""
	}
	return o, false
}

// plain converts a term to what JSON has; sets become arrays. It refuses what the entry on the wall could not hold or would round: text that is no UTF-8,
// numbers and integers that no double is, and nesting of more than maxObligationDepth levels.
func plain(t *ast.Term, depth int) (any, bool) {
	switch v := t.Value.(type) {
	case ast.Null:
		return nil, true
	case ast.Boolean:
		return bool(v), true
	case ast.String:
		return string(v), utf8.ValidString(string(v))
	case ast.Number:
		return double(v)
	}
	if depth > maxObligationDepth {
		return nil, false
	}
	bad := false
	var list []any
	add := func(e *ast.Term) bool {
		p, ok := plain(e, depth+1)
		list = append(list, p)
		bad = !ok
		return bad
	}
	switch v := t.Value.(type) {
	case *ast.Array:
		list = make([]any, 0, v.Len())
		v.Until(add)
		return list, !bad
	case ast.Set:
		list = make([]any, 0, v.Len())
		v.Until(add) // in the order of terms
		return list, !bad
	case ast.Object:
		object := make(map[string]any, v.Len())
		v.Until(func(k, e *ast.Term) bool {
			key, ok1 := k.Value.(ast.String)
			p, ok2 := plain(e, depth+1)
			object[string(key)] = p
			bad = !ok1 || !ok2 || !utf8.ValidString(string(key))
			return bad
		})
		return object, !bad
	}
	return nil, false
}

// double is the number as a double. Fractions are rounded, as everywhere in JSON; an integer that would be is refused.
func double(n ast.Number) (float64, bool) {
	f, err := json.Number(n).Float64()
	if err != nil {
		return 0, false
	}
	const exact = 1 << 53
	if math.Abs(f) >= exact && !strings.ContainsAny(string(n), ".eE") {
		i, ok := n.Int64()
		return f, ok && f < math.MaxInt64 && int64(f) == i
	}
	return f, true
}
