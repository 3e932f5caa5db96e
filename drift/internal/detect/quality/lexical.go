package quality

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Kind says how a value is written, and so which type it would be read as.
type Kind int

// The kinds. Whole and Fractional are both numbers: a column of whole numbers that gets fractions has changed what it means.
const (
	Absent     Kind = iota // blank, or a word for no value
	Truth                  // true or false
	Whole                  // an integer
	Fractional             // another number
	Instant                // a date or a time, ISO 8601
	Words                  // anything else
	kinds
)

// longest is the length of the longest text that can be anything but words; longer ones are not looked at.
const longest = 40

// KindOf says how a text is written.
func KindOf(text string) Kind {
	if len(text) > longest {
		if strings.TrimSpace(text) == "" {
			return Absent
		}
		return Words
	}
	text = strings.TrimSpace(text)
	switch strings.ToLower(text) {
	case "", "null", "none", "nil", "nan", "na", "n/a", "-", "?", "undefined", "missing":
		return Absent
	case "true", "false":
		return Truth
	}
	if c := text[0]; c != '+' && c != '-' && c != '.' && (c < '0' || c > '9') {
		return Words // "Inf" and "Infinity" too
	}
	if number, err := strconv.ParseFloat(text, 64); err == nil && !strings.ContainsAny(text, "xX_") {
		return KindOfNumber(number)
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999"} {
		if _, err := time.Parse(layout, text); err == nil {
			return Instant
		}
	}
	return Words
}

// KindOfNumber says whether a number is whole.
func KindOfNumber(v float64) Kind {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return Absent
	case v == math.Trunc(v):
		return Whole
	default:
		return Fractional
	}
}

// Kinds counts values by how they are written.
type Kinds [kinds]int64

// Total is the number of values.
func (k Kinds) Total() (total int64) {
	for _, count := range k {
		total += count
	}
	return total
}

// Commonest returns the kind that most values of both sides together have. Since it does not depend on which side a value is of, the shares of
// that kind can be compared as if it had been chosen beforehand.
func Commonest(baseline, current Kinds) Kind {
	best := Absent
	for k := range kinds {
		if baseline[k]+current[k] > baseline[best]+current[best] {
			best = k
		}
	}
	return best
}
