package grpcclient

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

// platform is the prefix of the platform's protobuf packages.
const platform = "aumos."

// requestIDField is the field that makes the repetition of a write harmless.
const requestIDField protoreflect.Name = "request_id"

type methodName struct {
	Service string `json:"service"`
	Method  string `json:"method"`
}

// retryPolicy returns a gRPC service config that repeats what the contract declares repeatable when the server is UNAVAILABLE: reads, and unary writes
// that carry a request id. Streams that write are left to their callers, who know what was sent.
func retryPolicy(files *protoregistry.Files, attempts int) (string, error) {
	var names []methodName
	files.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		if !strings.HasPrefix(string(file.Package()), platform) {
			return true
		}
		for i := range file.Services().Len() {
			service := file.Services().Get(i)
			for j := range service.Methods().Len() {
				if m := service.Methods().Get(j); mayRetry(m) {
					names = append(names, methodName{string(service.FullName()), string(m.Name())})
				}
			}
		}
		return true
	})
	policy := map[string]any{
		"loadBalancingConfig": []any{map[string]any{"round_robin": map[string]any{}}},
		// Past this share of failures nothing is repeated: retries must not keep a server down that is coming up.
		"retryThrottling": map[string]any{"maxTokens": 100, "tokenRatio": 0.1},
	}
	if len(names) > 0 && attempts > 1 {
		policy["methodConfig"] = []any{map[string]any{
			"name": names,
			"retryPolicy": map[string]any{
				"maxAttempts": attempts, "initialBackoff": "0.1s", "maxBackoff": "2s", "backoffMultiplier": 3, "retryableStatusCodes": []string{"UNAVAILABLE"},
			},
		}}
	}
	b, err := json.Marshal(policy)
	if err != nil {
		return "", fmt.Errorf("encode retry policy: %w", err)
	}
	return string(b), nil
}

func mayRetry(m protoreflect.MethodDescriptor) bool {
	options, ok := m.Options().(*descriptorpb.MethodOptions)
	if !ok {
		return false
	}
	switch options.GetIdempotencyLevel() {
	case descriptorpb.MethodOptions_NO_SIDE_EFFECTS:
		return true
	case descriptorpb.MethodOptions_IDEMPOTENT:
		return !m.IsStreamingClient() && !m.IsStreamingServer()
	case descriptorpb.MethodOptions_IDEMPOTENCY_UNKNOWN:
	}
	return false
}

// repeatable gives a write without a request id one, and each part of a write that has ids by part, so that the attempts of one call are one write. The
// caller's message is left as it is: sent again, it is another write.
func repeatable(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, call grpc.UnaryInvoker, options ...grpc.CallOption) error {
	if m, ok := req.(proto.Message); ok && len(withoutRequestID(m.ProtoReflect())) > 0 {
		copied := proto.Clone(m)
		for _, each := range withoutRequestID(copied.ProtoReflect()) {
			id, err := uuid.NewV7()
			if err != nil {
				return fmt.Errorf("make request id: %w", err)
			}
			each.Set(each.Descriptor().Fields().ByName(requestIDField), protoreflect.ValueOfString(id.String()))
		}
		req = copied
	}
	return call(ctx, method, req, reply, conn, options...)
}

// withoutRequestID returns those of the request and the messages in its lists that need a request id.
func withoutRequestID(m protoreflect.Message) (found []protoreflect.Message) {
	if needsRequestID(m) {
		found = append(found, m)
	}
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		if !field.IsList() || field.Message() == nil {
			continue
		}
		for parts, j := m.Get(field).List(), 0; j < parts.Len() && hasRequestID(field.Message()); j++ {
			if part := parts.Get(j).Message(); needsRequestID(part) {
				found = append(found, part)
			}
		}
	}
	return found
}

// needsRequestID reports whether the message has an idempotency key and none is set.
func needsRequestID(m protoreflect.Message) bool {
	return hasRequestID(m.Descriptor()) && !m.Has(m.Descriptor().Fields().ByName(requestIDField))
}

// hasRequestID reports whether messages of the type have an idempotency key. Its rule tells it from other fields of that name: it is a UUID.
func hasRequestID(of protoreflect.MessageDescriptor) bool {
	if !strings.HasPrefix(string(of.FullName()), platform) {
		return false
	}
	field := of.Fields().ByName(requestIDField)
	if field == nil || field.Kind() != protoreflect.StringKind || field.IsList() {
		return false
	}
	rules, ok := proto.GetExtension(field.Options(), validate.E_Field).(*validate.FieldRules)
	return ok && rules.GetString().GetUuid()
}
