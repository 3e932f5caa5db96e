package interceptor

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
)

// maxCause bounds the cause in a log line.
const maxCause = 4 << 10

// observing counts each rpc and writes one line when it ends. middleware's base gives the unary and the stream interceptor of one reporter; its logging
// package is not used since it logs every error's text, which may repeat inputs.
func observing() layer {
	report := interceptors.CommonReportableFunc(func(ctx context.Context, _ interceptors.CallMeta) (interceptors.Reporter, context.Context) {
		call := callOf(ctx)
		call.method.started.Inc()
		return call, ctx
	})
	return layer{interceptors.UnaryServerInterceptor(report), interceptors.StreamServerInterceptor(report)}
}

// PostMsgReceive implements interceptors.Reporter.
func (c *call) PostMsgReceive(_ any, err error, _ time.Duration) {
	if err == nil {
		c.method.received.Inc()
	}
}

// PostMsgSend implements interceptors.Reporter.
func (c *call) PostMsgSend(_ any, err error, _ time.Duration) {
	if err == nil {
		c.method.sent.Inc()
	}
}

// PostCall implements interceptors.Reporter.
func (c *call) PostCall(err error, d time.Duration) {
	code := status.Code(err)
	c.method.handled[min(code, codes.Unauthenticated)].Inc()
	c.method.seconds.Observe(d.Seconds())
	level := levelOf(code)
	if c.method.open && level == slog.LevelInfo {
		level = slog.LevelDebug // probes call often and say little
	}
	c.log(level, "rpc", c.method.name, err, d)
}

// log writes the line of a call that has ended.
func (c *call) log(level slog.Level, message, method string, err error, d time.Duration) {
	if !c.chain.log.Enabled(c, level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("method", method), slog.String("code", status.Code(err).String()), slog.Float64("duration_ms", float64(d)/float64(time.Millisecond)),
	}
	if p, ok := peer.FromContext(c); ok && p.Addr != nil {
		attrs = append(attrs, slog.String("peer", p.Addr.String()))
	}
	if failure, ok := errors.AsType[*statusError](err); ok {
		attrs = append(attrs, failure.attrs()...)
	}
	c.chain.log.LogAttrs(c, level, message, attrs...)
}

// attrs says why the rpc failed. The cause is left out where it may repeat the caller's input.
func (e *statusError) attrs() []slog.Attr {
	attrs := []slog.Attr{slog.String("reason", string(e.reason))}
	switch e.status.Code() {
	case codes.Internal, codes.Unavailable, codes.DataLoss, codes.Unauthenticated:
		attrs = append(attrs, slog.String("cause", truncate(e.cause.Error(), maxCause)))
	default:
	}
	if p, ok := errors.AsType[*panicError](e.cause); ok {
		attrs = append(attrs, slog.String("stack", string(p.stack)))
	}
	return attrs
}

// levelOf says how much an operator should care.
func levelOf(code codes.Code) slog.Level {
	switch code {
	case codes.Internal, codes.Unknown, codes.DataLoss:
		return slog.LevelError
	case codes.Unavailable, codes.ResourceExhausted, codes.DeadlineExceeded, codes.PermissionDenied, codes.Unimplemented:
		return slog.LevelWarn
	default:
		return slog.LevelInfo
	}
}
