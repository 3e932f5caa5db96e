// Package tenant holds the identity of the tenant that a request acts for. Who the tenant is, is decided by pkg/interceptor from the verified
// token; everything below reads it from the context.
package tenant

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
)

// MetadataKey is the gRPC metadata key in which service principals name the tenant they act for.
const MetadataKey = "x-tenant-id"

// ID identifies a tenant.
type ID uuid.UUID

// String returns the canonical UUID form.
func (id ID) String() string { return uuid.UUID(id).String() }

// textLength is that of a UUID in its canonical form.
const textLength = 36

// Parse reads the canonical UUID form of RFC 9562, in either case. The nil UUID is no tenant.
func Parse(s string) (ID, error) {
	if len(s) != textLength {
		return ID{}, fmt.Errorf("parse tenant id: %d characters, want a UUID of %d", len(s), textLength)
	}
	u, err := uuid.Parse(s)
	switch {
	case err != nil:
		return ID{}, fmt.Errorf("parse tenant id: %w", err)
	case u == uuid.Nil:
		return ID{}, errors.New("parse tenant id: the nil UUID is no tenant")
	}
	return ID(u), nil
}

// ContextKey is the key of the tenant, an *ID, for contexts that carry more than it.
type ContextKey struct{}

// NewContext returns a context that acts for the tenant.
func NewContext(ctx context.Context, id ID) context.Context {
	return context.WithValue(ctx, ContextKey{}, &id)
}

// FromContext returns the tenant that ctx acts for; ok is false when there is none.
func FromContext(ctx context.Context) (id ID, ok bool) {
	if known, ok := ctx.Value(ContextKey{}).(*ID); ok {
		return *known, true
	}
	return ID{}, false
}
