package auditlog

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// appendStruct appends a google.protobuf.Struct with its keys in byte order.
func appendStruct(b []byte, field protowire.Number, m map[string]any, depth int) ([]byte, error) {
	if depth >= maxDepth {
		return b, fmt.Errorf("must not nest deeper than %d levels", maxDepth)
	}
	keys := make([]string, 0, len(m))
	for k := range m {
		if !utf8.ValidString(k) {
			return b, fmt.Errorf("the key %q is not valid UTF-8", k)
		}
		keys = append(keys, k)
	}
	slices.Sort(keys)
	var err error
	b = appendMessage(b, field, func(b []byte) []byte {
		for _, k := range keys {
			b = appendMessage(b, 1, func(b []byte) []byte { // a map entry: key and value are always written
				b = protowire.AppendTag(b, 1, protowire.BytesType)
				b = protowire.AppendString(b, k)
				var bad error
				if b, bad = appendValue(b, 2, m[k], depth); bad != nil && err == nil {
					err = fmt.Errorf("%s: %w", k, bad)
				}
				return b
			})
		}
		return b
	})
	return b, err
}

// appendValue appends a google.protobuf.Value.
func appendValue(b []byte, field protowire.Number, v any, depth int) ([]byte, error) {
	var err error
	b = appendMessage(b, field, func(b []byte) []byte {
		switch v := v.(type) {
		case nil:
			b = protowire.AppendTag(b, valueNull, protowire.VarintType)
			b = protowire.AppendVarint(b, 0)
		case bool:
			b = protowire.AppendTag(b, valueBool, protowire.VarintType)
			b = protowire.AppendVarint(b, protowire.EncodeBool(v))
		case string:
			if !utf8.ValidString(v) {
				err = fmt.Errorf("the string %q is not valid UTF-8", v)
			}
			b = protowire.AppendTag(b, valueString, protowire.BytesType)
			b = protowire.AppendString(b, v)
		case map[string]any:
			b, err = appendStruct(b, valueStruct, v, depth+1)
		case []any:
			b, err = appendList(b, v, depth+1)
		case []string:
			list := make([]any, len(v))
			for i, s := range v {
				list[i] = s
			}
			b, err = appendList(b, list, depth+1)
		default:
			var f float64
			f, err = number(v)
			b = protowire.AppendTag(b, valueNumber, protowire.Fixed64Type)
			b = protowire.AppendFixed64(b, math.Float64bits(f))
		}
		return b
	})
	return b, err
}

func appendList(b []byte, list []any, depth int) ([]byte, error) {
	if depth >= maxDepth {
		return b, fmt.Errorf("must not nest deeper than %d levels", maxDepth)
	}
	var err error
	b = appendMessage(b, valueList, func(b []byte) []byte {
		for i, v := range list {
			var bad error
			if b, bad = appendValue(b, 1, v, depth); bad != nil && err == nil {
				err = fmt.Errorf("[%d]: %w", i, bad)
			}
		}
		return b
	})
	return b, err
}

// number converts what google.protobuf.Value keeps as a double. Integers that a double cannot hold are refused, not rounded.
func number(v any) (float64, error) {
	var f float64
	exact := true
	switch v := v.(type) {
	case float64:
		f = v
	case float32:
		f = float64(v)
	case int:
		f, exact = float64(v), int64(float64(v)) == int64(v)
	case int32:
		f = float64(v)
	case int64:
		f, exact = float64(v), int64(float64(v)) == v
	case uint32:
		f = float64(v)
	case uint64:
		f, exact = float64(v), v <= 1<<53
	case json.Number:
		parsed, err := v.Float64()
		if err != nil {
			return 0, fmt.Errorf("the number %q is out of range", v)
		}
		f = parsed
	default:
		return 0, fmt.Errorf("values of type %T are not supported", v)
	}
	if err := finite(f); err != nil {
		return 0, err
	}
	if !exact {
		return 0, fmt.Errorf("the integer %v has no exact double: write it as a string", v)
	}
	return f, nil
}

func finite(f float64) error {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return fmt.Errorf("the number %v is not finite", f)
	}
	return nil
}
