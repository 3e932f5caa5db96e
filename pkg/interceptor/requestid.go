package interceptor

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"

	"github.com/google/uuid"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/aumos-enterprise/platform/pkg/requestid"
)

// maxRequestID is the limit of a request id in the contract.
const maxRequestID = 128

// unary is the outermost layer for unary rpcs: it takes the caller's request id, or makes one, and returns it in the trailer and, with an answer, in the
// header. An error has no header: a client that has seen one takes the call for committed and does not retry it.
func (c *Chain) unary(inner grpc.UnaryHandler) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		call, header, err := c.begin(ctx, c.metrics.method(info.FullMethod, interceptors.Unary))
		if err != nil {
			return nil, err
		}
		call.info, call.handler = info, handler
		resp, err := inner(call, req)
		if err == nil {
			_ = grpc.SetHeader(ctx, header) // fails when the caller has gone
		}
		return resp, err
	}
}

// stream is the outermost layer for streaming rpcs.
func (c *Chain) stream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	call, header, err := c.begin(ss.Context(), c.metrics.method(info.FullMethod, typeOf(info.IsClientStream, info.IsServerStream)))
	if err != nil {
		return err
	}
	identified := &identifiedStream{ServerStream: ss, call: call, header: header}
	if err := handler(srv, identified); err != nil {
		return err
	}
	identified.setHeader()
	return nil
}

// begin makes the call and puts its id into the trailer.
func (c *Chain) begin(ctx context.Context, m *method) (*call, metadata.MD, error) {
	id, err := requestIDFrom(metadata.ValueFromIncomingContext(ctx, requestid.MetadataKey))
	if err != nil {
		return nil, nil, c.status(ctx, err)
	}
	md := metadata.MD{requestid.MetadataKey: {id}}
	_ = grpc.SetTrailer(ctx, md) // fails when the caller has gone
	return &call{Context: ctx, chain: c, method: m, id: id}, md, nil
}

// identifiedStream sets the header before the first message.
type identifiedStream struct {
	grpc.ServerStream
	call   *call
	header metadata.MD // nil once set
}

// Context implements grpc.ServerStream.
func (s *identifiedStream) Context() context.Context { return s.call }

// SendMsg implements grpc.ServerStream.
func (s *identifiedStream) SendMsg(m any) error {
	s.setHeader()
	return s.ServerStream.SendMsg(m)
}

// SendHeader implements grpc.ServerStream.
func (s *identifiedStream) SendHeader(md metadata.MD) error {
	s.setHeader()
	return s.ServerStream.SendHeader(md)
}

// setHeader has an effect once. Like sending, it is not for several goroutines at a time.
func (s *identifiedStream) setHeader() {
	if s.header != nil {
		_ = s.SetHeader(s.header) // fails when the caller has gone, as what follows then does
		s.header = nil
	}
}

// requestIDFrom returns the caller's id, or a new one.
func requestIDFrom(values []string) (string, error) {
	if len(values) == 1 && fit(values[0]) {
		return values[0], nil
	}
	made, err := uuid.NewV7FromReader(chance{})
	if err != nil {
		return "", fmt.Errorf("make request id: %w", err)
	}
	return made.String(), nil
}

// chance is what the runtime draws for each of its threads, without a system call. Nobody needs to be unable to guess the id of a request.
type chance struct{}

// Read implements io.Reader.
func (chance) Read(b []byte) (int, error) {
	var word [8]byte
	for at := 0; at < len(b); {
		binary.LittleEndian.PutUint64(word[:], rand.Uint64())
		at += copy(b[at:], word[:])
	}
	return len(b), nil
}

// fit reports whether the id is fit for logs, headers and audit entries: 1 to 128 printable ASCII characters without spaces. Anything else is as good as
// none, since the id is the caller's convenience.
func fit(id string) bool {
	if id == "" || len(id) > maxRequestID {
		return false
	}
	for _, b := range []byte(id) {
		if b <= ' ' || b > '~' {
			return false
		}
	}
	return true
}
