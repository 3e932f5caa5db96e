package rego

import (
	"hash/maphash"
	"sync/atomic"

	"github.com/open-policy-agent/opa/v1/ast"
)

const (
	keyPlaces   = 1024
	maxKeyBytes = 32 // of a key that is remembered
)

// keyTerms remembers terms of keys: the inputs of one sort all have the same. A place is the last key's that came to it, so that it never grows.
type keyTerms struct {
	seed   maphash.Seed
	places [keyPlaces]atomic.Pointer[keyTerm]
}

type keyTerm struct {
	key  string
	term *ast.Term // immutable, as all terms of inputs
}

// keys are those of the process: what one question's keys leave here, the next one finds only by having them itself.
var keys = keyTerms{seed: maphash.MakeSeed()} //nolint:gochecknoglobals // terms are the same for everybody

func (k *keyTerms) term(key []byte) *ast.Term {
	if len(key) > maxKeyBytes {
		return ast.StringTerm(string(key))
	}
	place := &k.places[maphash.Bytes(k.seed, key)%keyPlaces]
	if known := place.Load(); known != nil && known.key == string(key) {
		return known.term
	}
	own := string(key)
	t := ast.StringTerm(own)
	place.Store(&keyTerm{own, t})
	return t
}
