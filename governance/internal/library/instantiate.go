package library

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/aumos-enterprise/platform/pkg/errs"
)

// Instance is a template with parameters: the content of a version.
type Instance struct {
	Template   *Template
	Parameters map[string]any // those given, and defaults for the rest
	Modules    []Module       // the entry point first
}

// maxParameters bounds the module that the parameters make; the contract's limit on one module is 256 KiB.
const maxParameters = 64 << 10

var errRoundTrip = errors.New("the module of the parameters does not read as the parameters")

// Instantiate checks the parameters against the template's schema and makes the modules. It is a function of its operands: the same parameters make the same bytes. Values
// are nil, bool, float64, string, []any and map[string]any. It fails with INVALID_FIELD, whose violations name the fields within "parameters".
func (t *Template) Instantiate(parameters map[string]any) (Instance, error) {
	if problems := t.parameters.check("parameters", emptyIfNil(parameters), nil); len(problems) > 0 {
		err := errs.New(errs.InvalidArgument, errs.ReasonInvalidField, "the request is invalid: see the field violations")
		for _, p := range problems {
			err = err.Field(p.path, "%s", p.description)
		}
		return Instance{}, err
	}
	all := t.parameters.complete(parameters)
	source := parametersModule(t, all)
	if len(source) > maxParameters {
		return Instance{}, errs.InvalidField("parameters", "%d bytes as Rego, at most %d", len(source), maxParameters)
	}
	// The module is made from text, so it is read again: whatever a value holds, it must be that value and nothing else.
	if err := readsAs(source, all); err != nil {
		return Instance{}, fmt.Errorf("make parameters of template %s: %w", t.Name, errors.Join(errRoundTrip, err))
	}
	modules := append([]Module{}, t.Modules...)
	return Instance{Template: t, Parameters: all, Modules: append(modules, Module{Path: parametersPath, Source: source})}, nil
}

func emptyIfNil(v map[string]any) map[string]any {
	if v == nil {
		return map[string]any{}
	}
	return v
}

// ParametersSHA256 returns the digest of the parameters' module.
func (i Instance) ParametersSHA256() string {
	sum := sha256.Sum256([]byte(i.Modules[len(i.Modules)-1].Source))
	return hex.EncodeToString(sum[:])
}
