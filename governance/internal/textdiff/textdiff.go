// Package textdiff compares texts line by line. It owns the unified format and keeps time and memory proportional to the texts, whatever they are:
// lines that occur once in each text are its anchors, so a shortest edit script is not promised.
package textdiff

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// context is how many equal lines stand around a change.
const context = 3

// Unified returns the change from one text to the other in the unified format, "" when they are equal. It ends after at most limit bytes, at the end
// of a line, and says whether that cut it. A name of "" is shown as /dev/null: there is no such text.
func Unified(oldName, newName, from, to string, limit int) (diff string, cut bool) {
	if from == to && (oldName == "") == (newName == "") {
		return "", false
	}
	w := writer{limit: limit}
	w.line("--- ", shown(oldName))
	w.line("+++ ", shown(newName))
	for _, h := range hunks(edits(split(from), split(to))) {
		h.write(&w)
	}
	return w.text.String(), w.cut
}

func shown(name string) string {
	if name == "" {
		return "/dev/null\n"
	}
	return name + "\n"
}

type writer struct {
	text  strings.Builder
	limit int
	cut   bool
}

func (w *writer) line(mark, line string) {
	const noEnd = "\n\\ No newline at end of file\n"
	end := ""
	if !strings.HasSuffix(line, "\n") {
		end = noEnd
	}
	if w.cut = w.cut || w.text.Len()+len(mark)+len(line)+len(end) > w.limit; w.cut {
		return
	}
	w.text.WriteString(mark)
	w.text.WriteString(line)
	w.text.WriteString(end)
}

// split returns the lines of a text with their ends.
func split(text string) []string {
	lines := strings.SplitAfter(text, "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// edit keeps, removes or adds a line.
type edit struct {
	mark byte // ' ', '-' or '+'
	line string
}

// edits returns the way from one text to the other. Runs of equal lines are found from the anchors outwards.
func edits(from, to []string) []edit {
	list := make([]edit, 0, max(len(from), len(to)))
	add := func(mark byte, lines []string) {
		for _, line := range lines {
			list = append(list, edit{mark, line})
		}
	}
	x, y := 0, 0
	run := func(a pair) { // takes all up to the anchor, and the run of equal lines around it
		if a.x < x || a.y < y {
			return // within a run already
		}
		startX, startY := a.x, a.y
		for startX > x && startY > y && from[startX-1] == to[startY-1] {
			startX, startY = startX-1, startY-1
		}
		add('-', from[x:startX])
		add('+', to[y:startY])
		x, y = startX, startY
		for x < len(from) && y < len(to) && from[x] == to[y] {
			x, y = x+1, y+1
		}
		add(' ', from[startX:x])
	}
	run(pair{0, 0})
	for _, a := range anchors(from, to) {
		run(a)
	}
	run(pair{len(from), len(to)})
	return list
}

// pair is a line of each text, by index.
type pair struct{ x, y int }

// anchors returns the longest increasing sequence of lines that occur exactly once in each text.
func anchors(from, to []string) []pair {
	type occurrence struct{ inFrom, inTo, at int }
	seen := make(map[string]*occurrence, len(from))
	for _, line := range from {
		if seen[line] == nil {
			seen[line] = &occurrence{}
		}
		seen[line].inFrom++
	}
	for y, line := range to {
		if o := seen[line]; o != nil {
			o.inTo++
			o.at = y
		}
	}
	var unique []pair
	for x, line := range from {
		if o := seen[line]; o.inFrom == 1 && o.inTo == 1 {
			unique = append(unique, pair{x, o.at})
		}
	}
	// Patience sorting: ends[k] is the pair with the smallest y at which a sequence of k+1 pairs ends.
	var ends []int
	before := make([]int, len(unique))
	for i, p := range unique {
		k, _ := slices.BinarySearchFunc(ends, p.y, func(j, y int) int { return unique[j].y - y })
		before[i] = -1
		if k > 0 {
			before[i] = ends[k-1]
		}
		if k == len(ends) {
			ends = append(ends, i)
		} else {
			ends[k] = i
		}
	}
	sequence := make([]pair, len(ends))
	if len(ends) > 0 {
		for i, k := ends[len(ends)-1], len(ends)-1; k >= 0; i, k = before[i], k-1 {
			sequence[k] = unique[i]
		}
	}
	return sequence
}

// hunk is a group of changes with the equal lines around them.
type hunk struct {
	x, y  int // how many lines of each text come before
	edits []edit
}

func hunks(list []edit) []hunk {
	var found []hunk
	x, y := 0, 0             // lines of each text before the edit
	first, end := 0, -1      // the edits of the hunk that is open
	beforeX, beforeY := 0, 0 // lines of each text before it
	closeHunk := func() {
		if end >= 0 {
			found = append(found, hunk{x: beforeX, y: beforeY, edits: list[first:end]})
		}
	}
	for i, e := range list {
		if e.mark != ' ' {
			// The lines between two hunks are equal, so both texts move by as many.
			if start := max(i-context, 0); end < 0 || start > end {
				closeHunk()
				first, beforeX, beforeY = start, x-(i-start), y-(i-start)
			}
			end = min(i+1+context, len(list))
		}
		if e.mark != '+' {
			x++
		}
		if e.mark != '-' {
			y++
		}
	}
	closeHunk()
	return found
}

func (h hunk) write(w *writer) {
	var olds, news int
	for _, e := range h.edits {
		if e.mark != '+' {
			olds++
		}
		if e.mark != '-' {
			news++
		}
	}
	w.line("", fmt.Sprintf("@@ -%s +%s @@\n", span(h.x, olds), span(h.y, news)))
	for _, e := range h.edits {
		w.line(string(e.mark), e.line)
	}
}

// span is a range of lines: where it is empty, the line before it is named.
func span(before, n int) string {
	switch n {
	case 0:
		return fmt.Sprintf("%d,0", before)
	case 1:
		return strconv.Itoa(before + 1)
	default:
		return fmt.Sprintf("%d,%d", before+1, n)
	}
}
