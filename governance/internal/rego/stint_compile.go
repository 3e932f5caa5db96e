package rego

import "github.com/open-policy-agent/opa/v1/ast"

// shortSource is how many bytes of Rego are parsed in the time for which a compilation has a processor without asking: most versions are compiled before they
// have to wait for anybody.
const shortSource = 2 << 10

// longStages are those of the compiler that take more than a millisecond with some version.
var longStages = []ast.StageID{ //nolint:gochecknoglobals // a constant
	ast.StageResolveRefs, ast.StageRewriteLocalVars, ast.StageRewriteTemplateStrings, ast.StageSetGraph, ast.StageCheckSafetyRuleBodies,
	ast.StageCheckRecursion, ast.StageCheckTypes, ast.StageBuildRuleIndices, ast.StageBuildRequiredCapabilities,
}

func (e *Engine) newCompilation() *stint { return e.stintOf(e.turns.compilations) }

// expect says how much Rego there is to be parsed: a large source waits for its turn at once, since the parser asks nothing.
func (s *stint) expect(modules []Module) {
	if s == nil {
		return
	}
	size := 0
	for _, m := range modules {
		size += len(m.Source)
	}
	if size > shortSource {
		s.short = atOnce
	}
}

// betweenStages lets the compiler wait for its turn after each of its long stages, and stop there when nobody waits for it any more.
func (s *stint) betweenStages(c *ast.Compiler) {
	if s == nil {
		return
	}
	for _, id := range longStages {
		c.WithStageAfterID(id, ast.CompilerStageDefinition{Name: "Turn", MetricName: "compile_stage_turn", Stage: func(*ast.Compiler) *ast.Error {
			if s.look() {
				return ast.NewError(ast.CompileErr, nil, "%s", errLate)
			}
			return nil
		}})
	}
}
