package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/aumos-enterprise/platform/pkg/config"
)

// state is the directory that survives restarts. Only its owner may read it.
type state string

func openState(dir string) (state, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("open state directory: %w", err)
	}
	// Others may pass through: the database server runs as another user when this process is root.
	if err := os.MkdirAll(filepath.Join(abs, "secrets"), 0o755); err != nil { // see above; the secrets themselves are 0600
		return "", fmt.Errorf("open state directory: %w", err)
	}
	return state(abs), nil
}

// path joins names to the directory.
func (s state) path(names ...string) string {
	return filepath.Join(append([]string{string(s)}, names...)...)
}

// secret returns the named secret, made at random the first time.
func (s state) secret(name string) (config.Secret, error) {
	return s.keep(name, func() (string, error) {
		random := make([]byte, 32)
		if _, err := rand.Read(random); err != nil {
			return "", err
		}
		return base64.RawURLEncoding.EncodeToString(random), nil // as it is in a URL-encoded form, so that curl -u can send it
	})
}

// bundleKey returns the key that signs bundles, made the first time.
func (s state) bundleKey() (config.Secret, error) {
	return s.keep("bundle-key.pem", func() (string, error) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return "", err
		}
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			return "", err
		}
		return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), nil
	})
}

// keep returns the named secret, which is made the first time.
func (s state) keep(name string, newSecret func() (string, error)) (config.Secret, error) {
	file := s.path("secrets", name)
	old, err := os.ReadFile(file)
	if err == nil {
		return config.Secret(old), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read secret: %w", err)
	}
	text, err := newSecret()
	if err != nil {
		return "", fmt.Errorf("make secret: %w", err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return "", fmt.Errorf("keep secret: %w", err)
	}
	return config.Secret(text), nil
}

// key returns the named secret as the services take keys.
func (s state) key(name string) (config.Secret, error) {
	secret, err := s.secret(name)
	if err != nil {
		return "", err
	}
	random, err := base64.RawURLEncoding.DecodeString(secret.Reveal())
	if err != nil {
		return "", fmt.Errorf("read secret %s: it is damaged", name) // the value stays out
	}
	return config.Secret(base64.StdEncoding.EncodeToString(random)), nil
}

// marked reports whether mark was called with the name.
func (s state) marked(name string) bool {
	_, err := os.Stat(s.path(name))
	return err == nil
}

// mark remembers the name.
func (s state) mark(name string) error {
	if err := os.WriteFile(s.path(name), nil, 0o600); err != nil {
		return fmt.Errorf("keep state: %w", err)
	}
	return nil
}
