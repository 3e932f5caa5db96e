package library

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/open-policy-agent/opa/v1/ast"
)

// parametersPackage is where policies find their parameters.
const parametersPackage = "aumos.library.params"

// parametersModule writes one rule for each parameter, by name. The names come from the template's schema, never from a client. Literals of JSON are literals of Rego, and
// strings are written in ASCII without anything that could end them.
func parametersModule(t *Template, parameters map[string]any) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# The parameters of policy template %s %s. Generated; to change one, change it here and push.\npackage %s\n", t.Name, t.Version, parametersPackage)
	for _, name := range sortedKeys(parameters) {
		fmt.Fprintf(&b, "\n%s := ", name)
		writeValue(&b, parameters[name])
		b.WriteByte('\n')
	}
	return b.String()
}

func sortedKeys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }

// writeValue writes a value that a schema has admitted.
func writeValue(b *strings.Builder, value any) {
	switch v := value.(type) {
	case bool:
		b.WriteString(strconv.FormatBool(v))
	case float64:
		if v == 0 {
			v = 0 // -0 is no literal
		}
		b.WriteString(strconv.FormatFloat(v, 'g', -1, 64))
	case string:
		writeString(b, v)
	case []any:
		b.WriteByte('[')
		for i, element := range v {
			if i > 0 {
				b.WriteString(", ")
			}
			writeValue(b, element)
		}
		b.WriteByte(']')
	case map[string]any:
		b.WriteByte('{')
		for i, key := range sortedKeys(v) {
			if i > 0 {
				b.WriteString(", ")
			}
			writeString(b, key)
			b.WriteString(": ")
			writeValue(b, v[key])
		}
		b.WriteByte('}')
	default:
		b.WriteString("null")
	}
}

// writeString writes what is not a printable ASCII character, and what ends or escapes, as escapes of UTF-16 code units, as JSON and Rego read them.
func writeString(b *strings.Builder, s string) {
	b.WriteByte('"')
	for _, r := range s {
		if r >= ' ' && r <= '~' && r != '"' && r != '\\' {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(b, `\u%04x`, unit)
		}
	}
	b.WriteByte('"')
}

var errOther = errors.New("something other than constants of the parameters' names")

// readsAs parses the module and compares each rule's value with the parameter.
func readsAs(source string, parameters map[string]any) error {
	module, err := ast.ParseModuleWithOpts(parametersPath, source, ast.ParserOptions{RegoVersion: ast.RegoV1})
	if err != nil {
		return err
	}
	if module.Package.Path.String() != "data."+parametersPackage || len(module.Rules) != len(parameters) || len(module.Imports) > 0 {
		return errOther
	}
	for _, rule := range module.Rules {
		name := rule.Head.Name.String()
		want, known := parameters[name]
		if !known || rule.Else != nil || rule.Default || len(rule.Head.Args) > 0 || rule.Head.Key != nil || rule.Head.Value == nil || !rule.Head.Value.IsGround() ||
			len(rule.Head.Ref()) != 1 || !rule.Body.Equal(ast.NewBody(ast.NewExpr(ast.BooleanTerm(true)))) {
			return errOther
		}
		value, err := ast.InterfaceToValue(want)
		if err != nil {
			return err
		}
		if value.Compare(rule.Head.Value.Value) != 0 {
			return fmt.Errorf("parameter %s reads as something else", name)
		}
	}
	return nil
}
