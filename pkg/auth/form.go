package auth

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// checkForm admits the compact serialization alone (a JSON one could carry unsigned headers), with a key id and without another purpose. The
// algorithm is checked by the verifier.
func checkForm(token string) error {
	header, _, ok := strings.Cut(token, ".")
	if !ok || strings.Count(token, ".") != 2 {
		return errors.New("the token is not a compact JWS")
	}
	b, err := base64.RawURLEncoding.DecodeString(header)
	if err != nil {
		return fmt.Errorf("decode token header: %w", err)
	}
	var h struct {
		KeyID string `json:"kid"`
		Type  string `json:"typ"`
	}
	if err := json.Unmarshal(b, &h); err != nil {
		return fmt.Errorf("read token header: %w", err)
	}
	if h.KeyID == "" {
		return errors.New("the token names no key (kid)")
	}
	// RFC 8725 section 3.11: a signed token made for something else, such as logout, is not an access token.
	switch strings.TrimPrefix(strings.ToLower(h.Type), "application/") {
	case "", "jwt", "at+jwt":
		return nil
	default:
		return fmt.Errorf("the token's typ is %q", h.Type)
	}
}
