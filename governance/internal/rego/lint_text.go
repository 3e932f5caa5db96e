package rego

import (
	"strings"
	"unicode"

	"github.com/open-policy-agent/opa/v1/ast"
)

// text looks for characters that nobody who reviews a module sees, and of which some change the order in which the rest is shown (Boucher and Anderson,
// "Trojan Source", 2021): Unicode's category Cf without the joiners, which some scripts and emoji need. Each is reported where it first stands.
func (l *linter) text(modules []Module) {
	const joiners = "\u200c\u200d"
	for i, m := range modules {
		seen := make(map[rune]struct{})
		row, column := 1, 1
		for _, r := range m.Source {
			if _, known := seen[r]; !known && unicode.Is(unicode.Cf, r) && !strings.ContainsRune(joiners, r) {
				seen[r] = struct{}{}
				at := &ast.Location{File: fileName(i), Row: row, Col: column}
				l.warn(at, warnInvisibleCharacter, "%U is invisible, or changes the order in which the line is shown: leave it out, or write it as an escape", r)
			}
			column++
			if r == '\n' {
				row, column = row+1, 1
			}
		}
	}
}
