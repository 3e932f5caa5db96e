package auth

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// maxSubjectBytes is the limit of an actor's id in the contract.
const maxSubjectBytes = 255

// principalOf reads the claims of a token whose signature, issuer, audience and expiry hold.
func (v *Verifier) principalOf(t *oidc.IDToken) (Principal, error) {
	var claims map[string]json.RawMessage
	if err := t.Claims(&claims); err != nil {
		return Principal{}, fmt.Errorf("read claims: %w", err)
	}
	if err := refuseLookalikes(claims); err != nil {
		return Principal{}, err
	}
	var subject string
	var tenantID *string
	var notBefore, issuedAt float64
	if err := errors.Join(read(claims, "sub", &subject), read(claims, "tenant_id", &tenantID),
		read(claims, "nbf", &notBefore), read(claims, "iat", &issuedAt)); err != nil {
		return Principal{}, err
	}
	if latest := float64(v.now().Add(clockLeeway).Unix()); notBefore > latest || issuedAt > latest {
		return Principal{}, fmt.Errorf("the token is not valid yet: nbf %.0f, iat %.0f", notBefore, issuedAt)
	}
	if err := checkSubject(subject); err != nil {
		return Principal{}, err
	}
	p := Principal{Subject: subject, Kind: KindUser, Expiry: t.Expiry}
	if tenantID != nil {
		id, err := tenant.Parse(*tenantID)
		if err != nil {
			return Principal{}, fmt.Errorf("read claim tenant_id: %w", err)
		}
		p.Tenant = id
	}
	names, err := roleNames(claims, v.cfg.RolesClaim)
	if err != nil {
		return Principal{}, err
	}
	for _, name := range names {
		if r := Role(name); r.Known() && !slices.Contains(p.Roles, r) {
			p.Roles = append(p.Roles, r)
		}
	}
	if slices.Contains(p.Roles, RoleService) {
		p.Kind = KindService
	}
	return p, nil
}

// refuseLookalikes refuses claims that differ from the ones that decide in case alone: encoding/json, and go-oidc with it, takes EXP for exp, and
// some issuers let users choose claims.
func refuseLookalikes(claims map[string]json.RawMessage) error {
	for name := range claims {
		for _, registered := range []string{"iss", "aud", "exp", "nbf", "iat", "sub", "tenant_id"} {
			if name != registered && strings.EqualFold(name, registered) {
				return fmt.Errorf("the token's claim %q looks like %s", name, registered)
			}
		}
	}
	return nil
}

// read reads a claim into dst; one that is absent leaves dst as it is.
func read(claims map[string]json.RawMessage, name string, dst any) error {
	raw, ok := claims[name]
	if !ok {
		return nil
	}
	if err := json.Unmarshal(raw, dst); err != nil {
		return fmt.Errorf("read claim %s: %w", name, err)
	}
	return nil
}

// checkSubject refuses subjects that could not stand as an actor on the wall or would disturb a log.
func checkSubject(s string) error {
	switch {
	case s == "":
		return errors.New("the token has no sub claim")
	case len(s) > maxSubjectBytes:
		return fmt.Errorf("the token's sub claim has %d bytes, over %d", len(s), maxSubjectBytes)
	case !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl):
		return errors.New("the token's sub claim holds control characters")
	}
	return nil
}

// roleNames reads the list at path. A claim whose name is the whole path comes first, since names may hold dots; a claim that is absent grants
// nothing.
func roleNames(claims map[string]json.RawMessage, path string) ([]string, error) {
	raw, ok := claims[path]
	for rest := path; !ok; {
		head, tail, more := strings.Cut(rest, ".")
		if raw, ok = claims[head]; !ok || !more {
			break
		}
		var inner map[string]json.RawMessage
		if err := json.Unmarshal(raw, &inner); err != nil {
			return nil, fmt.Errorf("read claim %s: %w", head, err)
		}
		claims, rest, ok = inner, tail, false
	}
	if !ok {
		return nil, nil
	}
	var names []string
	if err := json.Unmarshal(raw, &names); err != nil {
		return nil, fmt.Errorf("read claim %s: %w", path, err)
	}
	return names, nil
}
