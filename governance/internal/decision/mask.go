package decision

import (
	"strconv"
	"strings"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/errs"
)

// Mask is a place of inputs that policies see and that is neither logged nor kept.
type Mask struct {
	// Path is a JSON pointer (RFC 6901); "*" stands for every key or index at its place.
	Path string `json:"path"`
	// DecisionPoint restricts the mask to questions to it; "" means all questions.
	DecisionPoint string `json:"decision_point,omitempty"`
}

// parseMask splits the path. Errors are INVALID_FIELD on "path".
func parseMask(path string) ([]string, error) {
	if !strings.HasPrefix(path, "/") {
		return nil, errs.InvalidField("path", "must begin with /, as JSON pointers do")
	}
	tokens := strings.Split(path[1:], "/")
	if len(tokens) > rego.MaxInputDepth {
		return nil, errs.InvalidField("path", "is deeper than inputs may be, %d levels", rego.MaxInputDepth)
	}
	if strings.ContainsRune(path, 0) {
		return nil, errs.InvalidField("path", "must not contain U+0000: mask the object around it")
	}
	for i, token := range tokens {
		for rest := token; ; {
			at := strings.IndexByte(rest, '~')
			if at < 0 {
				break
			}
			if rest = rest[at+1:]; rest == "" || rest[0] != '0' && rest[0] != '1' {
				return nil, errs.InvalidField("path", `has a ~ that is not part of ~0 (which stands for ~) or ~1 (which stands for /) in %q`, token)
			}
		}
		tokens[i] = strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
	}
	return tokens, nil
}

// masks is what is masked below one place of an input. It is immutable once built.
type masks struct {
	here bool              // the place itself is
	each *masks            // below every key and index
	keys map[string]*masks // below one key or index; keys are written as in canonical JSON, without quotes
}

// newMasks builds the masks that hold in questions to the decision point, "" for questions to a policy; nil when there are none.
func newMasks(list []Mask, point string) (*masks, error) {
	var root *masks
	for _, m := range list {
		if m.DecisionPoint != "" && m.DecisionPoint != point {
			continue
		}
		tokens, err := parseMask(m.Path)
		if err != nil {
			return nil, err
		}
		if root == nil {
			root = &masks{}
		}
		if err := root.add(tokens); err != nil {
			return nil, err
		}
	}
	return root, nil
}

func (m *masks) add(tokens []string) error {
	for _, token := range tokens {
		if token == "*" {
			if m.each == nil {
				m.each = &masks{}
			}
			m = m.each
			continue
		}
		key, err := canonicalKey(token)
		if err != nil {
			return err
		}
		if m.keys == nil {
			m.keys = make(map[string]*masks)
		}
		if m.keys[key] == nil {
			m.keys[key] = &masks{}
		}
		m = m.keys[key]
	}
	m.here = true
	return nil
}

// canonicalKey writes a key as inputs have it.
func canonicalKey(key string) (string, error) {
	in, err := rego.NewInput(map[string]any{key: nil})
	if err != nil {
		return "", err
	}
	text := string(in.JSON())
	return text[len(`{"`) : len(text)-len(`":null}`)], nil
}

// apply replaces every masked place of the canonical JSON of an input by null, and returns what stood there. The result is canonical JSON, too; it
// is the input itself when nothing is masked.
func (m *masks) apply(canonical []byte) (masked []byte, hidden [][]byte) {
	if m == nil {
		return canonical, nil
	}
	w := masker{json: canonical}
	w.value([]*masks{m})
	if len(w.hidden) == 0 {
		return canonical, nil
	}
	return append(w.out, canonical[w.copied:]...), w.hidden
}

// masker walks over canonical JSON: valid, and without space between tokens.
type masker struct {
	json   []byte
	at     int
	out    []byte
	copied int      // how much of json is in out or replaced
	hidden [][]byte // what was replaced
}

// value walks over the value at hand, for which the masks in force are given.
func (w *masker) value(in []*masks) {
	for _, m := range in {
		if m.here {
			w.replace()
			return
		}
	}
	switch {
	case len(in) == 0:
		w.skip()
	case w.json[w.at] == '{':
		w.object(in)
	case w.json[w.at] == '[':
		w.array(in)
	default:
		w.skip()
	}
}

func (w *masker) replace() {
	w.out = append(append(w.out, w.json[w.copied:w.at]...), "null"...)
	start := w.at
	w.skip()
	w.copied = w.at
	w.hidden = append(w.hidden, w.json[start:w.at])
}

func (w *masker) object(in []*masks) {
	var buffer [4]*masks
	for w.at++; w.json[w.at] != '}'; {
		if w.json[w.at] == ',' {
			w.at++
		}
		start := w.at + 1
		w.skip()
		key := w.json[start : w.at-1]
		w.at++ // the colon
		w.value(below(buffer[:0], in, key))
	}
	w.at++
}

func (w *masker) array(in []*masks) {
	var buffer [4]*masks
	var digits [20]byte
	w.at++
	for i := 0; w.json[w.at] != ']'; i++ {
		if w.json[w.at] == ',' {
			w.at++
		}
		w.value(below(buffer[:0], in, strconv.AppendInt(digits[:0], int64(i), 10)))
	}
	w.at++
}

// below adds the masks in force one level deeper.
func below(next, in []*masks, key []byte) []*masks {
	for _, m := range in {
		if m.each != nil {
			next = append(next, m.each)
		}
		if deeper := m.keys[string(key)]; deeper != nil {
			next = append(next, deeper)
		}
	}
	return next
}

// skip passes over the value at hand.
func (w *masker) skip() {
	for depth := 0; ; {
		switch w.json[w.at] {
		case '"':
			w.text()
		case '{', '[':
			depth++
			w.at++
		case '}', ']':
			depth--
			w.at++
		case ',', ':':
			w.at++
			continue // only within something
		default:
			for w.at < len(w.json) && strings.IndexByte(",]}", w.json[w.at]) < 0 {
				w.at++
			}
		}
		if depth == 0 {
			return
		}
	}
}

// text passes over a string.
func (w *masker) text() {
	for w.at++; w.json[w.at] != '"'; w.at++ {
		if w.json[w.at] == '\\' {
			w.at++
		}
	}
	w.at++
}
