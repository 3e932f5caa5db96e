package difference

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
)

func violationKey(v rego.Violation) string {
	var key []byte
	for _, s := range []string{v.Code, v.Message, v.Severity, v.Control} {
		key = appendText(key, s)
	}
	return string(key)
}

func obligationKey(o rego.Obligation) string {
	key := appendText(nil, o.ID)
	if o.Parameters == nil {
		return string(key)
	}
	return string(appendValue(key, o.Parameters))
}

// appendText writes a string so that no two sequences of strings read the same.
func appendText(key []byte, s string) []byte {
	key = strconv.AppendInt(key, int64(len(s)), 10)
	return append(append(key, ':'), s...)
}

// appendValue writes a value so that equal ones read the same and no others do: numbers by their value, members of objects by their names.
func appendValue(key []byte, v any) []byte {
	switch v := v.(type) {
	case bool:
		return strconv.AppendBool(key, v)
	case string:
		return appendText(key, v)
	case []any:
		key = append(key, '[')
		for _, e := range v {
			key = append(appendValue(key, e), ',')
		}
		return append(key, ']')
	case map[string]any:
		key = append(key, '{')
		for _, name := range slices.Sorted(maps.Keys(v)) {
			key = append(appendValue(appendText(key, name), v[name]), ',')
		}
		return append(key, '}')
	}
	if n, ok := number(v); ok {
		return append(key, n...)
	}
	return append(key, "null"...)
}

// number writes a number as the double that it is in the contract and on the wall. The engine's own are longer: 1/3 has more digits than what was recorded
// of it, and 3.0 is written otherwise than 3.
func number(v any) (string, bool) {
	var f float64
	switch v := v.(type) {
	case float64:
		f = v
	case int:
		f = float64(v)
	case int64:
		f = float64(v)
	case json.Number:
		var err error
		if f, err = v.Float64(); err != nil { // beyond every double
			return "#" + v.String(), true
		}
	default:
		return "", false
	}
	if f == 0 {
		f = math.Abs(f) // -0 is 0
	}
	return "#" + strconv.FormatFloat(f, 'g', -1, 64), true
}
