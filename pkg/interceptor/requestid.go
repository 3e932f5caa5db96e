package interceptor

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/aumos-enterprise/platform/pkg/requestid"
)

// maxRequestID is the limit of a request id in the contract.
const maxRequestID = 128

// requestID takes the caller's request id, or makes one, and returns it in the trailer and, with an answer, in the header. An error has no header: a
// client that has seen one takes the call for committed and does not retry it.
func (c *Chain) requestID() layer {
	return layer{
		unary: func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
			ctx, header, err := c.identify(ctx)
			if err != nil {
				return nil, err
			}
			resp, err := handler(ctx, req)
			if err == nil {
				_ = grpc.SetHeader(ctx, header) // fails when the caller has gone
			}
			return resp, err
		},
		stream: func(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
			ctx, header, err := c.identify(ss.Context())
			if err != nil {
				return err
			}
			identified := &identifiedStream{ServerStream: ss, ctx: ctx, header: header}
			if err := handler(srv, identified); err != nil {
				return err
			}
			identified.setHeader()
			return nil
		},
	}
}

// identify puts the id into the context and the trailer.
func (c *Chain) identify(ctx context.Context) (context.Context, metadata.MD, error) {
	id, ok := requestIDFrom(metadata.ValueFromIncomingContext(ctx, requestid.MetadataKey))
	if !ok {
		made, err := uuid.NewV7()
		if err != nil {
			return nil, nil, c.status(ctx, fmt.Errorf("make request id: %w", err))
		}
		id = made.String()
	}
	ctx = requestid.NewContext(ctx, id)
	md := metadata.Pairs(requestid.MetadataKey, id)
	_ = grpc.SetTrailer(ctx, md) // fails when the caller has gone
	return ctx, md, nil
}

// identifiedStream sets the header before the first message.
type identifiedStream struct {
	grpc.ServerStream
	ctx    context.Context // a stream's context is its method
	header metadata.MD     // nil once set
}

// Context implements grpc.ServerStream.
func (s *identifiedStream) Context() context.Context { return s.ctx }

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

// requestIDFrom returns the one value when it is fit for logs, headers and audit entries: 1 to 128 printable ASCII characters without spaces.
// Anything else is as good as none, since the id is the caller's convenience.
func requestIDFrom(values []string) (string, bool) {
	if len(values) != 1 || values[0] == "" || len(values[0]) > maxRequestID {
		return "", false
	}
	for _, b := range []byte(values[0]) {
		if b <= ' ' || b > '~' {
			return "", false
		}
	}
	return values[0], true
}
