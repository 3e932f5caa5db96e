package bundle

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"

	"github.com/aumos-enterprise/platform/pkg/config"
)

// Algorithm is the JWS algorithm of bundles' signatures: ECDSA on P-256 with SHA-256.
const Algorithm = "ES256"

// Config says how bundles are signed and where they are served.
type Config struct {
	Listen     string        `env:"LISTEN" help:"Address of the HTTP port with the tenants' OPA bundles, host:port; empty: none. It has the gRPC port's TLS."`
	SigningKey config.Secret `env:"SIGNING_KEY" help:"Private key that signs bundles, in PEM: ECDSA on P-256. Empty: there are no bundles."`
	// Not a secret, and too long for a line.
	OtherKeysFile string `env:"OTHER_KEYS_FILE" help:"File with public keys, in PEM one after the other, that sidecars are to know beside the signing one: those that signed before it, or will after it."`
}

// PublicKey verifies bundles.
type PublicKey struct {
	ID  string // follows from the key
	PEM string // SubjectPublicKeyInfo
}

// Key signs bundles.
type Key struct {
	PublicKey

	private *ecdsa.PrivateKey
}

// Validate says what is wrong with the settings.
func (c Config) Validate() error {
	_, _, err := c.Keys()
	if c.Listen != "" && c.SigningKey == "" {
		return errors.Join(errors.New("LISTEN is set and SIGNING_KEY is not: bundles are always signed"), err)
	}
	return err
}

// Keys returns the key that signs, nil when there is none, and all that sidecars are to know, the signing one first.
func (c Config) Keys() (signing *Key, known []PublicKey, err error) {
	if c.SigningKey != "" {
		if signing, err = parseKey([]byte(c.SigningKey.Reveal())); err != nil {
			return nil, nil, fmt.Errorf("SIGNING_KEY: %w", err)
		}
		known = append(known, signing.PublicKey)
	}
	seen := make(map[string]bool)
	for _, k := range known {
		seen[k.ID] = true
	}
	if c.OtherKeysFile == "" {
		return signing, known, nil
	}
	rest, err := os.ReadFile(c.OtherKeysFile)
	if err != nil {
		return nil, nil, fmt.Errorf("OTHER_KEYS_FILE: %w", err)
	}
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			if text := bytes.TrimSpace(rest); len(text) > 0 {
				return nil, nil, errors.New("OTHER_KEYS_FILE: something that is not PEM")
			}
			return signing, known, nil
		}
		k, err := parsePublic(block)
		if err != nil {
			return nil, nil, fmt.Errorf("OTHER_KEYS_FILE: %w", err)
		}
		if !seen[k.ID] {
			seen[k.ID], known = true, append(known, k)
		}
	}
}

// parseKey reads a private key in PEM, as `openssl ecparam` and `openssl genpkey` write it.
func parseKey(text []byte) (*Key, error) {
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return nil, errors.New("no private key in PEM")
		}
		var parsed any
		var err error
		switch block.Type {
		case "PRIVATE KEY":
			parsed, err = x509.ParsePKCS8PrivateKey(block.Bytes)
		case "EC PRIVATE KEY":
			parsed, err = x509.ParseECPrivateKey(block.Bytes)
		default:
			continue // `openssl ecparam` writes the curve before the key
		}
		if err != nil {
			return nil, errors.New("not a private key") // what the parser says may show parts of it
		}
		private, ok := parsed.(*ecdsa.PrivateKey)
		if !ok || private.Curve != elliptic.P256() {
			return nil, errNotP256
		}
		public, err := publicKey(&private.PublicKey)
		return &Key{PublicKey: public, private: private}, err
	}
}

var errNotP256 = errors.New("not an ECDSA key on P-256")

func parsePublic(block *pem.Block) (PublicKey, error) {
	if block.Type != "PUBLIC KEY" {
		return PublicKey{}, fmt.Errorf("a %s block, want a PUBLIC KEY", block.Type)
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return PublicKey{}, fmt.Errorf("parse public key: %w", err)
	}
	public, ok := parsed.(*ecdsa.PublicKey)
	if !ok || public.Curve != elliptic.P256() {
		return PublicKey{}, errNotP256
	}
	return publicKey(public)
}

// publicKey names the key by its own digest, so that no two keys ever share a name.
func publicKey(k *ecdsa.PublicKey) (PublicKey, error) {
	der, err := x509.MarshalPKIXPublicKey(k)
	if err != nil {
		return PublicKey{}, fmt.Errorf("write public key: %w", err)
	}
	sum := sha256.Sum256(der)
	return PublicKey{
		ID: "aumos-" + hex.EncodeToString(sum[:8]), PEM: string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})),
	}, nil
}

// sign returns the claims as a compact JWS (RFC 7515, RFC 7518 section 3.4). The nonce follows from key and claims (RFC 6979): the same bundle has the
// same signature on every replica.
func (k *Key) sign(claims any) (string, error) {
	header, err := json.Marshal(map[string]string{"alg": Algorithm, "kid": k.ID})
	if err != nil {
		return "", fmt.Errorf("sign bundle: %w", err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("sign bundle: %w", err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	text := encode(header) + "." + encode(payload)
	sum := sha256.Sum256([]byte(text))
	der, err := k.private.Sign(nil, sum[:], crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("sign bundle: %w", err)
	}
	var numbers struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(der, &numbers); err != nil {
		return "", fmt.Errorf("sign bundle: %w", err)
	}
	const size = 32
	signature := make([]byte, 2*size)
	numbers.R.FillBytes(signature[:size])
	numbers.S.FillBytes(signature[size:])
	return text + "." + encode(signature), nil
}
