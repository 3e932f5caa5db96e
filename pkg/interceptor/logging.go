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

	"github.com/aumos-enterprise/platform/pkg/auth"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// maxCause bounds the cause in a log line.
const maxCause = 4 << 10

// call is what the inner layers learn for the log line of the outer one. Each rpc has its own, written by the goroutine of its chain.
type call struct {
	principal *auth.Principal
	tenant    *tenant.ID
}

type callKey struct{}

// callFrom returns the record of the rpc; every rpc of the chain has one.
func callFrom(ctx context.Context) *call {
	if c, ok := ctx.Value(callKey{}).(*call); ok {
		return c
	}
	return &call{}
}

// logging writes one line per rpc when it ends. middleware's base gives the unary and the stream interceptor of one reporter; its logging package
// is not used since it logs every error's text, which may repeat inputs.
func (c *Chain) logging() layer {
	report := interceptors.CommonReportableFunc(func(ctx context.Context, meta interceptors.CallMeta) (interceptors.Reporter, context.Context) {
		record := &call{}
		ctx = context.WithValue(ctx, callKey{}, record)
		return &reporter{log: c.log, message: "rpc", method: meta.FullMethod(), call: record, ctx: ctx}, ctx
	})
	return layer{interceptors.UnaryServerInterceptor(report), interceptors.StreamServerInterceptor(report)}
}

// reporter logs one call.
type reporter struct {
	interceptors.NoopReporter
	log     *slog.Logger
	message string // what kind of call
	method  string
	call    *call
	ctx     context.Context // lives as long as the rpc; the base passes none to PostCall
}

// PostCall implements interceptors.Reporter.
func (r *reporter) PostCall(err error, d time.Duration) {
	ctx := r.ctx
	if r.call.principal != nil {
		ctx = auth.NewContext(ctx, *r.call.principal)
	}
	if r.call.tenant != nil {
		ctx = tenant.NewContext(ctx, *r.call.tenant)
	}
	code := status.Code(err)
	level := levelOf(code)
	if open(r.method) && level == slog.LevelInfo {
		level = slog.LevelDebug // probes call often and say little
	}
	if !r.log.Enabled(ctx, level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("method", r.method), slog.String("code", code.String()), slog.Float64("duration_ms", float64(d)/float64(time.Millisecond)),
	}
	if p, ok := peer.FromContext(ctx); ok && p.Addr != nil {
		attrs = append(attrs, slog.String("peer", p.Addr.String()))
	}
	if failure, ok := errors.AsType[*statusError](err); ok {
		attrs = append(attrs, failure.attrs()...)
	}
	r.log.LogAttrs(ctx, level, r.message, attrs...)
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
