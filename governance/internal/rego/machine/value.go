package machine

import (
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// dot returns what the collection has at the key, nil if nothing. Of a set that is the key, as it is written.
func dot(collection, key *ast.Term) *ast.Term {
	switch v := collection.Value.(type) {
	case *Part:
		return v.get(key)
	case ast.Object:
		return v.Get(key)
	case *ast.Array:
		return v.Get(key)
	case ast.Set:
		if v.Contains(key) {
			return key
		}
	}
	return nil
}

// stored reports whether the data document has the same at the key as any other value. It is a store, whose paths are strings: there "1" and 1 are
// keys of an object and indexes of an array alike.
func stored(collection, key *ast.Term) bool {
	switch collection.Value.(type) {
	case ast.Object:
		_, ok := key.Value.(ast.String)
		return ok
	case *ast.Array:
		n, ok := key.Value.(ast.Number)
		return ok && !strings.ContainsAny(string(n), ".eE")
	}
	_, ok := key.Value.(ast.String)
	return ok
}

// composite reports whether the term is made of others. As keys of objects they may have one hash, as ["a", 1] and [1, "a"] have, and when one of them comes
// again OPA's object loses the other.
func composite(t *ast.Term) bool {
	_, ok := length(t)
	return ok
}

// length is the number of elements of a collection, and whether it is one.
func length(t *ast.Term) (int, bool) {
	switch v := t.Value.(type) {
	case ast.Object:
		return v.Len(), true
	case *ast.Array:
		return v.Len(), true
	case ast.Set:
		return v.Len(), true
	}
	return 0, false
}

// equal compares, and reports whether equal values are also written in the same way.
func equal(a, b *ast.Term) (equal, same bool) {
	if a == b {
		return true, true
	}
	switch x := a.Value.(type) {
	case ast.String:
		y, ok := b.Value.(ast.String)
		return ok && x == y, true
	case ast.Boolean:
		y, ok := b.Value.(ast.Boolean)
		return ok && x == y, true
	case ast.Number:
		y, ok := b.Value.(ast.Number)
		if ok && x == y {
			return true, true
		}
		return ok && x.Compare(y) == 0, false
	}
	return a.Value.Compare(b.Value) == 0, plain(a) && plain(b)
}

// plain reports whether every number in the term is written as another equal number would be: a whole number by its digits, or digits with a point
// of which the last is no zero. Of equal plain terms it does not matter which one is kept.
func plain(t *ast.Term) bool {
	switch v := t.Value.(type) {
	case ast.Number:
		return plainNumber(string(v))
	case *ast.Array:
		return !v.Until(func(e *ast.Term) bool { return !plain(e) })
	case ast.Set:
		return !v.Until(func(e *ast.Term) bool { return !plain(e) })
	case ast.Object:
		return !v.Until(func(k, e *ast.Term) bool { return !plain(k) || !plain(e) })
	}
	return true
}

func plainNumber(number string) bool {
	s := strings.TrimPrefix(number, "-")
	if s == "" || strings.Trim(s, "0123456789.") != "" {
		return false
	}
	whole, fraction, hasPoint := strings.Cut(s, ".")
	if whole == "" || len(whole) > 1 && whole[0] == '0' || hasPoint && (fraction == "" || strings.HasSuffix(fraction, "0")) {
		return false
	}
	return number != "-0"
}
