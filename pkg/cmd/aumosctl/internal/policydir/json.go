package policydir

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"

	"google.golang.org/protobuf/types/known/structpb"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/strictjson"
)

// jsonObject reads JSON as strictly as [objectOf] reads YAML. A reader of YAML would do for most JSON, but not for pairs of surrogates, \/ and long keys.
func jsonObject(text []byte) (*structpb.Struct, error) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if broken, ok := errors.AsType[*json.SyntaxError](json.Unmarshal(text, new(json.RawMessage))); ok {
		return nil, fmt.Errorf("%d: is not JSON: %w", lineAt(text, broken.Offset), broken)
	}
	if at, why := strictjson.Fault(text); why != "" {
		return nil, fmt.Errorf("%d: %s", lineAt(text, int64(at)+1), why)
	}
	r := jsonReader{json.NewDecoder(bytes.NewReader(text)), text}
	r.UseNumber()
	value, err := r.value(0)
	if err != nil {
		return nil, err
	}
	object := value.GetStructValue()
	if object == nil {
		return nil, r.fail("must be an object")
	}
	return object, nil
}

// jsonReader reads text that is JSON, and has no faults, token by token, so that an error has a line.
type jsonReader struct {
	*json.Decoder
	text []byte
}

func (r jsonReader) value(depth int) (*structpb.Value, error) {
	token, err := r.Token()
	if err != nil {
		return nil, r.fail("%w", err)
	}
	if depth > maxDepth {
		return nil, r.fail("is nested more than %d levels deep", maxDepth)
	}
	switch v := token.(type) {
	case json.Delim:
		if v == '{' {
			return r.object(depth)
		}
		return r.list(depth)
	case json.Number:
		n, err := v.Float64()
		if err != nil {
			return nil, r.fail("%w", err)
		}
		if !strings.ContainsAny(v.String(), ".eE") && math.Abs(n) >= maxExact {
			return nil, r.fail("the number %s cannot be held exactly: put it into quotes, as a text", v)
		}
		return structpb.NewNumberValue(n), nil
	default:
		return structpb.NewValue(v)
	}
}

func (r jsonReader) object(depth int) (*structpb.Value, error) {
	object := &structpb.Struct{Fields: make(map[string]*structpb.Value)}
	for r.More() {
		token, err := r.Token()
		if err != nil {
			return nil, r.fail("%w", err)
		}
		key, _ := token.(string)
		if object.Fields[key], err = r.value(depth + 1); err != nil {
			return nil, err
		}
	}
	return structpb.NewStructValue(object), r.end()
}

func (r jsonReader) list(depth int) (*structpb.Value, error) {
	list := &structpb.ListValue{}
	for r.More() {
		value, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		list.Values = append(list.Values, value)
	}
	return structpb.NewListValue(list), r.end()
}

// end reads the bracket that closes an object or a list.
func (r jsonReader) end() error {
	if _, err := r.Token(); err != nil {
		return r.fail("%w", err)
	}
	return nil
}

// fail begins with the line, as [atLine].
func (r jsonReader) fail(format string, args ...any) error {
	return fmt.Errorf("%d: %w", lineAt(r.text, r.InputOffset()), fmt.Errorf(format, args...))
}

// lineAt counts the line of the byte before the offset.
func lineAt(text []byte, offset int64) int {
	return 1 + bytes.Count(text[:max(0, min(int(offset)-1, len(text)))], []byte("\n"))
}
