package auth

import (
	"context"
	"slices"
	"time"

	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// Kind says what kind of caller a principal is.
type Kind string

// The kinds of principal.
const (
	KindUser    Kind = "user"
	KindService Kind = "service"
)

// Principal is an authenticated caller.
type Principal struct {
	// Subject is the token's sub claim: pseudonymous, stable, safe to log.
	Subject string
	// Kind is KindService for holders of the service role.
	Kind Kind
	// Tenant is the token's tenant_id claim; the zero ID when the token has none.
	Tenant tenant.ID
	// Roles are the platform roles that the token grants.
	Roles []Role
	// Expiry is when the token does.
	Expiry time.Time
}

// May reports whether one of the principal's roles grants the permission.
func (p Principal) May(permission string) bool {
	return slices.ContainsFunc(p.Roles, func(r Role) bool { return slices.Contains(r.Permissions(), permission) })
}

// ContextKey is the key of the caller, a *Principal, for contexts that carry more than it.
type ContextKey struct{}

// NewContext returns a context whose caller is p.
func NewContext(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, ContextKey{}, &p)
}

// FromContext returns the caller; ok is false outside an authenticated request.
func FromContext(ctx context.Context) (p Principal, ok bool) {
	if known, ok := ctx.Value(ContextKey{}).(*Principal); ok {
		return *known, true
	}
	return Principal{}, false
}
