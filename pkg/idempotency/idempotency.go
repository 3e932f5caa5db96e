// Package idempotency makes writes safe to retry: the response of a write is kept under its request id in the transaction that made it,
// and a retry gets that response instead of a second effect. It keeps rows in the table idempotency_keys of the caller's database.
package idempotency

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/proto"

	"github.com/aumos-enterprise/platform/pkg/errs"
)

// Key identifies a write.
type Key struct {
	// RequestID is the client's request id, a UUID. Empty: the client asked for no idempotency.
	RequestID string
	// Method is the full name of the rpc.
	Method string
	// RequestSHA256 is the Digest of the request.
	RequestSHA256 [sha256.Size]byte
}

// Digest returns the SHA-256 of a request's deterministic serialization.
func Digest(request proto.Message) [sha256.Size]byte {
	serialized, err := proto.MarshalOptions{Deterministic: true}.Marshal(request)
	if err != nil { // only for a message that lacks a proto2 required field or holds invalid UTF-8: neither passes decoding
		panic(fmt.Sprintf("digest %s: %v", request.ProtoReflect().Descriptor().FullName(), err))
	}
	return sha256.Sum256(serialized)
}

// Once runs fn at most once per tenant and request id within the Lifetime, in the caller's tenant transaction (postgres.TenantTx, read
// committed), and keeps the response that fn returns. A later call with the same key returns that response with replayed true. A call that
// runs while another one with the same id has not committed waits for it: it then replays, or runs fn when the other rolled back. The same id
// with another method or request fails with REQUEST_ID_REUSED.
//
// When fn fails, Once returns its error and the caller must roll back, which TenantTx does: a failed write may be tried again.
func Once(ctx context.Context, tx pgx.Tx, key Key, fn func(ctx context.Context) (response []byte, err error)) (response []byte, replayed bool, err error) {
	if key.RequestID == "" {
		response, err = fn(ctx)
		return response, false, err
	}
	id, err := uuid.Parse(key.RequestID)
	if err != nil {
		return nil, false, errs.InvalidField("request_id", "must be a UUID")
	}
	if err := Purge(ctx, tx); err != nil {
		return nil, false, err
	}
	claimed, err := claim(ctx, tx, id, key)
	if err != nil {
		return nil, false, err
	}
	if !claimed {
		response, err = replay(ctx, tx, id, key)
		return response, err == nil, err
	}
	if response, err = fn(ctx); err != nil {
		return nil, false, err
	}
	if err := keep(ctx, tx, id, response); err != nil {
		return nil, false, err
	}
	return response, false, nil
}

// Kept returns the response that a call with the same key would replay, and whether there is one: for writes that need much work before their transaction.
// It waits for nobody: one that has not committed is none.
func Kept(ctx context.Context, tx pgx.Tx, key Key) (response []byte, ok bool, err error) {
	if key.RequestID == "" {
		return nil, false, nil
	}
	id, err := uuid.Parse(key.RequestID)
	if err != nil {
		return nil, false, errs.InvalidField("request_id", "must be a UUID")
	}
	var same bool
	err = tx.QueryRow(ctx, `
		SELECT response, method = @method AND request_sha256 = @request_sha256
		FROM idempotency_keys
		WHERE request_id = @request_id AND created_at >= now() - @lifetime::interval`,
		pgx.NamedArgs{"request_id": id, "method": key.Method, "request_sha256": key.RequestSHA256[:], "lifetime": Lifetime}).Scan(&response, &same)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, false, nil
	case err != nil:
		return nil, false, fmt.Errorf("read kept response: %w", err)
	case !same:
		return nil, false, reused()
	}
	return response, true, nil
}

func reused() *errs.Error {
	return errs.New(errs.InvalidArgument, errs.ReasonRequestIDReused, "the request id was used before with another request: use a new one")
}

// claim inserts the key's row, or takes over one that has expired. It waits while another transaction holds the same id, and reports false
// when that id is in use.
func claim(ctx context.Context, tx pgx.Tx, id uuid.UUID, key Key) (bool, error) {
	tag, err := tx.Exec(ctx, `
		INSERT INTO idempotency_keys AS k (tenant_id, request_id, method, request_sha256)
		VALUES (nullif(current_setting('aumos.tenant_id', true), '')::uuid, @request_id, @method, @request_sha256)
		ON CONFLICT (tenant_id, request_id) DO UPDATE
		SET method = excluded.method, request_sha256 = excluded.request_sha256, response = '', created_at = now()
		WHERE k.created_at < now() - @lifetime::interval`,
		pgx.NamedArgs{"request_id": id, "method": key.Method, "request_sha256": key.RequestSHA256[:], "lifetime": Lifetime})
	if err != nil {
		return false, fmt.Errorf("claim request id: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}

func replay(ctx context.Context, tx pgx.Tx, id uuid.UUID, key Key) ([]byte, error) {
	var response []byte
	var same bool
	err := tx.QueryRow(ctx, `
		SELECT response, method = @method AND request_sha256 = @request_sha256
		FROM idempotency_keys
		WHERE request_id = @request_id`,
		pgx.NamedArgs{"request_id": id, "method": key.Method, "request_sha256": key.RequestSHA256[:]}).Scan(&response, &same)
	switch {
	case errors.Is(err, pgx.ErrNoRows): // purged between claim and replay: only at the end of its lifetime
		return nil, errs.New(errs.Aborted, errs.ReasonConflict, "the request id has just expired: send the request again")
	case err != nil:
		return nil, fmt.Errorf("read kept response: %w", err)
	case !same:
		return nil, reused()
	}
	return response, nil
}

func keep(ctx context.Context, tx pgx.Tx, id uuid.UUID, response []byte) error {
	if response == nil {
		response = []byte{} // an empty message serializes to nothing, which is a response like any other
	}
	_, err := tx.Exec(ctx, `
		UPDATE idempotency_keys
		SET response = @response
		WHERE request_id = @request_id`, pgx.NamedArgs{"request_id": id, "response": response})
	if err != nil {
		return fmt.Errorf("keep response: %w", err)
	}
	return nil
}
