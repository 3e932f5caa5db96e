package page_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	"github.com/aumos-enterprise/platform/pkg/errs"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/page"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

type key struct {
	CreatedAt time.Time
	ID        uuid.UUID
}

var last = key{
	CreatedAt: time.Date(2024, 2, 29, 23, 59, 59, 123456000, time.UTC),
	ID:        uuid.MustParse("018df5e5-7b5c-7000-8000-000000000001"),
}

func as(ctx context.Context, id byte) context.Context { return tenant.NewContext(ctx, tenant.ID{id}) }

func TestSize(t *testing.T) {
	t.Parallel()
	for requested, want := range map[int32]int{math.MinInt32: 50, 0: 50, 1: 1, 500: 500, 501: 500, math.MaxInt32: 500} {
		if got := page.Size(requested); got != want {
			t.Errorf("Size(%d) = %d, want %d", requested, got, want)
		}
	}
}

func TestCut(t *testing.T) {
	t.Parallel()
	ctx, scope := as(t.Context(), 1), &governancev1.ListPoliciesRequest{PageSize: 500}
	const third = page.MaxBytes / 3
	for _, c := range []struct {
		name  string
		sizes []int
		more  bool
		fit   int
		next  int // the last item, −2 on the last page
	}{
		{"nothing", nil, false, 0, -2},
		{"nothing here", nil, true, 0, -1},
		{"a little", []int{1, 1}, false, 2, -2},
		{"a little, and more", []int{1, 1}, true, 2, 1},
		{"all that fits", []int{third, third, third}, false, 3, -2},
		{"too much", []int{third, third, third + 1, 1}, false, 2, 1},
		{"too much, and more", []int{third, third, third, 1}, true, 3, 2},
		{"a large first", []int{page.MaxBytes + 9, 1}, false, 1, 0},
		{"a large one alone", []int{page.MaxBytes + 9}, false, 1, -2},
	} {
		items := make([]*governancev1.Policy, len(c.sizes))
		for i, size := range c.sizes {
			items[i] = &governancev1.Policy{Description: strings.Repeat("x", max(1, size-4))} // tag and length take four bytes
		}
		fit, token := page.Cut(ctx, scope, items, c.more, func(last int) int { return last })
		got, ok, err := page.Decode[int](ctx, scope, token)
		if !ok {
			got = -2
		}
		if err != nil || len(fit) != c.fit || got != c.next {
			t.Errorf("%s: %d items, the next page after item %d, %v; want %d and %d", c.name, len(fit), got, err, c.fit, c.next)
		}
	}
}

func TestTokenIsBound(t *testing.T) {
	t.Parallel()
	request := func(change func(*governancev1.ListPoliciesRequest)) *governancev1.ListPoliciesRequest {
		r := &governancev1.ListPoliciesRequest{PageSize: 10, Name: "loan limits"}
		change(r)
		return r
	}
	ctx := as(t.Context(), 1)
	token := page.Encode(ctx, request(func(*governancev1.ListPoliciesRequest) {}), last)
	for _, c := range []struct {
		name  string
		ctx   context.Context
		scope proto.Message
		ok    bool
	}{
		{"the same request", ctx, request(func(*governancev1.ListPoliciesRequest) {}), true},
		{"with the token in it", ctx, request(func(r *governancev1.ListPoliciesRequest) { r.PageToken = token }), true},
		{"with another page size", ctx, request(func(r *governancev1.ListPoliciesRequest) { r.PageSize = 500 }), true},
		{"with another filter", ctx, request(func(r *governancev1.ListPoliciesRequest) { r.Name = "other" }), false},
		{"without the filter", ctx, request(func(r *governancev1.ListPoliciesRequest) { r.Name = "" }), false},
		{"of another tenant", as(t.Context(), 2), request(func(*governancev1.ListPoliciesRequest) {}), false},
		{"without a tenant", t.Context(), request(func(*governancev1.ListPoliciesRequest) {}), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			before := proto.Clone(c.scope)
			got, ok, err := page.Decode[key](c.ctx, c.scope, token)
			if c.ok && (err != nil || !ok || !cmp.Equal(got, last)) {
				t.Errorf("Decode = %v, %t, %v; want %v", got, ok, err, last)
			}
			if !c.ok && (ok || got != key{} || !errors.Is(err, errs.New(errs.InvalidArgument, errs.ReasonInvalidPageToken, ""))) {
				t.Errorf("Decode = %v, %t, %v; want INVALID_PAGE_TOKEN and no key", got, ok, err)
			}
			if !proto.Equal(before, c.scope) {
				t.Error("Decode changed the request")
			}
		})
	}
}

// Empty requests of two methods serialize to the same bytes.
func TestTokenIsBoundToMethod(t *testing.T) {
	t.Parallel()
	token := page.Encode(t.Context(), &governancev1.ListPoliciesRequest{}, last)
	if _, ok, err := page.Decode[key](t.Context(), &governancev1.ListPolicyVersionsRequest{}, token); ok || err == nil {
		t.Errorf("another method's token: ok %t, error %v; want INVALID_PAGE_TOKEN", ok, err)
	}
}

func TestEmptyTokenIsFirstPage(t *testing.T) {
	t.Parallel()
	if got, ok, err := page.Decode[key](t.Context(), &governancev1.ListPoliciesRequest{}, ""); ok || err != nil || got != (key{}) {
		t.Errorf("Decode = %v, %t, %v; want no key and no error", got, ok, err)
	}
}

func TestEveryChangedByteIsNoticed(t *testing.T) {
	t.Parallel()
	ctx, scope := as(t.Context(), 1), &governancev1.ListPoliciesRequest{}
	raw, err := base64.RawURLEncoding.DecodeString(page.Encode(ctx, scope, last))
	if err != nil {
		t.Fatal(err)
	}
	for i := range raw {
		changed := append([]byte(nil), raw...)
		changed[i] ^= 1
		if got, ok, err := page.Decode[key](ctx, scope, base64.RawURLEncoding.EncodeToString(changed)); err == nil || ok {
			t.Errorf("byte %d changed: Decode = %v, %t; want an error", i, got, ok)
		}
	}
}

func TestMalformedTokens(t *testing.T) {
	t.Parallel()
	ctx, scope := as(t.Context(), 1), &governancev1.ListPoliciesRequest{}
	good := page.Encode(ctx, scope, last)
	for name, token := range map[string]string{
		"not base64":        "no token!",
		"standard base64":   "+/+/",
		"cut":               good[:len(good)-4],
		"cut to nothing":    good[:2],
		"continued":         good + "AAAA",
		"padded":            good + "==",
		"too long":          strings.Repeat("A", 1025),
		"of another type":   page.Encode(ctx, scope, []int{1}),
		"with another name": page.Encode(ctx, scope, struct{ Name string }{"x"}),
	} {
		_, ok, err := page.Decode[key](ctx, scope, token)
		if ok || errs.ReasonOf(err) != errs.ReasonInvalidPageToken {
			t.Errorf("%s: ok %t, error %v; want INVALID_PAGE_TOKEN", name, ok, err)
		}
	}
}

// PostgreSQL takes no U+0000, wherever a made-up token has it.
func TestTokenHoldsNoNUL(t *testing.T) {
	t.Parallel()
	scope := &governancev1.ListPoliciesRequest{}
	if got, ok, err := page.Decode[string](t.Context(), scope, page.Encode(t.Context(), scope, "a\x00")); ok || errs.ReasonOf(err) != errs.ReasonInvalidPageToken {
		t.Errorf("Decode = %q, %t, %v; want INVALID_PAGE_TOKEN", got, ok, err)
	}
	type nested struct{ Texts []string }
	if _, ok, err := page.Decode[nested](t.Context(), scope, page.Encode(t.Context(), scope, nested{[]string{"a", "\x00"}})); ok || err == nil {
		t.Errorf("nested: ok %t, error %v; want INVALID_PAGE_TOKEN", ok, err)
	}
	if got, ok, err := page.Decode[string](t.Context(), scope, page.Encode(t.Context(), scope, `a\u0000`)); !ok || err != nil || got != `a\u0000` {
		t.Errorf("Decode of a backslash = %q, %t, %v", got, ok, err)
	}
}

// A token has one spelling: base64's unused bits are zero.
func TestTokenHasOneSpelling(t *testing.T) {
	t.Parallel()
	scope := &governancev1.ListPoliciesRequest{}
	token := page.Encode(t.Context(), scope, 12) // 19 bytes: four bits of the last character are unused
	spelled := token[:len(token)-1] + string(token[len(token)-1]+1)
	a, errA := base64.RawURLEncoding.DecodeString(token)
	b, errB := base64.RawURLEncoding.DecodeString(spelled)
	if errA != nil || errB != nil || !bytes.Equal(a, b) {
		t.Fatalf("%s is no other spelling of %s", spelled, token)
	}
	if got, ok, err := page.Decode[int](t.Context(), scope, spelled); ok || err == nil {
		t.Errorf("Decode = %d, %t, %v; want INVALID_PAGE_TOKEN", got, ok, err)
	}
}

func FuzzDecode(f *testing.F) {
	scope := &governancev1.ListPoliciesRequest{Name: "x"}
	f.Add("")
	f.Add("AQ")
	f.Add(page.Encode(as(f.Context(), 1), scope, last))
	f.Add(page.Encode(as(f.Context(), 1), scope, 7))
	f.Fuzz(func(t *testing.T, token string) {
		ctx := as(t.Context(), 1)
		got, ok, err := page.Decode[key](ctx, scope, token)
		switch {
		case err != nil && (ok || errs.ReasonOf(err) != errs.ReasonInvalidPageToken):
			t.Errorf("ok %t, error %v; want INVALID_PAGE_TOKEN", ok, err)
		case err == nil && ok != (token != ""):
			t.Errorf("ok %t for %q", ok, token)
		case ok && page.Encode(ctx, scope, got) != token:
			t.Errorf("%q decodes to %v, which encodes to %q", token, got, page.Encode(ctx, scope, got))
		}
	})
}
