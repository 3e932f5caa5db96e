package rego

import (
	"maps"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// testSuffix ends the paths of modules that hold nothing but tests.
const testSuffix = "_test.rego"

// Coverage records which lines of a version its trials reach, those of any number of goroutines. A line counts when a rule, an expression or a call within
// one begins on it, and it is reached when each of them is: a rule by giving a value, the others by being evaluated. Modules of tests do not count, nor
// `test_` rules elsewhere. Its size is that of the version, whatever the trials do.
type Coverage struct {
	modules []int // indexes of the modules that count
	places  map[place]int
	reached []atomic.Bool // by the numbers of the places
}

// place is where a rule or an expression begins. Both may begin at the same column: the body of `x := 1` stands where its head does.
type place struct {
	file     string
	row, col int
	rule     bool
}

// NewCoverage returns the empty record of a version; the modules are those that it was compiled from.
func NewCoverage(c *Compiled, modules []Module) *Coverage {
	cov := &Coverage{places: make(map[place]int)}
	for i, m := range modules {
		if strings.HasSuffix(m.Path, testSuffix) {
			continue
		}
		cov.modules = append(cov.modules, i)
		for _, r := range c.compiler.Modules[fileName(i)].Rules {
			if isTest(r) {
				continue
			}
			for ; r != nil; r = r.Else {
				cov.addRule(r)
			}
		}
	}
	cov.reached = make([]atomic.Bool, len(cov.places))
	return cov
}

func (c *Coverage) addRule(r *ast.Rule) {
	c.add(r.Head.Location, true)
	// The checks that [instrument] added bear the location of the expression before them, so they make no lines.
	expressions := func(x *ast.Expr) bool {
		c.add(x.Location, false)
		return false
	}
	ast.WalkExprs(r.Head, expressions)
	ast.WalkExprs(r.Body, expressions)
}

func (c *Coverage) add(at *ast.Location, rule bool) {
	if !at.HasFile() { // which only what a compiler made has not
		return
	}
	p := place{at.File, at.Row, at.Col, rule}
	if _, known := c.places[p]; !known {
		c.places[p] = len(c.places)
	}
}

// tracer tells a record what an evaluation does.
type tracer struct{ *Coverage }

func (tracer) Enabled() bool               { return true }
func (tracer) Config() topdown.TraceConfig { return topdown.TraceConfig{} }

func (t tracer) TraceEvent(event topdown.Event) {
	switch event.Op {
	case topdown.ExitOp:
		if r, ok := event.Node.(*ast.Rule); ok {
			t.reach(r.Head.Location, true)
		}
	case topdown.EvalOp:
		if x, ok := event.Node.(*ast.Expr); ok {
			t.reach(x.Location, false)
		}
	default: // the others are about what was reached before
	}
}

func (c *Coverage) reach(at *ast.Location, rule bool) {
	if at == nil {
		return
	}
	if i, ok := c.places[place{at.File, at.Row, at.Col, rule}]; ok && !c.reached[i].Load() {
		c.reached[i].Store(true)
	}
}

// RowRange is a span of rows, both inclusive.
type RowRange struct {
	Start, End int
}

// ModuleCoverage says which lines of a module were reached.
type ModuleCoverage struct {
	Module              int // index of the module
	Covered, NotCovered []RowRange
	CoveredLines, Lines int
}

// Report returns what was reached so far, in the order of the modules.
func (c *Coverage) Report() []ModuleCoverage {
	rows := make(map[int]map[int]bool, len(c.modules)) // module, row: whether everything that begins on it was reached
	for p, i := range c.places {
		module, ok := moduleOf(&ast.Location{File: p.file})
		if !ok {
			continue
		}
		if rows[module] == nil {
			rows[module] = make(map[int]bool)
		}
		before, seen := rows[module][p.row]
		rows[module][p.row] = c.reached[i].Load() && (before || !seen)
	}
	list := make([]ModuleCoverage, len(c.modules))
	for n, module := range c.modules {
		m := ModuleCoverage{Module: module, Lines: len(rows[module])}
		for _, row := range slices.Sorted(maps.Keys(rows[module])) {
			if rows[module][row] {
				m.CoveredLines++
				m.Covered = extend(m.Covered, row)
			} else {
				m.NotCovered = extend(m.NotCovered, row)
			}
		}
		list[n] = m
	}
	return list
}

// extend adds a row that is after those in the ranges.
func extend(ranges []RowRange, row int) []RowRange {
	if n := len(ranges); n > 0 && ranges[n-1].End == row-1 {
		ranges[n-1].End = row
		return ranges
	}
	return append(ranges, RowRange{row, row})
}

// CoveragePercent returns the share of the lines that were reached, rounded down; 100 when there are none.
func CoveragePercent(list []ModuleCoverage) int {
	covered, lines := 0, 0
	for _, m := range list {
		covered, lines = covered+m.CoveredLines, lines+m.Lines
	}
	if lines == 0 {
		return 100
	}
	return 100 * covered / lines
}
