package bundleport

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/aumos-enterprise/platform/governance/internal/bundle"
	"github.com/aumos-enterprise/platform/governance/internal/sidecar"
	"github.com/aumos-enterprise/platform/pkg/auth"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// maxReport bounds a status report. OPA's has a few kilobytes, and more when it includes its metrics.
const maxReport = 1 << 20

// handler answers requests that the chain has let through; their contexts carry the tenant.
type handler struct {
	pool    *pgxpool.Pool
	bundles *bundle.Source
	places  *places
}

// enter bounds a request in time and takes a place for it.
func (h *handler) enter(r *http.Request) (ctx context.Context, leave func(), err error) {
	ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
	id, _ := tenant.FromContext(ctx)
	release, err := h.places.take(ctx, id)
	if err == nil {
		return ctx, func() { release(); cancel() }, nil
	}
	defer cancel()
	if err := r.Context().Err(); err != nil {
		return nil, nil, err // the caller has gone
	}
	return nil, nil, errs.New(errs.ResourceExhausted, errs.ReasonOverloaded, "too many requests are under way: retry later").Because(err)
}

// bundle answers with the tenant's bundle as it is now.
func (h *handler) bundle(w http.ResponseWriter, r *http.Request) error {
	if kindOf(r) != kindBundle {
		return errs.New(errs.NotFound, errs.ReasonNotFound, "not found")
	}
	b, err := h.current(r)
	if err != nil {
		return err
	}
	header := w.Header()
	header.Set("ETag", b.ETag())
	header.Set("Content-Type", "application/gzip")
	header.Set("Cache-Control", "private, no-cache") // asked for again each time, which the tag makes cheap
	header.Set("Vary", "Authorization")              // whom a private cache belongs to is not for it to know
	header.Set("X-Content-Type-Options", "nosniff")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(b.Bytes)) // HEAD, If-None-Match and Range too
	return nil
}

// current has a place for as long as the bundle is made, and not while a caller reads it: that one may take its time.
func (h *handler) current(r *http.Request) (*bundle.Bundle, error) {
	ctx, leave, err := h.enter(r)
	if err != nil {
		return nil, err
	}
	defer leave()
	return h.bundles.Current(ctx)
}

// status keeps what a sidecar says of itself.
func (h *handler) status(w http.ResponseWriter, r *http.Request) error {
	ctx, leave, err := h.enter(r)
	if err != nil {
		return err
	}
	defer leave()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxReport))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return errs.InvalidField("body", "over %d bytes", maxReport)
	}
	if err != nil {
		return errs.InvalidField("body", "could not be read to its end").Because(err)
	}
	report, err := sidecar.FromOPA(body)
	if err != nil {
		return err
	}
	caller, _ := auth.FromContext(ctx)
	err = postgres.TenantTx(ctx, h.pool, func(ctx context.Context, tx pgx.Tx) error { return sidecar.Record(ctx, tx, caller.Subject, report) })
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
