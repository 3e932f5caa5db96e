package interceptor

import (
	"context"
	"fmt"
	"strings"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/aumos-enterprise/platform/pkg/errs"
)

// freeJSON keeps validation from walking through free JSON, value by value: the contract has no rules for what is inside.
var freeJSON = protovalidate.WithFilter(protovalidate.FilterFunc( //nolint:gochecknoglobals // a constant
	func(_ protoreflect.Message, of protoreflect.Descriptor) bool { return of != structFields }))

var structFields = (*structpb.Struct)(nil).ProtoReflect().Descriptor().Fields().ByName("fields") //nolint:gochecknoglobals // a constant

// validation checks every message received against the contract's rules. middleware's interceptor does the same but returns a status, in which the
// rules that the caller broke cannot be told from what another server answered.
func validation() layer {
	return layer{
		unary: func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
			if err := validateMessage(req); err != nil {
				return nil, err
			}
			return handler(ctx, req)
		},
		stream: func(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
			return handler(srv, validatedStream{ss})
		},
	}
}

type validatedStream struct{ grpc.ServerStream }

// RecvMsg implements grpc.ServerStream.
func (s validatedStream) RecvMsg(m any) error {
	if err := s.ServerStream.RecvMsg(m); err != nil {
		return err
	}
	return validateMessage(m)
}

func validateMessage(m any) error {
	msg, ok := m.(proto.Message)
	if !ok {
		return fmt.Errorf("validate %T: not a protobuf message", m)
	}
	return validated(msg)
}

// invalidRequestError is a message from the caller that breaks rules of the contract. Only this layer makes it: a message of ours that breaks rules is a
// defect.
type invalidRequestError struct {
	broken  *protovalidate.ValidationError
	message protoreflect.MessageDescriptor
}

func (e *invalidRequestError) Error() string { return e.broken.Error() }

// public names each field with its path, and keeps the rules for clients that read protovalidate's own details.
func (e *invalidRequestError) public() *publicError {
	p := &publicError{code: codes.InvalidArgument, Error: errs.Error{
		Kind: errs.InvalidArgument, Reason: errs.ReasonInvalidField, Message: "the request is invalid: see the field violations",
	}}
	for _, v := range e.broken.Violations {
		p.Violations = append(p.Violations, errs.Violation{Field: e.field(v.Proto), Description: described(v)})
		p.rules = append(p.rules, v.Proto)
	}
	return p
}

// field returns the path of what breaks a rule. A rule about a whole message has none; its text begins with the field to change.
func (e *invalidRequestError) field(v *validate.Violation) string {
	if path := protovalidate.FieldPathString(v.GetField()); path != "" {
		return path
	}
	first, _, _ := strings.Cut(v.GetMessage(), " ")
	if e.message.Fields().ByName(protoreflect.Name(first)) == nil {
		return ""
	}
	return first
}
