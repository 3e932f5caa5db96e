package policydir

import (
	"fmt"
	"math"
	"strconv"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/types/known/structpb"
)

// maxDepth bounds the nesting of a value, which the platform bounds lower.
const maxDepth = 64

// objectOf converts YAML to the JSON object that it stands for. What JSON has not is an error instead of a surprise: keys that are no texts, numbers that
// JSON cannot hold exactly, anchors. A date without quotes is the text that it looks like.
func objectOf(node *yaml.Node) (*structpb.Struct, error) {
	if node.Kind == yaml.DocumentNode {
		node = node.Content[0]
	}
	if node.Kind == 0 {
		return nil, atLine(node, "must be an object")
	}
	value, err := valueOf(node, 0)
	if err != nil {
		return nil, err
	}
	object := value.GetStructValue()
	if object == nil {
		return nil, atLine(node, "must be an object")
	}
	return object, nil
}

func valueOf(node *yaml.Node, depth int) (*structpb.Value, error) {
	if depth > maxDepth {
		return nil, atLine(node, "is nested more than %d levels deep", maxDepth)
	}
	switch node.Kind {
	case yaml.MappingNode:
		return mappingOf(node, depth)
	case yaml.SequenceNode:
		list := &structpb.ListValue{}
		for _, item := range node.Content {
			value, err := valueOf(item, depth+1)
			if err != nil {
				return nil, err
			}
			list.Values = append(list.Values, value)
		}
		return structpb.NewListValue(list), nil
	case yaml.ScalarNode:
		return scalarOf(node)
	default:
		return nil, atLine(node, "anchors and aliases are not supported")
	}
}

func mappingOf(node *yaml.Node, depth int) (*structpb.Value, error) {
	object := &structpb.Struct{Fields: make(map[string]*structpb.Value, len(node.Content)/2)}
	for i := 0; i < len(node.Content); i += 2 {
		key := node.Content[i]
		if key.Kind != yaml.ScalarNode || key.ShortTag() != "!!str" {
			return nil, atLine(key, "the key %q must be a text: put it into quotes", key.Value)
		}
		if _, ok := object.GetFields()[key.Value]; ok {
			return nil, atLine(key, "the key %q is there twice", key.Value)
		}
		value, err := valueOf(node.Content[i+1], depth+1)
		if err != nil {
			return nil, err
		}
		object.Fields[key.Value] = value
	}
	return structpb.NewStructValue(object), nil
}

// maxExact is where JSON's numbers, as most programs read them, begin to leave out integers.
const maxExact = 1 << 53

func scalarOf(node *yaml.Node) (*structpb.Value, error) {
	switch node.ShortTag() {
	case "!!null":
		return structpb.NewNullValue(), nil
	case "!!bool":
		b, err := strconv.ParseBool(node.Value)
		if err != nil {
			return nil, atLine(node, "%q is neither true nor false", node.Value)
		}
		return structpb.NewBoolValue(b), nil
	case "!!int", "!!float":
		var n float64
		if err := node.Decode(&n); err != nil || math.IsInf(n, 0) || math.IsNaN(n) {
			return nil, atLine(node, "%q is no number of JSON", node.Value)
		}
		if node.ShortTag() == "!!int" && math.Abs(n) >= maxExact {
			return nil, atLine(node, "the number %s cannot be held exactly: put it into quotes, as a text", node.Value)
		}
		return structpb.NewNumberValue(n), nil
	case "!!str", "!!timestamp":
		return structpb.NewStringValue(node.Value), nil
	default:
		return nil, atLine(node, "%s is no type of JSON", node.ShortTag())
	}
}

// atLine begins with the line, for whoever knows the file to put its name before it.
func atLine(node *yaml.Node, format string, args ...any) error {
	return fmt.Errorf("%d: %s", node.Line, fmt.Sprintf(format, args...))
}
