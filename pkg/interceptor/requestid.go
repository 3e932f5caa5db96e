package interceptor

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"

	"github.com/google/uuid"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/aumos-enterprise/platform/pkg/requestid"
)

// maxRequestID is the limit of a request id in the contract.
const maxRequestID = 128

// unary is the outermost layer for unary rpcs: it takes the caller's request id, or makes one, and returns it in the header of an answer or the trailer of an
// error. An error has no header: a client that has seen one takes the call for committed and does not retry it.
func (c *Chain) unary(inner grpc.UnaryHandler) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		call, err := c.begin(ctx, c.metrics.method(info.FullMethod, interceptors.Unary))
		if err != nil {
			return nil, err
		}
		call.info, call.handler = info, handler
		resp, err := inner(call, req)
		if err != nil {
			call.name(grpc.SetTrailer)
		} else {
			call.name(grpc.SetHeader)
		}
		return resp, err
	}
}

// stream is the outermost layer for streaming rpcs.
func (c *Chain) stream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	call, err := c.begin(ss.Context(), c.metrics.method(info.FullMethod, typeOf(info.IsClientStream, info.IsServerStream)))
	if err != nil {
		return err
	}
	identified := &identifiedStream{ServerStream: ss, call: call}
	if err := handler(srv, identified); err != nil {
		call.name(grpc.SetTrailer)
		return err
	}
	identified.setHeader()
	return nil
}

func (c *Chain) begin(ctx context.Context, m *method) (*call, error) {
	id, err := requestIDFrom(metadata.ValueFromIncomingContext(ctx, requestid.MetadataKey))
	if err != nil {
		return nil, c.status(ctx, err)
	}
	return &call{Context: ctx, chain: c, method: m, id: id}, nil
}

// named is metadata with one request id. gRPC copies what it is given into the stream's own, so that it serves for one call after the other.
var named = sync.Pool{New: func() any { return metadata.MD{requestid.MetadataKey: {""}} }} //nolint:gochecknoglobals // memory alone

// name puts the call's id into its header or its trailer. That fails when the caller has gone.
func (c *call) name(set func(context.Context, metadata.MD) error) {
	md := named.Get().(metadata.MD)
	md[requestid.MetadataKey][0] = c.id
	_ = set(c.Context, md)
	named.Put(md)
}

// identifiedStream sets the header before the first message.
type identifiedStream struct {
	grpc.ServerStream
	call  *call
	named bool // the header has the id
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
	if !s.named {
		s.call.name(grpc.SetHeader)
		s.named = true
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
	return written(made), nil
}

// texts are where new ids are written, some tens of them into one. Each connection's compressor of headers keeps its last fifty (RFC 7541, 2.3.2), which
// would be as many objects for the garbage collector to mark.
var texts = sync.Pool{New: func() any { return new(strings.Builder) }} //nolint:gochecknoglobals // memory alone

const (
	idBytes = 36
	idsText = 64 // ids in one text
)

// written is the id's text. What is written later to the same memory is written behind it.
func written(id uuid.UUID) string {
	text := texts.Get().(*strings.Builder)
	if text.Cap()-text.Len() < idBytes {
		text = new(strings.Builder)
		text.Grow(idsText * idBytes)
	}
	written, _ := id.MarshalText() // never fails
	text.Write(written)
	all := text.String()
	texts.Put(text)
	return all[len(all)-idBytes:]
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
