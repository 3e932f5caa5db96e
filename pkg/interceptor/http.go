package interceptor

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/requestid"
)

// statusClientClosed is what logs and metrics see of a request whose caller has gone; nobody receives it.
const statusClientClosed = 499

// Resource is something of a tenant's that is reached over HTTP, under the rules of the rpcs.
type Resource struct {
	// Name stands for it in the log.
	Name string
	// Permission is what one of the caller's roles must grant.
	Permission string
	// Tenant returns the tenant that the URL names. It takes the place of x-tenant-id.
	Tenant func(*http.Request) string
	// Methods are those that Serve answers; nil: GET and HEAD.
	Methods []string
	// Serve returns an error before it writes anything, or none.
	Serve func(http.ResponseWriter, *http.Request) error
}

// HTTP returns the chain for a resource: request id, logging, errors, recovery, authentication and authorization, tenant and rate limit as for rpcs,
// whose rate it shares. A tenant that the caller may not act for is answered as one that does not exist.
func (c *Chain) HTTP(res Resource) http.Handler {
	if res.Methods == nil {
		res.Methods = []string{http.MethodGet, http.MethodHead}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		call := &call{Context: r.Context(), chain: c}
		if at, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
			call.Context = peer.NewContext(call.Context, &peer.Peer{Addr: net.TCPAddrFromAddrPort(at)})
		}
		var err error
		if call.id, err = requestIDFrom(r.Header.Values(requestid.MetadataKey)); err == nil {
			w.Header().Set(requestid.MetadataKey, call.id)
			err = c.read(call, res, w, r)
		}
		if err != nil {
			known := classify(call, err)
			c.refuse(call, w, shown(err, known), res.Methods)
			err = &statusError{status: c.encode(call, known), reason: known.Reason, cause: err}
		}
		call.log(levelOf(status.Code(err)), "http", r.Method+" "+res.Name, err, time.Since(start))
	})
}

// read lets the caller through to the resource, or not.
func (c *Chain) read(call *call, res Resource, w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		if p := recover(); p != nil {
			c.metrics.panics.Inc()
			err = &panicError{value: p, stack: debug.Stack()}
		}
	}()
	if !slices.Contains(res.Methods, r.Method) {
		return status.Error(codes.Unimplemented, "")
	}
	if err = c.authorize(call, r.Header.Values("Authorization"), requirement{permission: res.Permission}); err != nil {
		return err
	}
	id, err := tenantOf(call.principal, []string{res.Tenant(r)})
	if err != nil {
		return &foreignTenantError{err}
	}
	call.tenant = id
	if err = c.limit(call); err != nil {
		return err
	}
	return res.Serve(w, r.WithContext(call))
}

// foreignTenantError says that the URL names a tenant that the caller may not act for, and why. The reason is for the log alone.
type foreignTenantError struct{ error }

func (e *foreignTenantError) Unwrap() error { return e.error }

// shown returns what the client sees of an error whose public form is known.
func shown(err error, known *publicError) *publicError {
	if _, ok := errors.AsType[*foreignTenantError](err); ok {
		return public(errs.NotFound, errs.ReasonNotFound, "not found")
	}
	return known
}

// problem is the body of a refusal (RFC 9457). It tells what the status of an rpc would.
type problem struct {
	Status    int         `json:"status"`
	Title     string      `json:"title"`
	Detail    string      `json:"detail"`
	Reason    errs.Reason `json:"reason,omitempty"`
	RequestID string      `json:"request_id,omitempty"`
}

// refuse answers with an error; methods are those that would not have been refused for themselves.
func (c *Chain) refuse(ctx context.Context, w http.ResponseWriter, e *publicError, methods []string) {
	code := httpCode(e.code)
	p := problem{
		Status: code, Title: http.StatusText(code), Detail: clean(e.Message, maxMessage), Reason: e.Reason, RequestID: requestid.FromContext(ctx),
	}
	if code == http.StatusMethodNotAllowed {
		p.Reason = "" // HTTP's own; the contract has none for it
	}
	body, err := json.Marshal(p)
	if err != nil {
		body = nil // strings and a number always encode; the code matters most
	}
	header := w.Header()
	header.Set("Content-Type", "application/problem+json")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	switch code {
	case http.StatusUnauthorized:
		header.Set("WWW-Authenticate", "Bearer")
	case http.StatusMethodNotAllowed:
		header.Set("Allow", strings.Join(methods, ", "))
	}
	if after := retryAfter(e); after > 0 {
		header.Set("Retry-After", strconv.Itoa(int(math.Ceil(after.Seconds()))))
	}
	w.WriteHeader(code)
	_, _ = w.Write(body) // the client has gone: there is nobody to tell
}

// httpCode is the table of codes and HTTP's.
func httpCode(code codes.Code) int {
	switch code {
	case codes.InvalidArgument, codes.FailedPrecondition:
		return http.StatusBadRequest
	case codes.Unauthenticated:
		return http.StatusUnauthorized
	case codes.PermissionDenied:
		return http.StatusForbidden
	case codes.NotFound:
		return http.StatusNotFound
	case codes.Unimplemented:
		return http.StatusMethodNotAllowed
	case codes.ResourceExhausted:
		return http.StatusTooManyRequests
	case codes.Canceled:
		return statusClientClosed
	case codes.Unavailable:
		return http.StatusServiceUnavailable
	case codes.DeadlineExceeded:
		return http.StatusGatewayTimeout
	default:
		return http.StatusInternalServerError
	}
}
