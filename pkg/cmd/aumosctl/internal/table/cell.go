package table

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// cell is one value as the file has it.
type cell struct {
	kind    cellKind
	text    string
	number  float64
	boolean bool
	micros  int64     // since 1970 UTC
	vector  []float32 // valid during the call only
}

type cellKind uint8

const (
	cellMissing cellKind = iota
	cellText
	cellNumber
	cellBoolean
	cellInstant
	cellVector
)

// textCell makes the cell of a text; spaces around a value are no part of it.
func (t *Table) textCell(s string) cell {
	s = strings.TrimSpace(s)
	if s == "" || (len(s) <= MaxCategory && t.missing[strings.ToLower(s)]) {
		return cell{}
	}
	return cell{kind: cellText, text: s}
}

// numberCell makes the cell of a number; NaN is missing.
func numberCell(x float64) cell {
	if math.IsNaN(x) {
		return cell{}
	}
	return cell{kind: cellNumber, number: x}
}

// instantCell makes the cell of n units since 1970: of what is outside the years 1 to 9999 a text, which is no time.
func instantCell(n int64, unit time.Duration) cell {
	var at time.Time
	inside := true
	if unit >= time.Second {
		seconds := int64(unit / time.Second)
		inside = n > math.MinInt64/seconds && n < math.MaxInt64/seconds
		at = time.Unix(n*seconds, 0).UTC()
	} else {
		each := int64(time.Second / unit)
		at = time.Unix(n/each, n%each*int64(unit)).UTC()
	}
	if !inside || at.Year() < 1 || at.Year() > 9999 {
		return cell{kind: cellText, text: fmt.Sprintf("%d times %s after 1970", n, unit)}
	}
	return cell{kind: cellInstant, micros: at.UnixMicro()}
}

// numeric returns the cell's number, or why it has none.
func (c cell) numeric() (float64, error) {
	x := c.number
	switch c.kind {
	case cellText:
		var err error
		if x, err = parseNumber(c.text); err != nil {
			return 0, err
		}
	case cellBoolean:
		return 0, fmt.Errorf("%t is not a number", c.boolean)
	case cellInstant, cellVector:
		return 0, fmt.Errorf("%s is not a number", c.excerpt())
	case cellMissing, cellNumber:
	}
	if math.IsInf(x, 0) {
		return 0, errors.New("infinite values cannot be compared")
	}
	return x, nil
}

// categorical returns the cell as the name of a category. Numbers are written in the shortest form that reads back, so that 5 and
// 5.0 of a Parquet column are the category "5" of a CSV column.
func (c cell) categorical() (string, error) {
	switch c.kind {
	case cellNumber:
		return strconv.FormatFloat(c.number, 'f', -1, 64), nil
	case cellBoolean:
		return strconv.FormatBool(c.boolean), nil
	case cellInstant:
		return time.UnixMicro(c.micros).UTC().Format(time.RFC3339Nano), nil
	case cellVector:
		return "", errors.New("a vector is no category")
	case cellMissing, cellText:
	}
	return c.within(MaxCategory, "category")
}

// prose returns the cell as free text.
func (c cell) prose() (string, error) {
	if c.kind == cellText {
		return c.within(MaxText, "text")
	}
	return c.categorical()
}

func (c cell) within(most int, what string) (string, error) {
	if len(c.text) > most {
		return "", fmt.Errorf("the value is %d bytes long: a %s has at most %d", len(c.text), what, most)
	}
	if !utf8.ValidString(c.text) {
		return "", errors.New("the value is not UTF-8")
	}
	return c.text, nil
}

// instant returns the cell as microseconds since 1970 UTC. A time without a zone is UTC.
func (c cell) instant() (int64, error) {
	if c.kind == cellInstant {
		return c.micros, nil
	}
	if c.kind == cellText {
		for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", time.DateTime, time.DateOnly} { // each also with fractions of a second
			if t, err := time.Parse(layout, c.text); err == nil && t.Year() >= 1 && t.Year() <= 9999 {
				return t.UnixMicro(), nil
			}
		}
		return 0, fmt.Errorf("%s is no time as 2026-11-22T12:00:00Z", excerpt(c.text))
	}
	return 0, fmt.Errorf("%s is no time as 2026-11-22T12:00:00Z", c.excerpt())
}

// truth returns the cell as a boolean.
func (c cell) truth() (bool, error) {
	switch c.kind {
	case cellBoolean:
		return c.boolean, nil
	case cellNumber:
		if c.number != 0 && c.number != 1 {
			return false, fmt.Errorf("%v is neither 0 nor 1", c.number)
		}
		return c.number == 1, nil
	case cellInstant, cellVector:
		return false, fmt.Errorf("%s is neither true nor false", c.excerpt())
	case cellMissing, cellText:
	}
	switch strings.ToLower(c.text) {
	case "true", "t", "yes", "y", "1":
		return true, nil
	case "false", "f", "no", "n", "0":
		return false, nil
	}
	return false, fmt.Errorf("%s is neither true nor false", excerpt(c.text))
}

// parseNumber reads a decimal number. Hexadecimal numbers and digits grouped by underscores, which strconv reads, are not numbers here.
func parseNumber(s string) (float64, error) {
	x, err := strconv.ParseFloat(s, 64)
	if errors.Is(err, strconv.ErrRange) {
		return 0, fmt.Errorf("%s is beyond the range of 64-bit numbers", excerpt(s))
	}
	if err != nil || math.IsNaN(x) || strings.ContainsAny(s, "xX_") {
		return 0, fmt.Errorf("%s is not a number", excerpt(s))
	}
	return x, nil
}

// isCode reports whether a number is written like a code, as 00501: an identifier rather than a quantity.
func isCode(s string) bool {
	s = strings.TrimLeft(s, "+-")
	return len(s) > 1 && s[0] == '0' && s[1] >= '0' && s[1] <= '9'
}

// excerpt shows the value in a message.
func (c cell) excerpt() string {
	switch c.kind {
	case cellText:
		return excerpt(c.text)
	case cellVector:
		return fmt.Sprintf("a vector of %d numbers", len(c.vector))
	default:
		text, _ := c.categorical() // no kind but text and vector can fail
		return text
	}
}

// excerpt quotes the beginning of a value for a message.
func excerpt(s string) string {
	const most = 40
	if utf8.RuneCountInString(s) <= most {
		return strconv.Quote(s)
	}
	return strconv.Quote(string([]rune(s[:min(len(s), most*utf8.UTFMax)])[:most])) + "…"
}
