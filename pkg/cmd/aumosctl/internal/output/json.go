package output

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Tree returns a message as the JSON that protojson gives it, with the contract's field names in the contract's order and with zero values
// present, but with 64-bit integers as JSON numbers instead of strings where a double holds them exactly: policies and jq compare numbers,
// and protojson reads both. The message's own fields that are named in omit are left out.
func Tree(m proto.Message, omit ...protoreflect.Name) (json.RawMessage, error) {
	data, err := protojson.MarshalOptions{UseProtoNames: true, EmitDefaultValues: true}.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("marshal %s: %w", m.ProtoReflect().Descriptor().FullName(), err)
	}
	r := rewriter{decoder: json.NewDecoder(bytes.NewReader(data))}
	r.decoder.UseNumber()
	if err := r.value(schema{message: m.ProtoReflect().Descriptor(), omit: omit}); err != nil {
		return nil, fmt.Errorf("rewrite %s: %w", m.ProtoReflect().Descriptor().FullName(), err)
	}
	return r.out.Bytes(), nil
}

// schema is what a JSON value stands for: a message, a map, or a scalar, in which case long says whether it is a 64-bit integer. The zero
// schema is of a value that is JSON of its own, as those of the well-known types.
type schema struct {
	message  protoreflect.MessageDescriptor
	mapValue protoreflect.FieldDescriptor
	long     bool
	omit     []protoreflect.Name // members of the message that are left out
}

// of returns the schema of a field's values, each on its own.
func of(field protoreflect.FieldDescriptor) schema {
	switch field.Kind() {
	case protoreflect.MessageKind, protoreflect.GroupKind:
		if field.Message().FullName().Parent() == "google.protobuf" {
			return schema{}
		}
		return schema{message: field.Message()}
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind, protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return schema{long: true}
	default:
		return schema{}
	}
}

// member returns the schema of an object's member.
func (s schema) member(name string) schema {
	if s.mapValue != nil {
		return of(s.mapValue)
	}
	if s.message == nil {
		return schema{}
	}
	field := s.message.Fields().ByName(protoreflect.Name(name))
	switch {
	case field == nil:
		return schema{}
	case field.IsMap():
		return schema{mapValue: field.MapValue()}
	default:
		return of(field)
	}
}

// rewriter copies JSON token by token.
type rewriter struct {
	decoder *json.Decoder
	out     bytes.Buffer
}

func (r *rewriter) value(s schema) error {
	token, err := r.decoder.Token()
	if err != nil {
		return err
	}
	switch token {
	case json.Delim('{'):
		return r.members('}', func() error {
			token, err := r.decoder.Token()
			if err != nil {
				return err
			}
			name := fmt.Sprint(token) // a string: the decoder lets no other through
			if slices.Contains(s.omit, protoreflect.Name(name)) {
				return r.decoder.Decode(new(json.RawMessage))
			}
			r.separate('{')
			if err := r.scalar(name); err != nil {
				return err
			}
			r.out.WriteByte(':')
			return r.value(s.member(name))
		})
	case json.Delim('['):
		return r.members(']', func() error {
			r.separate('[')
			return r.value(s)
		})
	}
	if text, ok := token.(string); ok && s.long && fitsDouble(json.Number(text)) {
		token = json.Number(text)
	}
	return r.scalar(token)
}

// members copies what stands between brackets, of which the opening one has been read.
func (r *rewriter) members(end json.Delim, member func() error) error {
	r.out.WriteByte(byte(end) - 2) // the opening bracket: { and } as [ and ] are two apart in ASCII
	for r.decoder.More() {
		if err := member(); err != nil {
			return err
		}
	}
	r.out.WriteByte(byte(end))
	_, err := r.decoder.Token()
	return err
}

// separate writes a comma unless nothing stands after the opening bracket yet.
func (r *rewriter) separate(bracket byte) {
	if written := r.out.Bytes(); written[len(written)-1] != bracket {
		r.out.WriteByte(',')
	}
}

func (r *rewriter) scalar(token json.Token) error {
	encoder := json.NewEncoder(&r.out)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(token)
}

// fitsDouble reports whether every reader of JSON numbers sees the same integer.
func fitsDouble(n json.Number) bool {
	const most = 1 << 53
	i, err := n.Int64()
	return err == nil && i >= -most && i <= most
}

// JSON writes a value over several lines, or on one line when compact.
func JSON(w io.Writer, value any, compact bool) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	if !compact {
		encoder.SetIndent("", "  ")
	}
	return encoder.Encode(value)
}
