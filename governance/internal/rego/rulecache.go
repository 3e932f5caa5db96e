package rego

import (
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// fewValues is how many values a frame keeps in a list: as many as the rules of most policies have, and few enough to compare with each.
const fewValues = 16

// weighingCache is the evaluator's cache of the values of rules. It refuses values over the limits: partial rules gather theirs without an
// expression that a check could follow. The evaluator's own makes a tree of maps, which costs a small policy a tenth of its time.
type weighingCache struct {
	frames []valueFrame
}

// valueFrame holds the first values in a list and the others in a tree.
type valueFrame struct {
	few  []cachedValue
	keys []*ast.Term // backs the references of few: the evaluator uses its own again
	many topdown.VirtualCache
}

// cachedValue is what a rule or a call was found to be. Once undefined it stays so, as in the tree.
type cachedValue struct {
	ref       ast.Ref
	value     *ast.Term
	undefined bool
}

func newWeighingCache() *weighingCache {
	return &weighingCache{frames: []valueFrame{{few: make([]cachedValue, 0, fewValues), keys: make([]*ast.Term, 0, 4*fewValues)}}}
}

// Push implements topdown.VirtualCache.
func (c *weighingCache) Push() { c.frames = append(c.frames, valueFrame{}) }

// Pop implements topdown.VirtualCache.
func (c *weighingCache) Pop() {
	last := len(c.frames) - 1
	c.frames[last] = valueFrame{}
	c.frames = c.frames[:last]
}

// Get implements topdown.VirtualCache.
func (c *weighingCache) Get(ref ast.Ref) (value *ast.Term, undefined bool) {
	f := c.frame()
	if v := f.find(ref); v != nil {
		if v.undefined {
			return nil, true
		}
		return v.value, false
	}
	if f.many != nil {
		return f.many.Get(ref)
	}
	return nil, false
}

// heavyValue is what Put panics with, since it cannot return an error; the evaluation recovers it.
type heavyValue struct{}

// Put implements topdown.VirtualCache.
func (c *weighingCache) Put(ref ast.Ref, value *ast.Term) {
	if value != nil {
		switch value.Value.(type) {
		case *ast.Array, ast.Object, ast.Set:
			if weigh(value) != nil {
				panic(heavyValue{})
			}
		}
	}
	f := c.frame()
	if v := f.find(ref); v != nil {
		v.set(value)
		return
	}
	if len(f.few) == fewValues {
		if f.many == nil {
			f.many = topdown.NewVirtualCache()
		}
		f.many.Put(ref, value)
		return
	}
	start := len(f.keys)
	f.keys = append(f.keys, ref...)
	f.few = append(f.few, cachedValue{ref: f.keys[start:len(f.keys):len(f.keys)]})
	f.few[len(f.few)-1].set(value)
}

func (v *cachedValue) set(value *ast.Term) {
	if value == nil {
		v.undefined = true
		return
	}
	v.value = value
}

// Keys implements topdown.VirtualCache.
func (c *weighingCache) Keys() (keys []ast.Ref) {
	f := c.frame()
	for _, v := range f.few {
		if v.value != nil {
			keys = append(keys, v.ref)
		}
	}
	if f.many != nil {
		keys = append(keys, f.many.Keys()...)
	}
	return keys
}

func (c *weighingCache) frame() *valueFrame { return &c.frames[len(c.frames)-1] }

func (f *valueFrame) find(ref ast.Ref) *cachedValue {
	for i := range f.few {
		if sameRef(f.few[i].ref, ref) {
			return &f.few[i]
		}
	}
	return nil
}

// sameRef begins at the end, where references to rules of one package differ. Their terms are mostly those of the policy itself.
func sameRef(a, b ast.Ref) bool {
	if len(a) != len(b) {
		return false
	}
	for i, term := range slices.Backward(a) {
		if term != b[i] && !term.Equal(b[i]) {
			return false
		}
	}
	return true
}
