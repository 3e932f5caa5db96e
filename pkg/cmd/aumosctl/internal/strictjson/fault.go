// Package strictjson finds what JSON leaves open.
package strictjson

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Fault finds what is JSON (RFC 8259) and yet has no one meaning for who receives it: text that is not UTF-8, a key that is there twice, a number beyond a double,
// half of a surrogate pair. It returns the offset and what is there; nothing when there is no such thing, or where text ceases to be JSON before.
func Fault(text []byte) (offset int, why string) {
	for rest := text; len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		if r == utf8.RuneError && size == 1 {
			return len(text) - len(rest), "a byte that is not UTF-8"
		}
		rest = rest[size:]
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var open []*level
	for {
		before := text[d.InputOffset():]
		start := len(text) - len(bytes.TrimLeft(before, " \t\r\n,:"))
		token, err := d.Token()
		if err != nil {
			return 0, "" // the end
		}
		in := &level{}
		if len(open) > 0 {
			in = open[len(open)-1]
		}
		why := in.takes(token, text[start:d.InputOffset()])
		if why != "" {
			return start, why
		}
		switch token {
		case json.Delim('{'):
			open = append(open, &level{keys: map[string]bool{}, key: true})
		case json.Delim('['):
			open = append(open, &level{})
		case json.Delim('}'), json.Delim(']'):
			open = open[:len(open)-1]
		}
	}
}

// level is an array, or an object with the keys that it had so far.
type level struct {
	keys map[string]bool // nil for an array
	key  bool            // whether a key is next
}

// takes says what is wrong with the next token, which is written as raw.
func (l *level) takes(token json.Token, raw []byte) string {
	isKey := l.key && token != json.Delim('}')
	if l.keys != nil {
		l.key = !l.key
	}
	switch v := token.(type) {
	case json.Number:
		if _, err := strconv.ParseFloat(v.String(), 64); err != nil {
			return fmt.Sprintf("the number %s is too large", v)
		}
	case string:
		if strings.ContainsRune(v, utf8.RuneError) && !bytes.ContainsRune(raw, utf8.RuneError) && !bytes.Contains(bytes.ToLower(raw), []byte(`\ufffd`)) {
			return "half of a surrogate pair"
		}
		if isKey && l.keys[v] {
			return fmt.Sprintf("the key %q is there twice", v)
		}
		if isKey {
			l.keys[v] = true
		}
	}
	return ""
}
