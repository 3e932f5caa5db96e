package rego

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"
	"github.com/open-policy-agent/opa/v1/version"
)

// EngineVersion names the engine and the capability profile that a decision was made with, for example "opa/1.22.2+0f3a91c2": the same
// content under another name may answer differently.
func EngineVersion() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(profile)) {
		if r := profile[name]; allowed(r) {
			fmt.Fprintf(&b, "%s %t\n", name, r.guard != nil)
		}
	}
	fmt.Fprintln(&b, maxNodes, maxText, maxDigits, maxExponent, MaxViolations, MaxObligations, MaxResultBytes, maxObligationDepth)
	sum := sha256.Sum256([]byte(b.String()))
	return "opa/" + version.Version + "+" + hex.EncodeToString(sum[:4])
}

// guards returns the guarded builtins and the check of values, by the names under which compiled modules call them.
func guards() map[string]*topdown.Builtin {
	byName := make(map[string]*topdown.Builtin, len(profile))
	for _, b := range ast.Builtins {
		if r := profile[b.Name]; allowed(r) && r.guard != nil {
			byName[guardedName(b.Name)] = guardBuiltin(b, r.guard)
		}
	}
	byName[checkName] = checkBuiltin()
	return byName
}
