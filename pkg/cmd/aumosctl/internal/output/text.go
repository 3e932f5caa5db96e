// Package output prints results and errors for people and for programs.
package output

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean makes text of the server or of a file safe for a terminal: what is not printable is shown as an escape, so that nothing can move
// the cursor or change what was printed before.
func Clean(s string) string {
	printable := func(r rune) bool { return r != utf8.RuneError && unicode.IsPrint(r) }
	if strings.IndexFunc(s, func(r rune) bool { return !printable(r) }) < 0 {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		switch {
		case printable(r):
			b.WriteRune(r)
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		default:
			quoted := strconv.QuoteRune(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		}
	}
	return b.String()
}

// Grid is a table of texts with aligned columns.
type Grid struct {
	header []string
	right  []bool
	rows   [][]string
}

// NewGrid makes a grid; a column whose name begins with ">" is aligned to the right.
func NewGrid(header ...string) *Grid {
	g := &Grid{right: make([]bool, len(header))}
	for i, name := range header {
		name, g.right[i] = strings.CutPrefix(name, ">")
		g.header = append(g.header, name)
	}
	return g
}

// Row adds a row. Values are cleaned; an empty one is shown as a dash.
func (g *Grid) Row(values ...string) {
	row := make([]string, len(g.header))
	for i := range row {
		row[i] = "-"
		if i < len(values) && values[i] != "" {
			row[i] = Clean(values[i])
		}
	}
	g.rows = append(g.rows, row)
}

// Len returns the number of rows.
func (g *Grid) Len() int { return len(g.rows) }

// Print writes the grid, its header in capitals, each line after the indent.
func (g *Grid) Print(w io.Writer, indent string) error {
	width := make([]int, len(g.header))
	for i, name := range g.header {
		width[i] = utf8.RuneCountInString(name)
	}
	for _, row := range g.rows {
		for i, value := range row {
			width[i] = max(width[i], utf8.RuneCountInString(value))
		}
	}
	var b strings.Builder
	line := func(values []string) {
		var text strings.Builder
		for i, value := range values {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(value))
			if i > 0 {
				text.WriteString("  ")
			}
			if g.right[i] {
				text.WriteString(pad + value)
			} else {
				text.WriteString(value + pad)
			}
		}
		b.WriteString(indent + strings.TrimRight(text.String(), " ") + "\n")
	}
	header := make([]string, len(g.header))
	for i, name := range g.header {
		header[i] = strings.ToUpper(name)
	}
	line(header)
	for _, row := range g.rows {
		line(row)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Pairs writes names and values, one pair a line, the values aligned. A pair with an empty value is left out.
func Pairs(w io.Writer, indent string, pairs ...string) error {
	width := 0
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			width = max(width, utf8.RuneCountInString(pairs[i]))
		}
	}
	var b strings.Builder
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			fmt.Fprintf(&b, "%s%-*s  %s\n", indent, width, pairs[i], Clean(pairs[i+1]))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Number writes a number with the digits that a reader needs.
func Number(x float64) string {
	switch {
	case x == 0:
		return "0"
	case x < 1e-4 && x > -1e-4:
		return strconv.FormatFloat(x, 'e', 1, 64)
	case x < 1000 && x > -1000:
		return strconv.FormatFloat(x, 'f', 4, 64)
	default:
		return strconv.FormatFloat(x, 'f', 1, 64)
	}
}

// Percent writes a share between 0 and 1.
func Percent(share float64) string { return strconv.FormatFloat(100*share, 'f', 1, 64) + "%" }
