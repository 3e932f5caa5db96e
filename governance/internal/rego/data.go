package rego

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
)

// Data is what the modules of a version see as `data`, beside their own packages. It is immutable; the zero value is that there is none.
type Data struct {
	value ast.Object
	json  []byte
}

// NewData checks the limits, which are those of inputs, and converts; nil is none. It fails with INVALID_FIELD on the field "data".
func NewData(data map[string]any) (Data, error) {
	if data == nil {
		return Data{}, nil
	}
	term, canonical, err := convert("data", func(c *canonical) *ast.Term {
		c.whole++
		return objectOf(c, data, 1)
	})
	if err != nil {
		return Data{}, err
	}
	object, _ := term.Value.(ast.Object)
	return Data{value: object, json: canonical}, nil
}

// errNotCanonical is that stored data is not what JSON returned.
var errNotCanonical = errors.New("the data document is not canonical JSON")

// ParseData is the inverse of JSON.
func ParseData(canonical []byte) (Data, error) {
	if len(canonical) == 0 {
		return Data{}, nil
	}
	var values map[string]any
	if err := json.Unmarshal(canonical, &values); err != nil {
		return Data{}, fmt.Errorf("parse data document: %w", err)
	}
	d, err := NewData(values)
	if err == nil && !bytes.Equal(d.json, canonical) {
		err = errNotCanonical
	}
	return d, err
}

// StoredSource returns the source of a version that is kept elsewhere: its modules as its keeper holds them, and its data document as JSON returned it.
func StoredSource[M ~struct{ Path, Source string }](modules []M, data []byte) (Source, error) {
	d, err := ParseData(data)
	return Source{Modules: Modules(modules), Data: d}, err
}

// Modules returns modules that another package holds in a type of its own.
func Modules[M ~struct{ Path, Source string }](modules []M) []Module {
	list := make([]Module, len(modules))
	for i, m := range modules {
		list[i] = Module(m)
	}
	return list
}

// JSON returns the canonical JSON (RFC 8785), nil when there is none. The caller does not change it.
func (d Data) JSON() []byte { return d.json }

// store holds the document as terms: evaluations read it without a conversion.
func (d Data) store() storage.Store {
	if d.value == nil {
		return inmem.NewFromASTObject(ast.NewObject())
	}
	return inmem.NewFromASTObject(d.value)
}

// term is the document, an empty one when there is none.
func (d Data) term() *ast.Term {
	if d.value == nil {
		return ast.InternedEmptyObject
	}
	return ast.NewTerm(d.value)
}

// codeData is the code of a conflict between the data document and a rule.
const codeData = "aumos_data_conflict"

// conflicts finds the rules that stand where the document has a value, or below a value that is no object: OPA would hide one of the two.
func (d Data) conflicts(c *ast.Compiler) problems {
	if d.value == nil {
		return nil
	}
	found := ast.CheckPathConflicts(c, func(path []string) (bool, error) { return d.occupies(path), nil })
	if len(found) == 0 {
		return nil
	}
	list := make(problems, len(found))
	for i, e := range found {
		list[i] = newFinding(e.Location, codeData, "%s", e.Message)
	}
	return list.inOrder()
}

// occupies reports whether nothing can be defined at the path because of the document.
func (d Data) occupies(path []string) bool {
	var at ast.Value = d.value
	for _, key := range path {
		object, ok := at.(ast.Object)
		if !ok {
			return true
		}
		next := object.Get(ast.StringTerm(key))
		if next == nil {
			return false
		}
		at = next.Value
	}
	return true
}

// has reports whether the document has a value at the reference, which begins with data and has no variables.
func (d Data) has(ref ast.Ref) bool {
	if d.value == nil {
		return false
	}
	_, err := d.value.Find(ref[1:])
	return err == nil
}

// nor says of a name that no module defines that the document, if there is one, does not have it either.
func nor(d Data) string {
	if d.value == nil {
		return ""
	}
	return ", nor by its data document"
}
