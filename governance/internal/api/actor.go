package api

import (
	"context"
	"errors"
	"time"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/auth"
	"github.com/aumos-enterprise/platform/pkg/errs"
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

// retryAfter returns the advice that err carries.
func retryAfter(err error) time.Duration {
	var e *errs.Error
	if errors.As(err, &e) && e.RetryAfter > 0 {
		return e.RetryAfter
	}
	return time.Second
}
