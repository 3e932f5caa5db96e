package audit_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/config"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
)

func TestKeysRotate(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	cfg := wallConfig(t)
	wall, stop := startWall(t, db, cfg)
	id := newTenant(t)
	appendMany(t, wall, id, 3)
	old := keyring(t, wall, id)
	mustCheckpoint(t, wall, id)
	stop()
	cfg.SigningKeys += config.Secret(",Y2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2M=") // both sign
	wall, stop = startWall(t, db, cfg)
	both := mustCheckpoint(t, wall, id)
	if keys, err := wall.Keys(as(t, id)); err != nil || len(keys) != 2 || len(both.KeyIDs) != 2 {
		t.Errorf("%d keys, %d signatures, %v", len(keys), len(both.KeyIDs), err)
	}
	if _, _, err := auditlog.Open(both.Note, old); err != nil {
		t.Errorf("with the old key: %v", err)
	}
	stop()
	cfg.SigningKeys = "Y2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2M=" // the new one alone
	wall, _ = startWall(t, db, cfg)
	appendMany(t, wall, id, 2)
	newKeys := keyring(t, wall, id)
	head := mustCheckpoint(t, wall, id)
	for _, note := range []string{both.Note, head.Note} {
		if _, _, err := auditlog.Open(note, newKeys); err != nil {
			t.Errorf("with the new key: %v", err)
		}
	}
}

func TestGeneratedKeyStays(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	cfg := wallConfig(t)
	cfg.SigningKeys = ""
	if settings := cfg.InsecureSettings(); !settings[0].On || settings[0].Name != audit.InsecureGeneratedKey {
		t.Errorf("insecure settings: %+v", settings)
	}
	wall, stop := startWall(t, db, cfg)
	id := newTenant(t)
	appendMany(t, wall, id, 1)
	first := keyring(t, wall, id)
	stop()
	wall, _ = startWall(t, db, cfg)
	appendMany(t, wall, id, 1)
	if _, _, err := auditlog.Open(mustCheckpoint(t, wall, id).Note, first); err != nil {
		t.Errorf("after a restart: %v", err)
	}
	info, err := os.Stat(filepath.Join(cfg.HeadsDir, "signing-key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's file: %v, %v", info.Mode(), err)
	}
}

func TestOriginMustNotChange(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	cfg := wallConfig(t)
	wall, stop := startWall(t, db, cfg)
	id := newTenant(t)
	appendMany(t, wall, id, 1)
	mustCheckpoint(t, wall, id)
	stop()
	cfg.OriginPrefix = "other.example.com"
	wall, _ = startWall(t, db, cfg)
	if _, err := wall.Checkpoint(as(t, id)); err == nil || !strings.Contains(err.Error(), "origin") {
		t.Errorf("Checkpoint: %v", err)
	}
}
