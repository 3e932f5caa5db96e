// Package requestid carries the id of a request through contexts, from the client's x-request-id metadata to logs, errors and audit entries.
package requestid

import "context"

// MetadataKey is the gRPC metadata key in which clients send the id and servers return it.
const MetadataKey = "x-request-id"

// ContextKey is the key of the id, a *string, for contexts that carry more than it.
type ContextKey struct{}

// NewContext returns a context that carries the id.
func NewContext(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, ContextKey{}, &id)
}

// FromContext returns the id, or "" when there is none.
func FromContext(ctx context.Context) string {
	if id, ok := ctx.Value(ContextKey{}).(*string); ok {
		return *id
	}
	return ""
}
