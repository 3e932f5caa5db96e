package interceptor_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aumos-enterprise/platform/pkg/auth"
	"github.com/aumos-enterprise/platform/pkg/auth/authtest"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/grpcserver/grpcservertest"
	"github.com/aumos-enterprise/platform/pkg/interceptor"
	"github.com/aumos-enterprise/platform/pkg/requestid"
	"github.com/aumos-enterprise/platform/pkg/telemetry"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// resource is the chain for an HTTP resource of what the test serves.
type resource struct {
	issuer  *authtest.Issuer
	log     *grpcservertest.Log
	handler http.Handler
}

func newResource(t *testing.T, limit interceptor.RateLimit, serve func(http.ResponseWriter, *http.Request) error) *resource {
	t.Helper()
	r := &resource{issuer: authtest.Start(t), log: &grpcservertest.Log{}}
	chain, err := interceptor.NewChain(interceptor.Config{
		Log: telemetry.NewLogger(r.log, slog.LevelDebug), Registry: telemetry.NewRegistry(domain), Verifier: r.issuer.Verifier(t), Domain: domain, RateLimit: limit,
	})
	if err != nil {
		t.Fatal(err)
	}
	r.handler = chain.HTTP(interceptor.Resource{
		Name: "thing", Permission: "audit.read", Tenant: func(r *http.Request) string { return strings.TrimPrefix(r.URL.Path, "/") }, Serve: serve,
	})
	return r
}

// get asks for a tenant's thing as an auditor of tenant A.
func (r *resource) get(t *testing.T, tenantID string, header http.Header) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/"+tenantID, http.NoBody)
	request.Header.Set("Authorization", "Bearer "+r.issuer.Token(t, "ann", parse(t, tenantA), auth.RoleAuditor))
	maps.Copy(request.Header, header)
	w := httptest.NewRecorder()
	r.handler.ServeHTTP(w, request)
	return w
}

// line returns the one line of the log.
func (r *resource) line(t *testing.T) map[string]any {
	t.Helper()
	lines := r.log.Lines(t, "http")
	if len(lines) != 1 {
		t.Fatalf("%d lines: %v", len(lines), lines)
	}
	return lines[0]
}

func TestHTTP(t *testing.T) {
	t.Parallel()
	r := newResource(t, interceptor.RateLimit{}, func(w http.ResponseWriter, r *http.Request) error {
		id, _ := tenant.FromContext(r.Context())
		p, _ := auth.FromContext(r.Context())
		_, err := w.Write([]byte(id.String() + " " + p.Subject + " " + requestid.FromContext(r.Context())))
		return err
	})
	w := r.get(t, tenantA, http.Header{"X-Request-Id": {"req-1"}})
	if w.Code != http.StatusOK || w.Body.String() != tenantA+" ann req-1" || w.Header().Get("X-Request-Id") != "req-1" {
		t.Errorf("got %d, %s, %v", w.Code, w.Body, w.Header())
	}
	line := r.line(t)
	if line["level"] != "INFO" || line["method"] != "GET thing" || line["code"] != "OK" || line["principal"] != "ann" || line["tenant_id"] != tenantA ||
		line["request_id"] != "req-1" || line["peer"] == nil {
		t.Errorf("log line = %v", line)
	}
}

// What a client learns of an error over HTTP is what it would learn over gRPC; the log says more.
func TestHTTPErrors(t *testing.T) {
	t.Parallel()
	const secret = "db-host-7"
	for name, c := range map[string]struct {
		err    error
		code   int
		reason errs.Reason
		level  string
	}{
		"a defect":      {errors.New(secret), 500, errs.ReasonInternal, "ERROR"},
		"data loss":     {errs.New(errs.DataLoss, errs.ReasonLogInconsistent, "cut").Because(errors.New(secret)), 500, errs.ReasonLogInconsistent, "ERROR"},
		"a dependency":  {errs.Down("the wall", errors.New(secret)), 503, errs.ReasonUnavailable, "WARN"},
		"not found":     {errs.ResourceNotFound("thing", "1").Because(errors.New(secret)), 404, errs.ReasonNotFound, "INFO"},
		"invalid":       {errs.InvalidField("x", "is bad").Because(errors.New(secret)), 400, errs.ReasonInvalidField, "INFO"},
		"over the time": {context.DeadlineExceeded, 504, errs.ReasonCallEnded, "WARN"},
		"stopping":      {context.Canceled, 503, errs.ReasonUnavailable, "WARN"},
		"a panic":       {nil, 500, errs.ReasonInternal, "ERROR"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newResource(t, interceptor.RateLimit{}, func(http.ResponseWriter, *http.Request) error {
				if c.err == nil {
					panic(secret)
				}
				return c.err
			})
			w := r.get(t, tenantA, http.Header{"X-Request-Id": {"not fit", "for logs"}})
			var body struct {
				Status    int
				Reason    errs.Reason
				RequestID string `json:"request_id"`
			}
			if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
				t.Fatal(err)
			}
			if w.Code != c.code || body.Status != c.code || body.Reason != c.reason || strings.Contains(w.Body.String(), secret) ||
				w.Header().Get("Content-Type") != "application/problem+json" || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("got %d, %s, %v", w.Code, w.Body, w.Header())
			}
			if (w.Header().Get("Retry-After") != "") != (c.code == http.StatusServiceUnavailable) {
				t.Errorf("header: %v", w.Header())
			}
			line := r.line(t)
			if id := w.Header().Get("X-Request-Id"); id == "" || body.RequestID != id || line["request_id"] != id {
				t.Errorf("request id %q in the header, %q in the body, %v in the log", id, body.RequestID, line["request_id"])
			}
			if line["level"] != c.level || line["reason"] != string(c.reason) {
				t.Errorf("log line = %v", line)
			}
		})
	}
}

// The client learns that there is nothing, an operator that somebody asked for another tenant's.
func TestHTTPHidesTenants(t *testing.T) {
	t.Parallel()
	for tenantID, reason := range map[string]errs.Reason{tenantB: errs.ReasonTenantMismatch, "x": errs.ReasonInvalidField, "": errs.ReasonInvalidField} {
		r := newResource(t, interceptor.RateLimit{}, func(http.ResponseWriter, *http.Request) error {
			t.Error("the resource was reached")
			return nil
		})
		w := r.get(t, tenantID, nil)
		if w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), `"detail":"not found","reason":"NOT_FOUND"`) {
			t.Errorf("%q: got %d, %s", tenantID, w.Code, w.Body)
		}
		if line := r.line(t); line["reason"] != string(reason) || line["tenant_id"] != nil || line["principal"] != "ann" {
			t.Errorf("%q: log line = %v", tenantID, line)
		}
	}
}

func TestHTTPWantsOneToken(t *testing.T) {
	t.Parallel()
	r := newResource(t, interceptor.RateLimit{}, func(http.ResponseWriter, *http.Request) error {
		t.Error("the resource was reached")
		return nil
	})
	token := "Bearer " + r.issuer.Token(t, "ann", parse(t, tenantA), auth.RoleAuditor)
	for _, values := range [][]string{nil, {""}, {"Bearer "}, {"Basic YTpi"}, {token, token}} {
		w := r.get(t, tenantA, http.Header{"Authorization": values})
		if w.Code != http.StatusUnauthorized || w.Header().Get("WWW-Authenticate") != "Bearer" {
			t.Errorf("%q: got %d, %v", values, w.Code, w.Header())
		}
	}
}

// A resource answers the methods that it names, and no others.
func TestHTTPMethods(t *testing.T) {
	t.Parallel()
	issuer := authtest.Start(t)
	chain, err := interceptor.NewChain(interceptor.Config{
		Log: slog.New(slog.DiscardHandler), Registry: telemetry.NewRegistry(domain), Verifier: issuer.Verifier(t), Domain: domain,
	})
	if err != nil {
		t.Fatal(err)
	}
	handler := chain.HTTP(interceptor.Resource{
		Name: "thing", Permission: "audit.read", Tenant: func(*http.Request) string { return tenantA }, Methods: []string{http.MethodPost, http.MethodPut},
		Serve: func(w http.ResponseWriter, _ *http.Request) error { w.WriteHeader(http.StatusNoContent); return nil },
	})
	for method, code := range map[string]int{
		http.MethodPost: http.StatusNoContent, http.MethodPut: http.StatusNoContent, http.MethodGet: http.StatusMethodNotAllowed, http.MethodDelete: http.StatusMethodNotAllowed,
	} {
		request := httptest.NewRequestWithContext(t.Context(), method, "/", http.NoBody)
		request.Header.Set("Authorization", "Bearer "+issuer.Token(t, "ann", parse(t, tenantA), auth.RoleAuditor))
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, request)
		if allow := w.Header().Get("Allow"); w.Code != code || code == http.StatusMethodNotAllowed && allow != "POST, PUT" {
			t.Errorf("%s: %d, Allow %q", method, w.Code, allow)
		}
	}
}
