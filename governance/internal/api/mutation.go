package api

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/protobuf/proto"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/outbox"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/idempotency"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/requestid"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// Mutations makes changes that stand or fall with their audit entries and that are safe to retry.
type Mutations struct {
	pool     *pgxpool.Pool
	wall     *audit.Wall
	recorder *outbox.Recorder
}

// NewMutations returns the mutations of the governance database.
func NewMutations(pool *pgxpool.Pool, wall *audit.Wall, recorder *outbox.Recorder) *Mutations {
	return &Mutations{pool: pool, wall: wall, recorder: recorder}
}

// change is what a mutation did to one resource: it becomes one entry.
type change struct {
	eventType string
	resource  auditlog.Resource // with its state after the change
	details   map[string]any
}

// idempotent is a request that a client may repeat under the same id.
type idempotent interface {
	proto.Message
	GetRequestId() string
}

// mutate runs fn in a tenant transaction together with its entries, and answers once they are on the wall. A request that is repeated under its
// request id gets the first answer, after the entries have been brought to the wall if they were not there yet.
//
// It fails closed. While the wall does not answer, or was found unable to take the tenant's entries, nothing is changed. When it stops answering in
// between, the change is committed and its entries follow; the caller learns the outcome by repeating the request.
func mutate[M any, P interface {
	*M
	proto.Message
}](ctx context.Context, m *Mutations, action, method string, request idempotent, fn func(context.Context, pgx.Tx) (P, []change, error),
) (P, error) {
	id, _ := tenant.FromContext(ctx)
	if err := audit.RefusePlatform(id); err != nil { // its log would take the entries
		return nil, err
	}
	if err := m.wall.ReadyFor(ctx, id); err != nil {
		return nil, err
	}
	key := keyOf(method, request)
	var kept []byte
	err := postgres.TenantTx(ctx, m.pool, func(ctx context.Context, tx pgx.Tx) error {
		var err error
		kept, _, err = idempotency.Once(ctx, tx, key, func(ctx context.Context) ([]byte, error) {
			response, changes, err := fn(ctx, tx)
			if err != nil {
				return nil, err
			}
			entries, err := intend(ctx, tx, action, changes)
			if err != nil {
				return nil, err
			}
			return seal(entries, response)
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return answer[M, P](ctx, m, kept)
}

// repeated returns the first answer to a request that is repeated, and whether there is one: rpcs ask before they do work that mutate would throw away.
func repeated[M any, P interface {
	*M
	proto.Message
}](ctx context.Context, m *Mutations, method string, request idempotent) (response P, ok bool, err error) {
	if request.GetRequestId() == "" {
		return nil, false, nil
	}
	var kept []byte
	err = postgres.ReadTenantTx(ctx, m.pool, func(ctx context.Context, tx pgx.Tx) (err error) {
		kept, ok, err = idempotency.Kept(ctx, tx, keyOf(method, request))
		return err
	})
	if err != nil || !ok {
		return nil, false, err
	}
	response, err = answer[M, P](ctx, m, kept)
	return response, true, err
}

func keyOf(method string, request idempotent) idempotency.Key {
	return idempotency.Key{RequestID: request.GetRequestId(), Method: method, RequestSHA256: idempotency.Digest(request)}
}

// answer returns a sealed response once its entries are on the wall.
func answer[M any, P interface {
	*M
	proto.Message
}](ctx context.Context, m *Mutations, sealed []byte) (P, error) {
	response := P(new(M))
	entries, err := unseal(sealed, response)
	if err != nil {
		return nil, fmt.Errorf("read kept response: %w", err)
	}
	return response, m.settle(ctx, entries)
}

// intend writes the changes' entries as intents and returns the entries' ids.
func intend(ctx context.Context, tx pgx.Tx, action string, changes []change) ([]uuid.UUID, error) {
	id, _ := tenant.FromContext(ctx)
	actor, err := audit.Caller(ctx)
	if err != nil {
		return nil, err
	}
	entries := make([]uuid.UUID, len(changes))
	for i, c := range changes {
		if entries[i], err = uuid.NewV7(); err != nil {
			return nil, fmt.Errorf("make entry id: %w", err)
		}
		err := outbox.Add(ctx, tx, auditlog.Entry{
			EntryID: entries[i], TenantID: id, EventType: c.eventType, Action: action, Outcome: auditlog.Success, Actor: actor, Resource: c.resource,
			SourceService: audit.Source, RequestID: requestid.FromContext(ctx), Details: c.details,
		})
		if err != nil {
			return nil, err
		}
	}
	return entries, nil
}

// settle brings the entries to the wall.
func (m *Mutations) settle(ctx context.Context, entries []uuid.UUID) error {
	for _, id := range entries {
		if _, err := m.recorder.Settle(ctx, id); err != nil {
			return unsettled(err)
		}
	}
	return nil
}

// unsettled says what is known of a change that is made and whose entry is not on the wall. Whatever passing thing kept it from there is the same to the
// caller, and UNAVAILABLE is what clients repeat.
func unsettled(err error) error {
	e, ok := errors.AsType[*errs.Error](err)
	if !ok || e.Reason != errs.ReasonUnavailable && e.Reason != errs.ReasonOverloaded && e.Reason != errs.ReasonConflict {
		return err
	}
	return errs.New(errs.Unavailable, errs.ReasonUnavailable,
		"the change is made and its audit entry follows: send the request again with the same request_id for the answer").
		After(cmp.Or(e.RetryAfter, time.Second)).Because(err)
}

// seal joins the ids of the entries and the response: what a repeated request needs.
func seal(entries []uuid.UUID, response proto.Message) ([]byte, error) {
	sealed := binary.AppendUvarint(nil, uint64(len(entries)))
	for _, id := range entries {
		sealed = append(sealed, id[:]...)
	}
	return proto.MarshalOptions{}.MarshalAppend(sealed, response)
}

var errSealed = errors.New("the kept response is cut")

// unseal is the inverse of seal.
func unseal(sealed []byte, response proto.Message) ([]uuid.UUID, error) {
	n, length := binary.Uvarint(sealed)
	if length <= 0 || n > uint64(len(sealed[length:])/len(uuid.UUID{})) {
		return nil, errSealed
	}
	rest := sealed[length:]
	entries := make([]uuid.UUID, n)
	for i := range entries {
		copy(entries[i][:], rest)
		rest = rest[len(uuid.UUID{}):]
	}
	return entries, proto.Unmarshal(rest, response)
}
