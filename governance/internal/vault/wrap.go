package vault

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// Wrapping are the keys that encrypt the tenants' keys. The zero value has none. It prints nothing of them.
type Wrapping struct {
	current string
	sealers map[string]*sealer // by the key's id
}

// ParseWrapping reads AES-256 keys in standard base64, separated by commas or white space. The first one wraps; the others still unwrap, until
// the upkeep has wrapped everything anew. No text is no key.
func ParseWrapping(text string) (Wrapping, error) {
	parts := strings.FieldsFunc(text, func(r rune) bool { return r == ',' || unicode.IsSpace(r) })
	w := Wrapping{sealers: make(map[string]*sealer, len(parts))}
	for i, part := range parts {
		key, err := base64.StdEncoding.Strict().DecodeString(part)
		if err != nil || len(key) != keySize {
			return Wrapping{}, fmt.Errorf("key %d of %d is not the base64 of 32 bytes", i+1, len(parts)) // the value stays out
		}
		if allSame(key) {
			return Wrapping{}, fmt.Errorf("key %d of %d is not random", i+1, len(parts))
		}
		s, err := newSealer(key)
		if err != nil {
			return Wrapping{}, err
		}
		id := wrappingID(key)
		if w.current == "" {
			w.current = id
		}
		w.sealers[id] = s
	}
	return w, nil
}

// allSame finds what somebody put in for a key.
func allSame(key []byte) bool {
	for _, b := range key {
		if b != key[0] {
			return false
		}
	}
	return true
}

// wrappingID names a key by a digest, so that nobody has to choose names. Nothing of 256 random bits can be learnt from it.
func wrappingID(key []byte) string {
	sum := sha256.Sum256(append([]byte("aumos wrapping key\x00"), key...))
	return hex.EncodeToString(sum[:8])
}

// Present reports whether there is a key.
func (w Wrapping) Present() bool { return w.current != "" }

// String keeps the keys out of logs.
func (w Wrapping) String() string { return "wrapping keys [redacted]" }

// GoString keeps the keys out of logs.
func (w Wrapping) GoString() string { return w.String() }

// errWrappingKey is that a tenant's key is wrapped by a key that the settings do not have.
var errWrappingKey = errors.New("the tenant's key is encrypted under a key that is not configured")

// errPlain is that a tenant's key stands in the database as it is, where it must not: whoever writes to the database could have put it there.
var errPlain = errors.New("the tenant's key is not encrypted")

// wrap encrypts a tenant's key under the current key; without one it stays as it is.
func (w Wrapping) wrap(key, bound []byte) (id string, wrapped []byte, err error) {
	if !w.Present() {
		return "", key, nil
	}
	wrapped, err = w.sealers[w.current].seal(key, bound)
	return w.current, wrapped, err
}

// unwrap is the inverse of wrap. With a key that wraps, nothing else is accepted.
func (w Wrapping) unwrap(id string, wrapped, bound []byte) ([]byte, error) {
	if id == "" {
		if w.Present() {
			return nil, errPlain
		}
		return wrapped, nil
	}
	s, ok := w.sealers[id]
	if !ok {
		return nil, fmt.Errorf("%w: %s", errWrappingKey, id)
	}
	key, err := s.open(wrapped, bound)
	if err != nil {
		return nil, fmt.Errorf("unwrap a tenant's key: %w", err)
	}
	return key, nil
}
