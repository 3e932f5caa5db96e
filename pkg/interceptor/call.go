package interceptor

import (
	"context"

	"google.golang.org/grpc"

	"github.com/aumos-enterprise/platform/pkg/auth"
	"github.com/aumos-enterprise/platform/pkg/requestid"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// call is one rpc, or one request over HTTP, on its way through the chain. It is the context of everything below: the layers write down here what they
// learn of the caller, where each would otherwise lay a context of its own over the last one. They do so before the handler runs, one after the other.
type call struct {
	context.Context

	chain     *Chain
	method    *method // nil over HTTP
	id        string
	principal auth.Principal // of no kind until it is known
	tenant    tenant.ID      // zero until it is known

	// Of a unary rpc.
	info    *grpc.UnaryServerInfo
	handler grpc.UnaryHandler
}

type callKey struct{}

// callOf returns the call whose context this is; every context of the chain has one.
func callOf(ctx context.Context) *call {
	c, ok := ctx.(*call)
	if !ok {
		c, _ = ctx.Value(callKey{}).(*call)
	}
	return c
}

// Value implements context.Context.
func (c *call) Value(key any) any {
	switch key.(type) {
	case callKey:
		return c
	case requestid.ContextKey:
		return &c.id
	case auth.ContextKey:
		if c.principal.Kind != "" {
			return &c.principal
		}
	case tenant.ContextKey:
		if c.tenant != (tenant.ID{}) {
			return &c.tenant
		}
	}
	return c.Context.Value(key)
}
