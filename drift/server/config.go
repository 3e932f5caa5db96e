package server

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"runtime"
	"time"

	"github.com/aumos-enterprise/platform/drift/internal/embedding"
	"github.com/aumos-enterprise/platform/drift/internal/evidence"
	"github.com/aumos-enterprise/platform/pkg/auth"
	"github.com/aumos-enterprise/platform/pkg/config"
	"github.com/aumos-enterprise/platform/pkg/grpcclient"
	"github.com/aumos-enterprise/platform/pkg/grpcserver"
	"github.com/aumos-enterprise/platform/pkg/headroom"
	"github.com/aumos-enterprise/platform/pkg/interceptor"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/telemetry"
)

// Prefix begins the name of every setting of the service.
const Prefix = "AUMOS_DRIFT_"

// minMemory lets each of two tenants have one small upload.
const minMemory = 128 << 20

// Config is the settings of the service. Start from Default.
type Config struct {
	config.Deployment
	telemetry.LogConfig

	Server     grpcserver.Config     `envPrefix:"SERVER__"`
	Database   postgres.Config       `envPrefix:"DATABASE__"`
	Auth       auth.Config           `envPrefix:"AUTH__"`
	Keycloak   Keycloak              `envPrefix:"KEYCLOAK__"`
	Governance grpcclient.Config     `envPrefix:"GOVERNANCE__"`
	Evidence   evidence.Config       `envPrefix:"EVIDENCE__"`
	RateLimit  interceptor.RateLimit `envPrefix:"RATE_LIMIT__"`
	Upload     Upload                `envPrefix:"UPLOAD__"`
	Embedding  embedding.Config      `envPrefix:"EMBEDDING__"`
	Telemetry  telemetry.Config      `envPrefix:"TELEMETRY__"`
	Migration  Migration             `envPrefix:"MIGRATION__"`
	Headroom   headroom.Config       `envPrefix:"RUNTIME__"`
}

// Keycloak is how the service gets the tokens with which it calls other services (OAuth 2.0 client credentials).
type Keycloak struct {
	TokenURL     string        `env:"TOKEN_URL" help:"Token endpoint of the identity provider, where the service gets its own tokens."`
	ClientID     string        `env:"CLIENT_ID" help:"The service's client id there."`
	ClientSecret config.Secret `env:"CLIENT_SECRET" help:"The service's client secret there."`
}

// Upload bounds what uploads and runs use.
type Upload struct {
	MemoryBytes    int64         `env:"MEMORY_BYTES" envDefault:"1073741824" help:"Memory that all uploads in progress may hold together, one tenant's half of it; more are refused for the moment."`
	CacheBytes     int64         `env:"CACHE_BYTES" envDefault:"268435456" help:"Memory for baselines that runs compared with lately."`
	Evaluations    int           `env:"EVALUATIONS" envDefault:"0" help:"Uploads that are sorted and compared at the same time, one tenant's half of them; 0: one for each CPU."`
	EvaluationTime time.Duration `env:"EVALUATION_TIME" envDefault:"2m" help:"Longest time that sorting and comparing one upload may take."`
	EvidenceWait   time.Duration `env:"EVIDENCE_WAIT" envDefault:"1s" help:"How long a run waits for its receipt before it answers that the evidence is pending."`
}

// Migration is for the migrate command alone.
type Migration struct {
	AdminURL config.Secret `env:"ADMIN_URL" help:"URL of the drift database for an administrator; only the migrate command reads it."`
}

// Default returns the settings of a development machine, before the environment is read.
func Default() Config {
	var cfg Config
	cfg.Server.Listen = "127.0.0.1:9091"
	cfg.Server.AdminListen = "127.0.0.1:9191"
	cfg.Telemetry.Service = name
	return cfg
}

// Load returns the settings that the environment gives, checked.
func Load(environ []string) (Config, error) {
	cfg := Default()
	if err := config.Load(Prefix, &cfg, environ); err != nil {
		return Config{}, err
	}
	return cfg, nil
}

// Validate returns an error for settings that cannot work, and in production for insecure ones that are not allowed by name.
func (c Config) Validate() error {
	var problems []error
	for _, required := range []struct{ key, value string }{
		{"DATABASE__URL", c.Database.URL.Reveal()},
		{"AUTH__ISSUER", c.Auth.Issuer},
		{"GOVERNANCE__TARGET", c.Governance.Target},
		{"KEYCLOAK__TOKEN_URL", c.Keycloak.TokenURL},
		{"KEYCLOAK__CLIENT_ID", c.Keycloak.ClientID},
		{"KEYCLOAK__CLIENT_SECRET", c.Keycloak.ClientSecret.Reveal()},
	} {
		if required.value == "" {
			problems = append(problems, fmt.Errorf("%s%s is not set", Prefix, required.key))
		}
	}
	if c.Keycloak.TokenURL != "" {
		if u, err := url.Parse(c.Keycloak.TokenURL); err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
			problems = append(problems, fmt.Errorf("%sKEYCLOAK__TOKEN_URL %q is not an http or https URL", Prefix, c.Keycloak.TokenURL))
		}
	}
	if c.Upload.MemoryBytes < minMemory {
		problems = append(problems, fmt.Errorf("%sUPLOAD__MEMORY_BYTES is under 128 MiB: uploads would not fit", Prefix))
	}
	if c.Upload.CacheBytes < 0 || c.Upload.Evaluations < 0 || c.Upload.EvidenceWait < 0 {
		problems = append(problems, errors.New(Prefix+"UPLOAD__: no setting may be negative"))
	}
	if c.Upload.EvaluationTime <= 0 {
		problems = append(problems, fmt.Errorf("%sUPLOAD__EVALUATION_TIME is not positive: nothing could be compared", Prefix))
	}
	if err := c.Embedding.Validate(); err != nil {
		problems = append(problems, err)
	}
	return errors.Join(append(problems, c.Check(c.insecure()...))...)
}

// insecure lists what production refuses unless ALLOW_INSECURE names it.
func (c Config) insecure() []config.InsecureSetting {
	return append(c.LogConfig.InsecureSettings(), []config.InsecureSetting{
		{Name: "plaintext_grpc", On: c.Server.Plaintext(), Why: "the gRPC port has no TLS: tokens and data can be read on the way"},
		{Name: "plaintext_governance", On: c.Governance.Plaintext, Why: "governance is reached without TLS: tokens and evidence can be read and changed on the way"},
		{Name: "plaintext_issuer", On: c.Auth.PlaintextIssuer(), Why: "the token issuer's keys are read without TLS: whoever is on the way can forge tokens"},
		{Name: "plaintext_token_url", On: plaintextURL(c.Keycloak.TokenURL), Why: "the client secret is sent without TLS"},
		{Name: "plaintext_database", On: c.Database.Plaintext(), Why: "the database is reached over a network without TLS"},
		{Name: "privileged_database_role", On: c.Database.AllowPrivilegedRole, Why: "the database role can see past row-level security"},
	}...)
}

func plaintextURL(raw string) bool {
	u, err := url.Parse(raw)
	return err == nil && u.Scheme == "http"
}

// NewLogger returns the logger that the settings ask for.
func NewLogger(w io.Writer, cfg Config) *slog.Logger { return cfg.LogConfig.NewLogger(w, name) }

// evaluations is the number of evaluation slots.
func (c Config) evaluations() int {
	if c.Upload.Evaluations > 0 {
		return c.Upload.Evaluations
	}
	return runtime.GOMAXPROCS(0)
}
