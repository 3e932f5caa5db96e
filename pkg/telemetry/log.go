package telemetry

import (
	"context"
	"io"
	"log/slog"
	"strings"

	"go.opentelemetry.io/otel/trace"

	"github.com/aumos-enterprise/platform/pkg/auth"
	"github.com/aumos-enterprise/platform/pkg/requestid"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// NewLogger returns a logger that writes JSON lines to w and adds to each the request id, tenant, principal and trace of its context. Attributes
// whose key names a credential are redacted: the types that hold secrets redact themselves, this is for strings that lost theirs.
func NewLogger(w io.Writer, level slog.Leveler) *slog.Logger {
	return slog.New(&contextHandler{slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: redact})})
}

type contextHandler struct{ slog.Handler }

func (h *contextHandler) Handle(ctx context.Context, r slog.Record) error {
	if id := requestid.FromContext(ctx); id != "" {
		r.AddAttrs(slog.String("request_id", id))
	}
	if id, ok := tenant.FromContext(ctx); ok {
		r.AddAttrs(slog.String("tenant_id", id.String()))
	}
	if p, ok := auth.FromContext(ctx); ok {
		r.AddAttrs(slog.String("principal", p.Subject))
	}
	if span := trace.SpanContextFromContext(ctx); span.HasTraceID() {
		r.AddAttrs(slog.String("trace_id", span.TraceID().String()))
	}
	return h.Handler.Handle(ctx, r)
}

func (h *contextHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &contextHandler{h.Handler.WithAttrs(attrs)}
}

func (h *contextHandler) WithGroup(name string) slog.Handler {
	return &contextHandler{h.Handler.WithGroup(name)}
}

func redact(_ []string, a slog.Attr) slog.Attr {
	switch strings.ToLower(a.Key) {
	case "authorization", "token", "access_token", "refresh_token", "id_token", "password", "secret", "client_secret", "private_key":
		return slog.String(a.Key, "[redacted]")
	}
	return a
}
