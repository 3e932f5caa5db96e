package audit

import (
	"context"
	"errors"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/auth"
)

// Source is what entries name as the service that recorded them, and as the actor of what the service does by itself.
const Source = "governance"

// Caller returns the principal in ctx as entries name it.
func Caller(ctx context.Context) (auditlog.Actor, error) {
	p, ok := auth.FromContext(ctx)
	if !ok {
		return auditlog.Actor{}, errors.New("no principal in context")
	}
	if p.Kind == auth.KindService {
		return auditlog.Actor{Kind: auditlog.ActorService, ID: p.Subject}, nil
	}
	return auditlog.Actor{Kind: auditlog.ActorUser, ID: p.Subject}, nil
}
