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
	if at, why := jsonFault(text); why != "" {
		return nil, fmt.Errorf("%s is not a JSON object: %s: %s", name, place(text, at), why)
	}
	if kind := kindOf(text); kind != "" {
		return nil, fmt.Errorf("%s is not a JSON object but %s", name, kind)
	}
	return nil, fmt.Errorf("%s cannot be sent: %w", name, err) // for example nested too deeply
}

// jsonFault says at which offset a text stops being JSON with one meaning, and why; nothing where it is that.
func jsonFault(text []byte) (at int, why string) {
	var raw json.RawMessage
	if broken, ok := errors.AsType[*json.SyntaxError](json.Unmarshal(text, &raw)); ok {
		return int(broken.Offset) - 1, broken.Error()
	}
	return strictjson.Fault(text)
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
