package rego

import (
	"errors"
	"testing"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/aumos-enterprise/platform/governance/internal/rego/machine"
)

// Of the engine's compliance cases that ask for the value of a rule, those that the machine answers have topdown's answer, to the letter.
func TestMachineConformance(t *testing.T) {
	t.Parallel()
	var asked, planned, answered int
	for _, tc := range allCases(t) {
		c, query, uses, err := compileCase(tc)
		if uses != "" || err != nil {
			continue // of the other test
		}
		ref, name := asksFor(query)
		if ref == nil {
			continue
		}
		asked++
		program := programOf(c.compiler, []ast.Ref{ref})
		if program == nil {
			continue
		}
		planned++
		want, wantErr := runCase(t, c, tc, true)
		var got [1]*ast.Term
		err = program.Run(machine.Question{Input: inputOf(tc), Data: c.data, Now: time.Now()}, got[:])
		if errors.Is(err, machine.ErrUnusual) {
			continue
		}
		answered++
		switch {
		case err != nil:
			t.Errorf("%s: %v", tc.Note, err)
		case wantErr != nil:
			t.Errorf("%s: got %v, want %v", tc.Note, got[0], wantErr)
		case got[0] == nil && len(want) > 0:
			t.Errorf("%s: undefined, want %v", tc.Note, want)
		case got[0] != nil && (len(want) != 1 || want[0][name].String() != got[0].String()):
			t.Errorf("%s: got %v, want %v", tc.Note, got[0], want)
		}
	}
	t.Logf("of %d cases the machine takes %d and answers %d", asked, planned, answered)
	if answered < 1400 {
		t.Errorf("%d cases were answered: the machine does less than it did", answered)
	}
}

// asksFor returns the rule and the variable of a query like `data.test.p = x`.
func asksFor(query ast.Body) (ast.Ref, ast.Var) {
	if len(query) != 1 || !query[0].IsEquality() || len(query[0].With) > 0 {
		return nil, ""
	}
	ref, ok1 := query[0].Operand(0).Value.(ast.Ref)
	name, ok2 := query[0].Operand(1).Value.(ast.Var)
	if !ok1 || !ok2 || !ref.IsGround() || !ref.HasPrefix(ast.DefaultRootRef) {
		return nil, ""
	}
	return ref, name
}
