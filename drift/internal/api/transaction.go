package api

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/protobuf/proto"

	"github.com/aumos-enterprise/platform/pkg/idempotency"
	"github.com/aumos-enterprise/platform/pkg/page"
	"github.com/aumos-enterprise/platform/pkg/postgres"
)

// read returns what fn reads in a tenant transaction that changes nothing.
func read[T any](ctx context.Context, pool *pgxpool.Pool, fn func(ctx context.Context, tx pgx.Tx) (T, error)) (T, error) {
	var found T
	err := postgres.ReadTenantTx(ctx, pool, func(ctx context.Context, tx pgx.Tx) (err error) {
		found, err = fn(ctx, tx)
		return err
	})
	return found, err
}

// mutate runs fn at most once per request id, in a tenant transaction, and returns its response: the first one when the request is repeated.
func mutate[R proto.Message](
	ctx context.Context, pool *pgxpool.Pool, key idempotency.Key, response R, fn func(ctx context.Context, tx pgx.Tx) (R, error),
) (R, error) {
	var none R
	err := postgres.TenantTx(ctx, pool, func(ctx context.Context, tx pgx.Tx) error {
		kept, _, err := idempotency.Once(ctx, tx, key, func(ctx context.Context) ([]byte, error) {
			r, err := fn(ctx, tx)
			if err != nil {
				return nil, err
			}
			return proto.Marshal(r)
		})
		if err != nil {
			return err
		}
		if err := proto.Unmarshal(kept, response); err != nil {
			return fmt.Errorf("decode kept response: %w", err)
		}
		return nil
	})
	if err != nil {
		return none, err
	}
	return response, nil
}

// readPage decodes where a list goes on: with what is older than the last item of the page before.
func readPage(ctx context.Context, request proto.Message, size int32, token string) (before uuid.UUID, limit int, err error) {
	before, ok, err := page.Decode[uuid.UUID](ctx, request, token)
	if !ok {
		before = uuid.Max
	}
	return before, page.Size(size), err
}

// fill makes the messages of a page, and the next page's token. One item more than the page holds tells that there is another page.
func fill[T, K any, M proto.Message](
	ctx context.Context, request proto.Message, items []T, limit int, key func(T) K, message func(T) M,
) (messages []M, token string) {
	more := len(items) > limit
	for _, item := range items[:min(limit, len(items))] {
		messages = append(messages, message(item))
	}
	return page.Cut(ctx, request, messages, more, func(last int) K { return key(items[last]) })
}
