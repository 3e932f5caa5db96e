package policydir

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/types/known/structpb"
)

// nodeOf is the inverse of valueOf.
func nodeOf(v *structpb.Value) *yaml.Node {
	switch kind := v.GetKind().(type) {
	case *structpb.Value_StructValue:
		return objectNode(kind.StructValue, 0)
	case *structpb.Value_ListValue:
		node := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		for _, item := range kind.ListValue.GetValues() {
			node.Content = append(node.Content, nodeOf(item))
		}
		return node
	case *structpb.Value_StringValue:
		return textNode(kind.StringValue)
	case *structpb.Value_NumberValue:
		tag := "!!float"
		if whole(kind.NumberValue) {
			tag = "!!int"
		}
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: numberText(kind.NumberValue)}
	case *structpb.Value_BoolValue:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: strconv.FormatBool(kind.BoolValue)}
	default:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}
	}
}

func objectNode(s *structpb.Struct, style yaml.Style) *yaml.Node {
	node := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Style: style}
	for _, key := range slices.Sorted(maps.Keys(s.GetFields())) {
		node.Content = append(node.Content, textNode(key), nodeOf(s.GetFields()[key]))
	}
	return node
}

func textNode(s string) *yaml.Node {
	node := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
	if s == "<<" { // which the library takes for what merges objects, unless there are quotes
		node.Style = yaml.DoubleQuotedStyle
	}
	return node
}

// whole reports whether the number is an integer that scalarOf reads.
func whole(n float64) bool { return math.Trunc(n) == n && math.Abs(n) < maxExact }

// numberText is a number in JSON and in YAML. Integers that scalarOf refuses have an exponent: they are exactly the doubles that the platform has.
func numberText(n float64) string {
	if whole(n) {
		return strconv.FormatFloat(n, 'f', 0, 64)
	}
	return strconv.FormatFloat(n, 'g', -1, 64)
}

// formatObject writes JSON for people and for object, on one line when it were longer than limit otherwise.
func formatObject(s *structpb.Struct, limit int) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(jsonOf(structpb.NewStructValue(s))); err != nil {
		return nil, err
	}
	escaped := escape(text.Bytes())
	var indented bytes.Buffer
	if err := json.Indent(&indented, escaped, "", "  "); err != nil {
		return nil, err
	}
	if indented.Len() > limit {
		return escaped, nil
	}
	return indented.Bytes(), nil
}

// jsonOf makes of a value what package json writes.
func jsonOf(v *structpb.Value) any {
	switch kind := v.GetKind().(type) {
	case *structpb.Value_StructValue:
		object := make(map[string]any, len(kind.StructValue.GetFields()))
		for key, value := range kind.StructValue.GetFields() {
			object[key] = jsonOf(value)
		}
		return object
	case *structpb.Value_ListValue:
		list := make([]any, len(kind.ListValue.GetValues()))
		for i, value := range kind.ListValue.GetValues() {
			list[i] = jsonOf(value)
		}
		return list
	case *structpb.Value_NumberValue:
		return json.Number(numberText(kind.NumberValue))
	default:
		return v.AsInterface()
	}
}

// escape writes out what JSON may hold as it is and YAML, which reads it, refuses or takes for the end of a line. Package json has done so for the rest.
func escape(text []byte) []byte {
	var escaped bytes.Buffer
	for _, r := range string(text) {
		if r >= 0x7f && r <= 0x9f || r == 0xfeff || r == 0xfffe || r == 0xffff {
			_, _ = fmt.Fprintf(&escaped, `\u%04x`, r)
			continue
		}
		escaped.WriteRune(r)
	}
	return escaped.Bytes()
}
