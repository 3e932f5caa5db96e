package errs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"

	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// Clients switch on the enums; the code uses the constants. Each must know what the other does.
func TestReasonsAndEnumsAgree(t *testing.T) {
	t.Parallel()
	const prefix = "ERROR_REASON_"
	enums := map[string]map[string]int32{"governance": governancev1.ErrorReason_value, "drift": driftv1.ErrorReason_value}
	constants := reasonConstants(t)
	for service, values := range enums {
		for value := range values {
			name := strings.TrimPrefix(value, prefix)
			if _, ok := constants[name]; !ok && name != "UNSPECIFIED" {
				t.Errorf("%s: %s has no constant", service, value)
			}
		}
	}
	for value, constant := range constants {
		_, governance := enums["governance"][prefix+value]
		_, drift := enums["drift"][prefix+value]
		if !governance && !drift {
			t.Errorf("%s = %q is in no ErrorReason enum", constant, value)
		}
	}
}

// What every service can send must be in the enum of every service, under the same number.
func TestCommonReasonsAreInEveryEnum(t *testing.T) {
	t.Parallel()
	const firstOwn = 100
	for value, number := range governancev1.ErrorReason_value {
		if other, ok := driftv1.ErrorReason_value[value]; number < firstOwn && (!ok || other != number) {
			t.Errorf("%s is %d in governance and %d (%t) in drift", value, number, other, ok)
		}
	}
	for value, number := range driftv1.ErrorReason_value {
		if _, ok := governancev1.ErrorReason_value[value]; number < firstOwn && !ok {
			t.Errorf("%s is common in drift and missing in governance", value)
		}
	}
}

// reasonConstants reads the constants of type Reason from the source: value to name.
func reasonConstants(t *testing.T) map[string]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "reason.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	constants := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if typ, ok := spec.Type.(*ast.Ident); !ok || typ.Name != "Reason" {
			return true
		}
		for i, name := range spec.Names {
			literal, ok := spec.Values[i].(*ast.BasicLit)
			if !ok {
				t.Fatalf("%s is no literal", name.Name)
			}
			value, err := strconv.Unquote(literal.Value)
			if err != nil {
				t.Fatal(err)
			}
			if first, ok := constants[value]; ok {
				t.Errorf("%s and %s are both %q", first, name.Name, value)
			}
			constants[value] = name.Name
		}
		return true
	})
	if len(constants) == 0 {
		t.Fatal("no constants found in reason.go")
	}
	return constants
}
