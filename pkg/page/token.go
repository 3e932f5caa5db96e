package page

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// A token is base64url(version ‖ binding ‖ JSON of the key). The binding is the truncated SHA-256 over version, tenant, request without its
// page fields, and key: a token that was altered, or is used by another tenant or with another filter, is refused. It is no secret and grants
// nothing (row-level security decides what a page shows), so it needs no key.
const (
	tokenVersion  = 1
	bindingSize   = 16
	maxTokenBytes = 1024 // the contract's limit on page_token
)

// Encode returns the token for the page after last, for the same tenant and the same request: scope is the list request, whose page_size
// and page_token do not count. K must survive JSON unchanged and be small.
func Encode[K any](ctx context.Context, scope proto.Message, last K) string {
	key, err := json.Marshal(last)
	if err != nil { // K is a type of ours that JSON cannot hold
		panic(fmt.Sprintf("encode page token: %v", err))
	}
	token := append([]byte{tokenVersion}, binding(ctx, scope, key)...)
	return base64.RawURLEncoding.EncodeToString(append(token, key...))
}

// Decode returns the key that Encode put into token. An empty token is the first page: ok is false. A token that is malformed or was made
// for another tenant or request fails with INVALID_PAGE_TOKEN.
func Decode[K any](ctx context.Context, scope proto.Message, token string) (last K, ok bool, err error) {
	var none K
	if token == "" {
		return none, false, nil
	}
	if len(token) > maxTokenBytes {
		return none, false, invalid(errors.New("token too long"))
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil {
		return none, false, invalid(err)
	}
	if len(raw) <= 1+bindingSize || raw[0] != tokenVersion {
		return none, false, invalid(errors.New("unknown token format"))
	}
	bound, key := raw[1:1+bindingSize], raw[1+bindingSize:]
	if subtle.ConstantTimeCompare(bound, binding(ctx, scope, key)) != 1 {
		return none, false, invalid(errors.New("token of another tenant or request"))
	}
	decoder := json.NewDecoder(bytes.NewReader(key))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&last); err != nil {
		return none, false, invalid(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return none, false, invalid(errors.New("token holds more than a key"))
	}
	if holdsNUL(key) {
		return none, false, invalid(errors.New("token holds the character U+0000"))
	}
	return last, true, nil
}

// holdsNUL reports whether a text in the key, which is valid JSON, has a character that PostgreSQL takes in no parameter. No key of ours has it.
func holdsNUL(key []byte) bool {
	decoder := json.NewDecoder(bytes.NewReader(key))
	for {
		token, err := decoder.Token()
		if err != nil {
			return false
		}
		if text, ok := token.(string); ok && strings.IndexByte(text, 0) >= 0 {
			return true
		}
	}
}

func invalid(cause error) error {
	return errs.New(errs.InvalidArgument, errs.ReasonInvalidPageToken,
		"the page token does not belong to this request: start again without one, and change nothing but page_size between pages").
		Field("page_token", "is not a next_page_token of this request").Because(cause)
}

func binding(ctx context.Context, scope proto.Message, key []byte) []byte {
	id, _ := tenant.FromContext(ctx)
	request := sha256.Sum256(withoutPage(scope))
	sum := sha256.New()
	sum.Write([]byte{tokenVersion})
	sum.Write(id[:])
	sum.Write(request[:])
	sum.Write(key)
	return sum.Sum(nil)[:bindingSize]
}

// withoutPage returns the name and the deterministic serialization of a list request without its page fields.
func withoutPage(scope proto.Message) []byte {
	request := proto.Clone(scope).ProtoReflect()
	for _, name := range []protoreflect.Name{"page_size", "page_token"} {
		if field := request.Descriptor().Fields().ByName(name); field != nil {
			request.Clear(field)
		}
	}
	named := append([]byte(request.Descriptor().FullName()), 0)
	serialized, err := proto.MarshalOptions{Deterministic: true}.MarshalAppend(named, request.Interface())
	if err != nil { // only for a message that lacks a proto2 required field or holds invalid UTF-8: neither passes decoding
		panic(fmt.Sprintf("bind page token: %v", err))
	}
	return serialized
}
