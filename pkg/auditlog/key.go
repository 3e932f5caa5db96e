package auditlog

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/mod/sumdb/note"
)

// algEd25519 is the signature type of c2sp.org/signed-note for Ed25519.
const algEd25519 = 1

// CheckOriginPrefix says what is wrong with a prefix: origins must be usable as key names.
func CheckOriginPrefix(prefix string) error {
	if !validKeyName(prefix) || strings.HasSuffix(prefix, "/") || strings.ContainsFunc(prefix, unicode.IsControl) {
		return fmt.Errorf("origin prefix %q: want a host with an optional path, such as audit.example.com/log", prefix)
	}
	return nil
}

// SigningKey signs the checkpoints of any number of logs: one Ed25519 key under each log's origin as its name.
type SigningKey struct {
	private ed25519.PrivateKey
}

// ParseSigningKeys reads Ed25519 seeds in standard base64, separated by commas or white space; the first is the preferred one.
func ParseSigningKeys(text string) ([]SigningKey, error) {
	parts := strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\r' || r == '\t' })
	if len(parts) == 0 {
		return nil, errors.New("no signing key: want the base64 of a 32-byte Ed25519 seed")
	}
	keys := make([]SigningKey, len(parts))
	for i, part := range parts {
		seed, err := base64.StdEncoding.Strict().DecodeString(part)
		if err != nil || len(seed) != ed25519.SeedSize {
			return nil, fmt.Errorf("signing key %d of %d is not the base64 of a 32-byte Ed25519 seed", i+1, len(parts)) // the value stays out
		}
		keys[i] = SigningKey{private: ed25519.NewKeyFromSeed(seed)}
	}
	return keys, nil
}

// VKey returns the public key under a log's origin in the verifier format of c2sp.org/signed-note.
func (k SigningKey) VKey(origin string) (string, error) {
	vkey, err := note.NewEd25519VerifierKey(origin, k.public())
	if err != nil {
		return "", fmt.Errorf("format verifier key: %w", err)
	}
	return vkey, nil
}

// VKeys returns the public keys under a log's origin, in the order given.
func VKeys(origin string, keys ...SigningKey) ([]string, error) {
	vkeys := make([]string, len(keys))
	for i, k := range keys {
		var err error
		if vkeys[i], err = k.VKey(origin); err != nil {
			return nil, err
		}
	}
	return vkeys, nil
}

func (k SigningKey) public() ed25519.PublicKey {
	public := make(ed25519.PublicKey, ed25519.PublicKeySize)
	copy(public, k.private[ed25519.SeedSize:])
	return public
}

// keyID is the truncated hash by which a signature line names its key.
func (k SigningKey) keyID(origin string) uint32 {
	sum := sha256.New()
	sum.Write([]byte(origin + "\n"))
	sum.Write([]byte{algEd25519})
	sum.Write(k.public())
	return binary.BigEndian.Uint32(sum.Sum(nil))
}

// originSigner is a note.Signer: a key under one origin.
type originSigner struct {
	key    SigningKey
	origin string
}

func (s originSigner) Name() string    { return s.origin }
func (s originSigner) KeyHash() uint32 { return s.key.keyID(s.origin) }
func (s originSigner) Sign(msg []byte) ([]byte, error) {
	return ed25519.Sign(s.key.private, msg), nil
}

// Keyring is a set of public keys that somebody trusts.
type Keyring struct {
	verifiers []ringKey
}

// ringKey is a key with its one text, by which it is told from others.
type ringKey struct {
	note.Verifier
	vkey string
}

// ParseKeys reads keys in the verifier format "name+hash+base64".
func ParseKeys(vkeys ...string) (Keyring, error) {
	var ring Keyring
	seen := make(map[string]bool, len(vkeys))
	for _, vkey := range vkeys {
		vkey = strings.TrimSpace(vkey)
		if seen[vkey] {
			continue
		}
		seen[vkey] = true
		v, err := note.NewVerifier(vkey)
		if err != nil {
			return Keyring{}, fmt.Errorf("verifier key %q: %w", vkey, err)
		}
		if !canonicalKey(vkey, v) {
			return Keyring{}, fmt.Errorf("verifier key %q: not in canonical form", vkey)
		}
		ring.verifiers = append(ring.verifiers, ringKey{v, vkey})
	}
	return ring, nil
}

// canonicalKey reports whether the text is the one form of the key: package note also reads upper-case digits and loose base64.
func canonicalKey(vkey string, v note.Verifier) bool {
	encoded, ok := strings.CutPrefix(vkey, fmt.Sprintf("%s+%08x+", v.Name(), v.KeyHash()))
	_, err := base64.StdEncoding.Strict().DecodeString(encoded)
	return ok && err == nil && !strings.ContainsAny(encoded, "\r\n")
}

// Empty reports whether the ring has no key.
func (k Keyring) Empty() bool { return len(k.verifiers) == 0 }

// only returns the keys under a name: a checkpoint of one log counts only with that log's keys.
func (k Keyring) only(name string) note.Verifiers {
	var list []note.Verifier
	for _, v := range k.verifiers {
		if v.Name() == name {
			list = append(list, v)
		}
	}
	return note.VerifierList(list...)
}
