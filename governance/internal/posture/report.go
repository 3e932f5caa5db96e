package posture

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"
	"unicode/utf8"
)

// Verdict is what a check comes to.
type Verdict string

// The verdicts.
const (
	VerdictOK      Verdict = "ok"
	VerdictWarning Verdict = "warning"
	VerdictFailed  Verdict = "failed"
)

// Verdict returns what the check comes to: only a required one fails.
func (c Check) Verdict() Verdict {
	switch {
	case c.OK:
		return VerdictOK
	case c.Required:
		return VerdictFailed
	default:
		return VerdictWarning
	}
}

// Report is the wall's posture at a time.
type Report struct {
	Checks    []Check
	CheckTime time.Time
}

// SHA256 sums up names, verdicts and problems, in the order of the checks: equal for equal postures, whenever they were looked at. For each check it
// covers a line "name verdict count", and for each of its problems a line "length problem", the length in bytes; each line ends in a line feed.
func (r Report) SHA256() [sha256.Size]byte {
	sum := sha256.New()
	for _, c := range r.Checks {
		fmt.Fprintf(sum, "%s %s %d\n", c.Name, c.Verdict(), len(c.Problems))
		for _, problem := range c.Problems {
			fmt.Fprintf(sum, "%d %s\n", len(problem), problem)
		}
	}
	return [sha256.Size]byte(sum.Sum(nil))
}

// Count returns how many checks come to a verdict.
func (r Report) Count(v Verdict) int {
	n := 0
	for _, c := range r.Checks {
		if c.Verdict() == v {
			n++
		}
	}
	return n
}

const (
	// recordedProblems and recordedBytes bound the problems of one check in an entry, which has limits of its own.
	recordedProblems = 10
	recordedBytes    = 200
)

// details describes the posture in an entry: the digest, each verdict, and the beginning of what is wrong.
func (r Report) details() map[string]any {
	sum := r.SHA256()
	verdicts, problems := map[string]any{}, map[string]any{}
	for _, c := range r.Checks {
		verdicts[c.Name] = string(c.Verdict())
		if list := shortened(c.Problems); len(list) > 0 {
			problems[c.Name] = list
		}
	}
	return map[string]any{"posture_sha256": hex.EncodeToString(sum[:]), "checks": verdicts, "problems": problems}
}

// shortened keeps the beginning of a list and of what is in it.
func shortened(problems []string) []any {
	var list []any
	for i, problem := range problems {
		if i == recordedProblems {
			return append(list, fmt.Sprintf("and %d more", len(problems)-i))
		}
		list = append(list, beginning(problem, recordedBytes))
	}
	return list
}

// beginning keeps a text that fits, and the beginning of one that does not.
func beginning(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit] + "…"
}
