package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// unknownKeys reports the variables that start with the prefix but are no setting: a misspelt setting would otherwise silently keep its default.
func unknownKeys(prefix string, fields []field, known map[string]bool, vars map[string]string) (problems []error) {
	for _, key := range slices.Sorted(maps.Keys(vars)) {
		if !strings.HasPrefix(key, prefix) || known[key] {
			continue
		}
		if base, ok := strings.CutSuffix(key, fileSuffix); ok && known[base] {
			problems = append(problems, fmt.Errorf("%s: %s is no secret and is not read from a file: set %s", key, base, base))
			continue
		}
		problems = append(problems, fmt.Errorf("%s is no setting: %s is the closest; correct or unset it", key, closest(key, fields)))
	}
	return problems
}

func closest(key string, fields []field) string {
	best, distance := "none", len(key)+1
	for _, f := range fields {
		candidates := []string{f.key}
		if f.secret() {
			candidates = append(candidates, f.key+fileSuffix)
		}
		for _, c := range candidates {
			if d := editDistance(key, c); d < distance {
				best, distance = c, d
			}
		}
	}
	return best
}

// editDistance is Levenshtein's, in one row of memory.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			substitution := diagonal
			if a[i] != b[j] {
				substitution++
			}
			diagonal = row[j+1]
			row[j+1] = min(substitution, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
