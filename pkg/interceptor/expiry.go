package interceptor

import (
	"context"
	"errors"
	"time"

	"google.golang.org/grpc"

	"github.com/aumos-enterprise/platform/pkg/errs"
)

// defaultLeeway is how far apart clocks may be: a caller whose own is behind by less finds its token expired too, and comes back with a fresh one.
const defaultLeeway = 30 * time.Second

// expiry ends streams of answers when the token that opened them has expired: a watch goes on for as long as its caller likes, and what a token grants must not.
// A call that is answered once is judged by its token when it begins; how much it sends and how long it is silent are bounded.
func (c *Chain) expiry() layer {
	return layer{
		unary: func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
			return handler(ctx, req)
		},
		stream: func(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
			if !info.IsServerStream {
				return handler(srv, ss)
			}
			expired := errs.New(errs.Unauthenticated, errs.ReasonTokenExpired,
				"the token that opened the stream has expired: open another with a fresh token, and go on where this one ended")
			ctx, cancel := context.WithDeadlineCause(ss.Context(), callOf(ss.Context()).principal.Expiry.Add(c.leeway), expired)
			defer cancel()
			err := handler(srv, &expiringStream{ServerStream: ss, ctx: ctx})
			if err != nil && errors.Is(context.Cause(ctx), expired) {
				return expired.Because(err) // whatever the handler made of it
			}
			return err
		},
	}
}

// expiringStream shows nothing once its context has ended.
type expiringStream struct {
	grpc.ServerStream

	ctx context.Context // of the stream
}

// Context implements grpc.ServerStream.
func (s *expiringStream) Context() context.Context { return s.ctx }

// SendMsg implements grpc.ServerStream. gRPC's waits for a caller who does not read, and until the handler has returned nothing else ends that: the handler
// would keep what it holds for as long as such a caller stays.
func (s *expiringStream) SendMsg(m any) error {
	if s.ctx.Err() != nil {
		return context.Cause(s.ctx)
	}
	select {
	case result := <-aside(func() error { return s.ServerStream.SendMsg(m) }):
		return result()
	case <-s.ctx.Done():
		return context.Cause(s.ctx)
	}
}
