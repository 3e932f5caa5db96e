package interceptor

import (
	"context"
	"errors"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/aumos-enterprise/platform/pkg/errs"
)

// statusError carries the status for the client and the cause for the log. gRPC sends the status of an error that has GRPCStatus itself as it is;
// from one that merely wraps such an error it would make a new one with the whole chain's text.
type statusError struct {
	status *status.Status
	reason errs.Reason
	cause  error
}

// Error returns the cause: the text for the log.
func (e *statusError) Error() string { return e.cause.Error() }

// Unwrap returns the cause.
func (e *statusError) Unwrap() error { return e.cause }

// GRPCStatus returns what the client sees.
func (e *statusError) GRPCStatus() *status.Status { return e.status }

// errors turns every error into a statusError.
func (c *Chain) errors() layer {
	return layer{
		unary: func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
			resp, err := handler(ctx, req)
			if err != nil {
				return nil, c.status(ctx, err)
			}
			return resp, nil
		},
		stream: func(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
			if err := handler(srv, &heardStream{ServerStream: transportStream{ss}, silence: c.silence}); err != nil {
				return c.status(ss.Context(), err)
			}
			return nil
		},
	}
}

// transportStream marks the errors of gRPC's own stream, the only statuses from below that may be passed on.
type transportStream struct{ grpc.ServerStream }

// RecvMsg implements grpc.ServerStream.
func (s transportStream) RecvMsg(m any) error {
	err := s.ServerStream.RecvMsg(m)
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	return &transportError{err: err, receiving: true}
}

// SendMsg implements grpc.ServerStream.
func (s transportStream) SendMsg(m any) error {
	if err := s.ServerStream.SendMsg(m); err != nil {
		return &transportError{err: err}
	}
	return nil
}

type transportError struct {
	err       error
	receiving bool
}

func (e *transportError) Error() string { return e.err.Error() }
func (e *transportError) Unwrap() error { return e.err }

// status decides what the client sees of err. The order matters: the domain's own errors say most, then what the chain itself knows.
func (c *Chain) status(ctx context.Context, err error) error {
	public := classify(ctx, err)
	return &statusError{status: c.encode(ctx, public), reason: public.Reason, cause: err}
}

// classify returns the public form of err. Its cause is not used.
func classify(ctx context.Context, err error) *publicError {
	var domain *errs.Error
	var invalid *invalidRequestError
	var transport *transportError
	var panicked *panicError
	switch {
	case errors.As(err, &panicked):
		return internal()
	case errors.As(err, &invalid):
		return invalid.public()
	case errors.As(err, &domain):
		return fromDomain(domain)
	case errors.As(err, &transport):
		return transport.public()
	case errors.Is(err, context.DeadlineExceeded), errors.Is(ctx.Err(), context.DeadlineExceeded):
		return public(errs.DeadlineExceeded, errs.ReasonCallEnded, "the deadline passed before the call was done")
	case errors.Is(ctx.Err(), context.Canceled):
		return public(errs.Canceled, errs.ReasonCallEnded, "the caller ended the call")
	case errors.Is(err, context.Canceled):
		// The caller still waits: it is the server that gave up, as it does when it stops.
		return public(errs.Unavailable, errs.ReasonUnavailable, "the server ended the call: retry")
	}
	return fromStatus(err)
}

// fromStatus judges the statuses that gRPC's generated code or another server made. Their text is never passed on: it may name hosts, or another
// tenant's things. One that is wrapped is a mistake of the code between, and as internal as any other error.
func fromStatus(err error) *publicError {
	bare, ok := err.(interface{ GRPCStatus() *status.Status })
	if !ok {
		return internal()
	}
	switch bare.GRPCStatus().Code() {
	case codes.Unimplemented:
		return &publicError{code: codes.Unimplemented, Error: *errs.New(errs.Internal, errs.ReasonInternal, "the method is not implemented")}
	case codes.Unavailable:
		return public(errs.Unavailable, errs.ReasonUnavailable, "a dependency is unavailable: retry")
	case codes.DeadlineExceeded:
		return public(errs.DeadlineExceeded, errs.ReasonCallEnded, "the deadline passed before the call was done")
	default:
		return internal()
	}
}

// public judges an error of the stream to the caller. gRPC has then answered with a status of its own: this one is what is logged and counted.
func (e *transportError) public() *publicError {
	switch code := status.Code(e.err); {
	case code == codes.Canceled:
		return public(errs.Canceled, errs.ReasonCallEnded, "the caller ended the call")
	case code == codes.DeadlineExceeded:
		return public(errs.DeadlineExceeded, errs.ReasonCallEnded, "the deadline passed before the call was done")
	case code == codes.Unavailable:
		return public(errs.Unavailable, errs.ReasonUnavailable, "the connection was lost: retry")
	case code == codes.ResourceExhausted && e.receiving:
		// gRPC's code for a message over the limit; to send it again would not help, so the reason is not OVERLOADED.
		return &publicError{code: codes.ResourceExhausted, Error: *errs.New(errs.InvalidArgument, errs.ReasonInvalidField,
			"a message is over the server's size limit: send smaller ones")}
	case e.receiving:
		// gRPC says Internal when it cannot decode what it was sent. Callers could page an operator with that.
		return public(errs.InvalidArgument, errs.ReasonInvalidField, "a message cannot be decoded")
	default:
		return internal()
	}
}
