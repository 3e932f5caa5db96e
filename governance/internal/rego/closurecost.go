package rego

import (
	"maps"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
)

// maxClosureCost bounds what the type checker may take for the comprehensions of a version, in steps of about a microsecond.
const maxClosureCost = 1 << 20

// closures adds up what the type checker will take. It checks the body of each comprehension (typeChecker.checkClosures in OPA's ast package) anew for every body
// around it, and once more for the type of the operand that it stands in (TypeEnv.GetByValue): each level of nesting takes 2.6 times as long as the one within, and
// nothing can interrupt that.
type closures struct{ cost int }

// boundClosures refuses what takes too long to be checked. It is a stage of the compiler, before the check of types.
func boundClosures(c *ast.Compiler) (found *ast.Error) {
	var all closures
	for _, name := range slices.Sorted(maps.Keys(c.Modules)) {
		ast.WalkRules(c.Modules[name], func(r *ast.Rule) bool {
			if found == nil {
				if own, _ := all.body(r.Body); all.add(own) {
					found = ast.NewError(ast.CompileErr, r.Loc(), "the comprehensions up to here are nested too deeply to be checked: give the inner ones names, by rules of their own")
				}
			}
			return false
		})
	}
	return found
}

func (c *closures) add(cost int) (tooMuch bool) {
	c.cost += cost
	return c.cost > maxClosureCost
}

// body returns what one check of a body costs, and of all the comprehensions within it, once each.
func (c *closures) body(b ast.Body) (own, within int) {
	saturated := func(n int) int { return min(n, 2*maxClosureCost) }
	for _, e := range b {
		own++
		ast.WalkClosures(e, func(x any) bool {
			nested, comprehension := bodiesOf(x)
			for _, body := range nested {
				cost, deeper := c.body(body)
				own, within = saturated(own+deeper), saturated(within+deeper)
				if comprehension {
					own, within = saturated(own+2*cost), saturated(within+cost)
				}
			}
			return true
		})
	}
	return own, within
}
