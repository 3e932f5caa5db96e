package bundle

import (
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/format"
)

//go:embed result.rego
var resultModule string

// entryModule writes the rules that sidecars ask: the answer of each policy, and that of each decision point.
func entryModule(policies []Policy, parts map[uuid.UUID]*Part) ([]byte, error) {
	var b strings.Builder
	fmt.Fprintln(&b, "package aumos")
	points := make(map[string][]string)
	for _, p := range policies {
		name := quote(p.Name)
		part := parts[p.VersionID]
		fmt.Fprintf(&b, "\npolicy[%s] := ", name)
		about := fmt.Sprintf(`{"policy_id": %s, "policy_name": %s, "policy_version_id": %s, "content_sha256": %s}`,
			quote(p.ID.String()), name, quote(p.VersionID.String()), quote(hex.EncodeToString(p.ContentSHA256[:])))
		if part.entry == nil {
			fmt.Fprintf(&b, `object.union(%s, {"outcome": "ERROR", "error_reason": %s, "allow": false, "violations": [], "obligations": []})`, about, quote(part.reason.String()))
		} else {
			fmt.Fprintf(&b, "data.aumos.result.of(%s, %s, %s, %s)",
				about, part.collect("allow", true), part.collect("violations", part.violations), part.collect("obligations", part.obligations))
		}
		fmt.Fprintln(&b)
		for _, point := range p.DecisionPoints {
			points[point] = append(points[point], fmt.Sprintf("data.aumos.policy[%s]", name))
		}
	}
	for _, point := range slices.Sorted(maps.Keys(points)) {
		fmt.Fprintf(&b, "\ndecision_point[%s] := data.aumos.result.combine([%s])\n", quote(point), strings.Join(points[point], ", "))
	}
	text, err := format.SourceWithOpts("policies.rego", []byte(b.String()), format.Opts{RegoVersion: ast.RegoV1})
	if err != nil {
		return nil, fmt.Errorf("write the bundle's entry points: %w", err)
	}
	return text, nil
}

// collect is the value of a rule of the entry point in an array, which is empty where the rule is undefined or is not there.
func (p *Part) collect(rule string, exists bool) string {
	if !exists {
		return "[]"
	}
	return fmt.Sprintf("[x | x := %s]", p.entry.Append(ast.StringTerm(rule)))
}

// quote writes a string as Rego has it, which is as JSON has it.
func quote(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // every string encodes
	}
	return string(text)
}
