package server

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/bundle"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/governance/internal/tile"
	"github.com/aumos-enterprise/platform/governance/internal/vault"
	"github.com/aumos-enterprise/platform/pkg/auth"
	"github.com/aumos-enterprise/platform/pkg/config"
	"github.com/aumos-enterprise/platform/pkg/grpcserver"
	"github.com/aumos-enterprise/platform/pkg/headroom"
	"github.com/aumos-enterprise/platform/pkg/interceptor"
	"github.com/aumos-enterprise/platform/pkg/kafka"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/telemetry"
)

// Prefix begins the name of every setting of the service.
const Prefix = "AUMOS_GOVERNANCE_"

// Config is the settings of the service. Start from Default.
type Config struct {
	config.Deployment
	telemetry.LogConfig

	Server     grpcserver.Config     `envPrefix:"SERVER__"`
	Tiles      tile.Config           `envPrefix:"TILES__"`
	Bundles    bundle.Config         `envPrefix:"BUNDLES__"`
	Database   postgres.Config       `envPrefix:"DATABASE__"`
	Audit      Audit                 `envPrefix:"AUDIT__"`
	Kafka      kafka.Config          `envPrefix:"KAFKA__"`
	Auth       auth.Config           `envPrefix:"AUTH__"`
	Evaluation Evaluation            `envPrefix:"EVALUATION__"`
	Decision   Decision              `envPrefix:"DECISION__"`
	Policy     Policy                `envPrefix:"POLICY__"`
	Inputs     Inputs                `envPrefix:"INPUTS__"`
	RateLimit  interceptor.RateLimit `envPrefix:"RATE_LIMIT__"`
	Telemetry  telemetry.Config      `envPrefix:"TELEMETRY__"`
	Migration  Migration             `envPrefix:"MIGRATION__"`
	Headroom   headroom.Config       `envPrefix:"RUNTIME__"`
}

// Audit is the settings of the Audit Wall and of its database, which two roles reach.
type Audit struct {
	audit.Config

	ReadSessionIdle time.Duration `env:"READ_SESSION_IDLE" envDefault:"5m" help:"How long somebody may pause before their reading of the audit log is summed up in an entry."`

	Writer postgres.Config `envPrefix:"WRITER__"` // as aumos_audit_writer
	Reader postgres.Config `envPrefix:"READER__"` // as aumos_audit_reader
}

// Evaluation bounds what policies use.
type Evaluation struct {
	Deadline        time.Duration `env:"DEADLINE" envDefault:"200ms" help:"When the caller of an evaluation gets its answer, whatever the policy does; a test_ rule has five times that."`
	CompileDeadline time.Duration `env:"COMPILE_DEADLINE" envDefault:"2s" help:"The same for the compilation of a policy version."`
	TenantSlots     int           `env:"TENANT_SLOTS" envDefault:"0" help:"Evaluations of one tenant at the same time; 0: 4, or one for each CPU if that is more."`
	Slots           int           `env:"SLOTS" envDefault:"0" help:"Evaluations at the same time; 0: 16 for each CPU."`
}

// Decision is what decisions remember, so that they need no query, and what is kept of them beside the wall.
type Decision struct {
	CachedTargets int           `env:"CACHED_TARGETS" envDefault:"20000" help:"Policies and decision points whose active versions are remembered."`
	VersionBytes  int64         `env:"VERSION_BYTES" envDefault:"536870912" help:"Memory for compiled policy versions, about 180 KiB for a small one; the one used longest ago goes first."`
	RefreshAfter  time.Duration `env:"REFRESH_AFTER" envDefault:"30s" help:"Age at which what is remembered is read again although no change was announced."`
	NamesAfter    time.Duration `env:"NAMES_AFTER" envDefault:"9600h" help:"How long statistics can name denied resources and violations; counts stay, and the audit wall keeps all."`
}

// Policy bounds what a tenant stores.
type Policy struct {
	MaxPolicies int `env:"MAX_POLICIES" envDefault:"1000" help:"Policies of a tenant; archived ones count, since none is ever deleted."`
	MaxVersions int `env:"MAX_VERSIONS" envDefault:"10000" help:"Versions of all policies of a tenant together; retired ones count."`
}

// Inputs is what the service needs to keep inputs of decisions for tenants that want it.
type Inputs struct {
	Key config.Secret `env:"KEY" help:"Encrypts the tenants' keys for kept inputs: 32 random bytes in base64. Several, separated by commas or lines: the first encrypts, the others still decrypt."`
}

// Default returns the settings of a development machine, before the environment is read.
func Default() Config {
	var cfg Config
	cfg.Server.Listen = "127.0.0.1:9090"
	cfg.Server.AdminListen = "127.0.0.1:9190"
	cfg.Telemetry.Service = name
	return cfg
}

// Load returns the settings that the environment gives.
func Load(environ []string) (Config, error) {
	cfg := Default()
	if err := config.Load(Prefix, &cfg, environ); err != nil {
		return Config{}, err
	}
	return cfg, nil
}

// Validate returns an error for settings that cannot work, and in production for insecure ones that are not allowed by name.
func (c Config) Validate() error {
	problems := c.missingDatabases()
	if c.Auth.Issuer == "" {
		problems = append(problems, errors.New(Prefix+"AUTH__ISSUER is not set"))
	}
	if err := c.Audit.Validate(); err != nil {
		problems = append(problems, fmt.Errorf("%sAUDIT__: %w", Prefix, err))
	}
	if err := c.Bundles.Validate(); err != nil {
		problems = append(problems, fmt.Errorf("%sBUNDLES__: %w", Prefix, err))
	}
	if err := c.Kafka.Validate(); err != nil {
		problems = append(problems, fmt.Errorf("%sKAFKA__: %w", Prefix, err))
	}
	if c.Audit.ReadSessionIdle < 0 {
		problems = append(problems, errors.New(Prefix+"AUDIT__READ_SESSION_IDLE must not be negative"))
	}
	if c.Evaluation.Deadline < 0 || c.Evaluation.CompileDeadline < 0 || c.Evaluation.TenantSlots < 0 || c.Evaluation.Slots < 0 {
		problems = append(problems, errors.New(Prefix+"EVALUATION__: no setting may be negative"))
	}
	if c.Decision.CachedTargets < 0 || c.Decision.VersionBytes < 0 || c.Decision.RefreshAfter < 0 || c.Decision.NamesAfter < 0 {
		problems = append(problems, errors.New(Prefix+"DECISION__: no setting may be negative"))
	}
	if c.Policy.MaxPolicies < 0 || c.Policy.MaxVersions < 0 {
		problems = append(problems, errors.New(Prefix+"POLICY__: no setting may be negative"))
	}
	if _, err := vault.ParseWrapping(c.Inputs.Key.Reveal()); err != nil {
		problems = append(problems, fmt.Errorf("%sINPUTS__KEY: %w", Prefix, err))
	}
	if c.Production {
		problems = append(problems, c.unfit()...)
	}
	return errors.Join(append(problems, c.Check(c.insecure()...))...)
}

// missingDatabases lists the databases that have no URL: an empty one would mean some server on this machine.
func (c Config) missingDatabases() []error {
	var problems []error
	for _, required := range []struct {
		key string
		cfg postgres.Config
	}{{"DATABASE__URL", c.Database}, {"AUDIT__WRITER__URL", c.Audit.Writer}, {"AUDIT__READER__URL", c.Audit.Reader}} {
		if required.cfg.URL == "" {
			problems = append(problems, fmt.Errorf("%s%s is not set", Prefix, required.key))
		}
	}
	return problems
}

// unfit lists what works on a development machine and is not insecure, but would be regretted in production.
func (c Config) unfit() []error {
	var problems []error
	host, _, _ := strings.Cut(c.Audit.OriginPrefix, "/")
	if host == "" || host == "localhost" || strings.HasSuffix(host, ".localhost") { // never anyone's own name (RFC 6761)
		problems = append(problems, errors.New(Prefix+"AUDIT__ORIGIN_PREFIX is not set: production logs need a name of their own, which can never change"))
	}
	if !filepath.IsAbs(c.Audit.HeadsDir) {
		problems = append(problems, fmt.Errorf("%sAUDIT__HEADS_DIR %q is not an absolute path: name a volume that outlives the container", Prefix, c.Audit.HeadsDir))
	}
	if log := c.Audit.CheckpointLog; log != "" && !filepath.IsAbs(log) {
		problems = append(problems, fmt.Errorf("%sAUDIT__CHECKPOINT_LOG %q is not an absolute path", Prefix, log))
	}
	return problems
}

// insecure lists what production refuses unless ALLOW_INSECURE names it.
func (c Config) insecure() []config.InsecureSetting {
	settings := append(c.LogConfig.InsecureSettings(), []config.InsecureSetting{
		{Name: "plaintext_grpc", On: c.Server.Plaintext(), Why: "the gRPC port has no TLS: tokens and data can be read on the way"},
		{
			Name: "plaintext_tiles", On: c.Tiles.Listen != "" && c.Server.Plaintext(),
			Why: "the HTTP port with the audit logs has no TLS: tokens and entries can be read on the way",
		},
		{
			Name: "plaintext_bundles", On: c.Bundles.Listen != "" && c.Server.Plaintext(),
			Why: "the HTTP port with the tenants' bundles has no TLS: tokens and policies can be read on the way",
		},
		{Name: "plaintext_issuer", On: c.Auth.PlaintextIssuer(), Why: "the token issuer's keys are read without TLS: whoever is on the way can forge tokens"},
		{Name: "plaintext_database", On: c.Database.Plaintext(), Why: "the database is reached over a network without TLS"},
		{
			Name: "plaintext_audit_database", On: c.Audit.Writer.Plaintext() || c.Audit.Reader.Plaintext(),
			Why: "the audit database is reached over a network without TLS: entries can be read and changed on the way",
		},
		{
			Name: "privileged_database_role",
			On:   c.Database.AllowPrivilegedRole || c.Audit.Writer.AllowPrivilegedRole || c.Audit.Reader.AllowPrivilegedRole,
			Why:  "a database role can see past row-level security",
		},
	}...)
	return slices.Concat(settings, c.Audit.InsecureSettings(), c.Kafka.InsecureSettings())
}

// NewLogger returns the logger that the settings ask for.
func NewLogger(w io.Writer, cfg Config) *slog.Logger { return cfg.LogConfig.NewLogger(w, name) }

// engine returns the bounds of the policy engine.
func (e Evaluation) engine(log *slog.Logger) rego.Config {
	return rego.Config{
		Deadline: e.Deadline, CompileDeadline: e.CompileDeadline, TenantSlots: e.TenantSlots, Slots: e.Slots, Log: log,
	}
}
