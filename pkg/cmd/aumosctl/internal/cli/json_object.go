package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"google.golang.org/protobuf/types/known/structpb"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/strictjson"
)

// jsonObject reads a JSON object that was given by name. It says what else it is, or where it is cut or broken.
func jsonObject(name string, text []byte) (*structpb.Struct, error) {
	object := new(structpb.Struct)
	err := object.UnmarshalJSON(text)
	if err == nil {
		return object, nil
	}
	var raw json.RawMessage
	if broken, ok := errors.AsType[*json.SyntaxError](json.Unmarshal(text, &raw)); ok {
		return nil, fmt.Errorf("%s is not a JSON object: %s: %w", name, place(text, int(broken.Offset)-1), broken)
	}
	if kind := kindOf(raw); kind != "" {
		return nil, fmt.Errorf("%s is not a JSON object but %s", name, kind)
	}
	if at, why := strictjson.Fault(text); why != "" {
		return nil, fmt.Errorf("%s cannot be sent: %s: %s", name, place(text, at), why)
	}
	return nil, fmt.Errorf("%s cannot be sent: %w", name, err) // for example nested too deeply
}

// place says where in a text an offset is: lines and columns, in bytes, from 1.
func place(text []byte, offset int) string {
	before := text[:max(0, min(offset, len(text)))]
	return fmt.Sprintf("line %d, column %d", 1+bytes.Count(before, []byte("\n")), len(before)-bytes.LastIndexByte(before, '\n'))
}

// kindOf names JSON that is not an object.
func kindOf(value []byte) string {
	value = bytes.TrimLeft(value, " \t\r\n")
	if len(value) == 0 {
		return ""
	}
	switch value[0] {
	case '{':
		return ""
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	}
	return "a number"
}
