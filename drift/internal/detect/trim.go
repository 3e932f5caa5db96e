package detect

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"unicode/utf8"
)

const (
	// explanationBudget bounds what a run spends on bins and categories, in bytes of JSON. The most severe features keep theirs; with it, the
	// results of 500 features with long category names still fit into one message.
	explanationBudget = 512 << 10
	// maxName bounds a category's name in a trimmed run, in bytes. Uploaded names may have 1,024.
	maxName = 128
)

// Trim shortens names and drops explanations beyond a budget, those of the least severe features first: for results that travel.
func (run *Run) Trim() error {
	budget := explanationBudget
	for _, i := range run.BySeverity() {
		e := run.Features[i].Explanation
		if e == nil {
			continue
		}
		for _, changes := range [][]CategoryChange{e.Categories, e.Unseen, e.Vanished} {
			for j := range changes {
				changes[j].Category = shorten(changes[j].Category)
			}
		}
		size, err := size(e)
		if err != nil {
			return fmt.Errorf("encode explanation: %w", err)
		}
		if budget -= size; budget < 0 {
			run.Features[i].Explanation = nil
		}
	}
	return nil
}

// size is the number of bytes of v as JSON without the escapes that are for HTML.
func size(v any) (int, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return 0, err
	}
	return buffer.Len() - 1, nil // without the line's end
}

// shorten cuts a long name and marks the cut with the start of the name's SHA-256, so that two names with one beginning stay apart.
func shorten(name string) string {
	if len(name) <= maxName {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	end := maxName - 20
	for !utf8.RuneStart(name[end]) {
		end--
	}
	return name[:end] + "…#" + hex.EncodeToString(sum[:8])
}

// BySeverity returns the positions of the features, the most severe first.
func (run *Run) BySeverity() []int {
	order := make([]int, len(run.Features))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(run.Features[b].Severity, run.Features[a].Severity) })
	return order
}
