package api

import (
	"context"
	"errors"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/auth"
)

// sourceService is what entries name as the service that recorded them.
const sourceService = "governance"

// actorOf returns the caller as entries name it.
func actorOf(ctx context.Context) (auditlog.Actor, error) {
	p, ok := auth.FromContext(ctx)
	if !ok {
		return auditlog.Actor{}, errors.New("no principal in context")
	}
	if p.Kind == auth.KindService {
		return auditlog.Actor{Kind: auditlog.ActorService, ID: p.Subject}, nil
	}
	return auditlog.Actor{Kind: auditlog.ActorUser, ID: p.Subject}, nil
}
