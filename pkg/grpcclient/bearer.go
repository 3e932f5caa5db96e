package grpcclient

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"

	"golang.org/x/oauth2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// bearer puts the token on every call.
type bearer struct {
	source oauth2.TokenSource
	secure bool
}

// GetRequestMetadata implements credentials.PerRPCCredentials.
func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	token, err := b.source.Token()
	if err != nil {
		return nil, &tokenError{err}
	}
	return map[string]string{"authorization": "Bearer " + token.AccessToken}, nil
}

// RequireTransportSecurity implements credentials.PerRPCCredentials.
func (b bearer) RequireTransportSecurity() bool { return b.secure }

// tokenError is a failure to get a token. gRPC would call every one UNAUTHENTICATED, which nobody retries; an issuer that does not answer is
// UNAVAILABLE.
type tokenError struct{ cause error }

func (e *tokenError) Error() string { return "get token: " + e.cause.Error() }
func (e *tokenError) Unwrap() error { return e.cause }

// GRPCStatus is what the caller of the rpc gets.
func (e *tokenError) GRPCStatus() *status.Status {
	var refused *oauth2.RetrieveError
	if errors.As(e.cause, &refused) && refused.Response != nil &&
		refused.Response.StatusCode >= http.StatusBadRequest && refused.Response.StatusCode < http.StatusInternalServerError {
		return status.New(codes.Unauthenticated, "the token issuer refuses the client's credentials")
	}
	return status.New(codes.Unavailable, "the token issuer does not answer")
}

// local reports whether the target is on this machine: a loopback address or a unix socket.
func local(target string) bool {
	if strings.HasPrefix(target, "unix:") || strings.HasPrefix(target, "unix-abstract:") {
		return true
	}
	for _, scheme := range []string{"dns:", "passthrough:", "ipv4:", "ipv6:"} {
		target = strings.TrimPrefix(target, scheme)
	}
	target = strings.TrimPrefix(target, "///")
	host, _, err := net.SplitHostPort(target)
	if err != nil {
		host = target
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}
