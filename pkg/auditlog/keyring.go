package auditlog

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// Has reports whether the ring has a key of that name.
func (k Keyring) Has(name string) bool {
	for _, v := range k.verifiers {
		if v.Name() == name {
			return true
		}
	}
	return false
}

// With returns a ring with more keys. A key that both have is in it once: twice it would be ambiguous.
func (k Keyring) With(other Keyring) Keyring {
	all := slices.Clone(k.verifiers)
	for _, v := range other.verifiers {
		if !slices.ContainsFunc(all, func(have ringKey) bool { return have.vkey == v.vkey }) {
			all = append(all, v)
		}
	}
	return Keyring{verifiers: all}
}

// KeyOfLog returns a key under another log's origin: the platform signs all logs with the same keys, each under the log's origin as its name, so
// that whoever trusts a key of one log can derive those of the others.
func KeyOfLog(vkey, origin string) (string, error) {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 {
		return "", fmt.Errorf("verifier key %q: not in the form name+hash+base64", vkey)
	}
	public, err := base64.StdEncoding.Strict().DecodeString(parts[2])
	if err != nil || len(public) < 1 || public[0] != algEd25519 {
		return "", fmt.Errorf("verifier key %q: not an Ed25519 key", vkey)
	}
	derived, err := note.NewEd25519VerifierKey(origin, public[1:])
	if err != nil {
		return "", fmt.Errorf("verifier key under %q: %w", origin, err)
	}
	return derived, nil
}
