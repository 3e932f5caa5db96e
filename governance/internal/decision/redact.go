package decision

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
)

// What of masked values is looked for in the answers of policies: texts and numbers that are long enough not to stand everywhere. With more values than
// maxHidden the search would cost too much, and every text of the answer counts as one.
const (
	minHiddenText   = 3
	minHiddenNumber = 4
	maxHidden       = 1024
	hiddenMark      = "*"
)

// redaction takes what is masked out of the answers of policies before they are recorded: policies see masked values and may quote them. What a policy
// makes of a value, like its beginning or a digest, it does not find: those who approve a policy see to that.
type redaction struct {
	texts   *strings.Replacer // nil: every text goes
	numbers map[float64]bool
}

// redacted returns the results as they may be recorded.
func (in seen) redacted(results []Result) []Result {
	if len(in.hidden) == 0 || !slices.ContainsFunc(results, func(r Result) bool { return len(r.Violations)+len(r.Obligations) > 0 }) {
		return results
	}
	hide := newRedaction(in.hidden)
	results = slices.Clone(results)
	for i := range results {
		r := &results[i]
		r.Violations = mapped(r.Violations, hide.violation)
		r.Obligations = mapped(r.Obligations, hide.obligation)
	}
	return results
}

func mapped[T any](list []T, f func(T) T) []T {
	list = slices.Clone(list)
	for i := range list {
		list[i] = f(list[i])
	}
	return list
}

// newRedaction prepares a search for the masked values, which are given as canonical JSON.
func newRedaction(values [][]byte) redaction {
	r := redaction{numbers: make(map[float64]bool)}
	texts := make(map[string]bool)
	for _, text := range values {
		tokens := json.NewDecoder(bytes.NewReader(text))
		tokens.UseNumber()
		for {
			token, err := tokens.Token() // also the keys of objects
			if err != nil {
				break // the end: it is valid JSON
			}
			switch v := token.(type) {
			case string:
				r.addText(texts, v)
			case json.Number:
				if n, err := v.Float64(); err == nil && len(v) >= minHiddenNumber {
					texts[v.String()], r.numbers[n] = true, true
				}
			}
			if len(texts) > maxHidden {
				return redaction{}
			}
		}
	}
	longestFirst := slices.SortedFunc(func(yield func(string) bool) {
		for text := range texts {
			if !yield(text) {
				return
			}
		}
	}, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) })
	pairs := make([]string, 0, 2*len(longestFirst))
	for _, text := range longestFirst {
		pairs = append(pairs, text, hiddenMark)
	}
	r.texts = strings.NewReplacer(pairs...)
	return r
}

// addText adds the text, and how it reads when it is quoted.
func (r redaction) addText(texts map[string]bool, text string) {
	if len(text) < minHiddenText {
		return
	}
	texts[text] = true
	quoted := strconv.Quote(text)
	texts[quoted[1:len(quoted)-1]] = true
	if encoded, err := json.Marshal(text); err == nil {
		texts[string(encoded[1:len(encoded)-1])] = true
	}
}

func (r redaction) text(s string) string {
	if s == "" {
		return s
	}
	if r.texts == nil {
		return hiddenMark
	}
	return r.texts.Replace(s)
}

func (r redaction) violation(v rego.Violation) rego.Violation {
	return rego.Violation{Code: r.text(v.Code), Message: r.text(v.Message), Severity: r.text(v.Severity), Control: r.text(v.Control)}
}

func (r redaction) obligation(o rego.Obligation) rego.Obligation {
	o.ID = r.text(o.ID)
	if o.Parameters != nil {
		o.Parameters, _ = r.value(o.Parameters).(map[string]any)
		o.Parameters["id"] = o.ID // whatever a parameter of a masked name has become
	}
	return o
}

func (r redaction) value(v any) any {
	switch v := v.(type) {
	case string:
		return r.text(v)
	case float64:
		if r.texts == nil || r.numbers[v] {
			return nil
		}
	case []any:
		return mapped(v, r.value)
	case map[string]any:
		m := make(map[string]any, len(v))
		for key, each := range v {
			if key != "id" {
				key = r.text(key)
			}
			m[key] = r.value(each)
		}
		return m
	}
	return v
}
