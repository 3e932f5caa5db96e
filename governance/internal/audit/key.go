package audit

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/aumos-enterprise/platform/governance/internal/headstore"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
)

// generatedKeyFile holds the key of a wall that was given none.
const generatedKeyFile = "signing-key"

// signingKeys returns the configured keys, or one that is made once and kept beside the heads.
func signingKeys(ctx context.Context, cfg Config, log *slog.Logger) ([]auditlog.SigningKey, error) {
	if cfg.SigningKeys != "" {
		return auditlog.ParseSigningKeys(cfg.SigningKeys.Reveal())
	}
	path := filepath.Join(cfg.HeadsDir, generatedKeyFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		log.LogAttrs(ctx, slog.LevelWarn, "no audit signing key is configured: made one", slog.String("file", path))
		text, err = generateKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("generated signing key: %w", err)
	}
	keys, err := auditlog.ParseSigningKeys(string(text))
	if err != nil {
		return nil, fmt.Errorf("generated signing key %s: %w", path, err)
	}
	return keys, nil
}

// PresentKeys returns the keys that sign now: the configured ones, or the one kept beside the heads. It makes none, so there may be none yet.
func (c Config) PresentKeys(ctx context.Context) ([]auditlog.SigningKey, error) {
	c = c.WithDefaults()
	_, missing := os.Stat(filepath.Join(c.HeadsDir, generatedKeyFile))
	if c.SigningKeys != "" || missing == nil {
		return signingKeys(ctx, c, slog.New(slog.DiscardHandler))
	}
	return nil, nil
}

// generateKey writes a new key in whole or not at all: a key lost in a crash would orphan what it signed.
func generateKey(path string) (text []byte, err error) {
	seed := make([]byte, ed25519.SeedSize)
	_, _ = rand.Read(seed) // never fails (crypto/rand)
	text = []byte(base64.StdEncoding.EncodeToString(seed) + "\n")
	file, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	_, err = file.Write(text)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return nil, err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return nil, err
	}
	return text, headstore.SyncDirectory(filepath.Dir(path))
}
