package audit

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/config"
)

// Names of the wall's insecure settings, as they stand in ALLOW_INSECURE.
const (
	// InsecureGeneratedKey allows a signing key that the service made itself and keeps beside the signed heads.
	InsecureGeneratedKey = "generated_audit_key"
	// InsecureSameServer allows the wall on the server of the service's own database.
	InsecureSameServer = "audit_same_server"
	// InsecureStorage allows a server that may lose or tear committed data in a crash (fsync or full_page_writes off).
	InsecureStorage = "audit_unsafe_storage"
)

// Config says how the wall works. Zero values mean the defaults.
type Config struct {
	SigningKeys        config.Secret `env:"SIGNING_KEYS" help:"Ed25519 seeds that sign checkpoints, each the base64 of 32 bytes, separated by commas, the preferred one first: several sign while keys rotate. Empty: one is made and kept in HEADS_DIR."`
	OriginPrefix       string        `env:"ORIGIN_PREFIX" envDefault:"audit.localhost/log" help:"What the origin of every tenant's log begins with; the tenant's id follows. It must never change."`
	HeadsDir           string        `env:"HEADS_DIR" envDefault:"audit-heads" help:"Directory of this replica's signed heads, outside the database and its backups: what notices a restored or cut log."`
	CheckpointLog      string        `env:"CHECKPOINT_LOG" help:"File to which every signed head of every log is appended as a line of JSON, to be shipped to where the service's administrators cannot change it; empty: checkpoints.log in HEADS_DIR."`
	CheckpointInterval time.Duration `env:"CHECKPOINT_INTERVAL" envDefault:"10s" help:"How often logs that grew are signed."`
	PostureInterval    time.Duration `env:"POSTURE_INTERVAL" envDefault:"10m" help:"How often the running service checks everything that is to prevent changes of the wall, as it does at its start."`
	QueueEntries       int           `env:"QUEUE_ENTRIES" envDefault:"8192" help:"Most entries that wait to be appended; further ones are refused."`
	QueueBytes         int           `env:"QUEUE_BYTES" envDefault:"67108864" help:"Most bytes of entries that wait to be appended."`
	BatchEntries       int           `env:"BATCH_ENTRIES" envDefault:"2048" help:"Most entries in one transaction."`
	BatchBytes         int           `env:"BATCH_BYTES" envDefault:"8388608" help:"Most bytes of entries in one transaction."`
	FlushTimeout       time.Duration `env:"FLUSH_TIMEOUT" envDefault:"10s" help:"Longest wait for one transaction of the wall."`
	WitnessPolicyFile  string        `env:"WITNESS_POLICY_FILE" help:"Policy (c2sp.org/tlog-policy) whose witnesses cosign the platform log's heads at their URLs. Empty: none do."`
	WitnessTimeout     time.Duration `env:"WITNESS_TIMEOUT" envDefault:"5s" help:"Longest wait for a witness, and of a commitment for a quorum of them."`
}

// InsecureSettings lists what production refuses unless it is allowed by name. The last two are judged by the posture check, which sees the server.
func (c Config) InsecureSettings() []config.InsecureSetting {
	return []config.InsecureSetting{
		{
			Name: InsecureGeneratedKey, On: c.SigningKeys == "",
			Why: "the audit wall's signing key lies beside its signed heads, for whoever can read that directory",
		},
		{Name: InsecureSameServer},
		{Name: InsecureStorage},
	}
}

// CheckpointLogPath is where the checkpoint log lies.
func (c Config) CheckpointLogPath() string {
	return or(c.CheckpointLog, filepath.Join(c.WithDefaults().HeadsDir, "checkpoints.log"))
}

// WithDefaults returns the settings with the defaults in place of zero values.
func (c Config) WithDefaults() Config {
	c.OriginPrefix = or(c.OriginPrefix, "audit.localhost/log")
	c.HeadsDir = or(c.HeadsDir, "audit-heads")
	c.CheckpointInterval = or(c.CheckpointInterval, 10*time.Second)
	c.PostureInterval = or(c.PostureInterval, 10*time.Minute)
	c.QueueEntries = or(c.QueueEntries, 8192)
	c.QueueBytes = or(c.QueueBytes, 64<<20)
	c.BatchEntries = or(c.BatchEntries, 2048)
	c.BatchBytes = or(c.BatchBytes, 8<<20)
	c.FlushTimeout = or(c.FlushTimeout, 10*time.Second)
	c.WitnessTimeout = or(c.WitnessTimeout, 5*time.Second)
	return c
}

func or[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}

// Validate says what is wrong with the settings.
func (c Config) Validate() error {
	c = c.WithDefaults()
	var problems []error
	if err := auditlog.CheckOriginPrefix(c.OriginPrefix); err != nil {
		problems = append(problems, err)
	}
	if c.SigningKeys != "" {
		if _, err := auditlog.ParseSigningKeys(c.SigningKeys.Reveal()); err != nil {
			problems = append(problems, err)
		}
	}
	if min(c.QueueEntries, c.QueueBytes, c.BatchEntries, c.BatchBytes) < 1 ||
		min(c.CheckpointInterval, c.FlushTimeout, c.WitnessTimeout, c.PostureInterval) < time.Millisecond {
		problems = append(problems, errors.New("limits and times must be positive"))
	}
	if c.BatchEntries > maxRecent {
		problems = append(problems, fmt.Errorf("a batch cannot have more than %d entries", maxRecent))
	}
	if len(problems) > 0 {
		return fmt.Errorf("audit wall: %w", errors.Join(problems...))
	}
	return nil
}
