package server_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aumos-enterprise/platform/governance/server"
	"github.com/aumos-enterprise/platform/pkg/config"
)

// required is what a development machine has to set.
func required() []string {
	return []string{
		"AUMOS_GOVERNANCE_DATABASE__URL=postgres://aumos_governance_app:pw@localhost/aumos_governance",
		"AUMOS_GOVERNANCE_AUDIT__WRITER__URL=postgres://aumos_audit_writer:pw@localhost/aumos_audit",
		"AUMOS_GOVERNANCE_AUDIT__READER__URL=postgres://aumos_audit_reader:pw@localhost/aumos_audit",
		"AUMOS_GOVERNANCE_AUTH__ISSUER=http://localhost:9080",
	}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	keys := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(keys, []byte("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := server.Load(append(required(),
		"AUMOS_GOVERNANCE_DEBUG=true",
		"AUMOS_GOVERNANCE_SERVER__LISTEN=:9000",
		"AUMOS_GOVERNANCE_AUDIT__SIGNING_KEYS_FILE="+keys,
		"AUMOS_GOVERNANCE_AUDIT__WRITER__MAX_CONNS=3",
		"AUMOS_GOVERNANCE_EVALUATION__DEADLINE=50ms",
	))
	if err != nil {
		t.Fatal(err)
	}
	if err := cfg.Validate(); err != nil {
		t.Errorf("validate: %v", err)
	}
	if !cfg.Debug || cfg.Server.Listen != ":9000" || cfg.Server.AdminListen != "127.0.0.1:9190" || cfg.Audit.Writer.MaxConns != 3 ||
		cfg.Audit.Reader.MaxConns != 16 || cfg.Evaluation.Deadline != 50*time.Millisecond || cfg.Evaluation.CompileDeadline != 2*time.Second ||
		!strings.HasPrefix(cfg.Audit.SigningKeys.Reveal(), "AAEC") || cfg.Audit.Reader.URL.Reveal() == "" || cfg.Audit.HeadsDir == "" {
		t.Errorf("got %+v", cfg)
	}
}

func TestLoadRefusesUnknownKeys(t *testing.T) {
	t.Parallel()
	_, err := server.Load(append(required(), "AUMOS_GOVERNANCE_AUDIT__WRITER_URL=x", "AUMOS_GOVERNANCE_DEBUGG=true"))
	for _, key := range []string{"AUMOS_GOVERNANCE_AUDIT__WRITER_URL is no setting: AUMOS_GOVERNANCE_AUDIT__WRITER__URL", "AUMOS_GOVERNANCE_DEBUGG is no setting"} {
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("got %v, want it to say %q", err, key)
		}
	}
}

func TestEverySettingIsDocumented(t *testing.T) {
	t.Parallel()
	cfg := server.Default()
	wrong, err := config.Undocumented(&cfg)
	if err != nil || len(wrong) > 0 {
		t.Errorf("got %q, %v", wrong, err)
	}
	keys, err := config.Describe(server.Prefix, &cfg)
	if err != nil {
		t.Fatal(err)
	}
	listed := make(map[string]bool, len(keys))
	for _, k := range keys {
		if listed[k.Name] {
			t.Errorf("%s is two settings", k.Name)
		}
		listed[k.Name] = true
	}
	for _, setting := range required() {
		if key, _, _ := strings.Cut(setting, "="); !listed[key] {
			t.Errorf("%s is not listed", key)
		}
	}
}

func TestValidateNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	err := server.Default().Validate()
	for _, setting := range required() {
		if key, _, _ := strings.Cut(setting, "="); err == nil || !strings.Contains(err.Error(), key+" is not set") {
			t.Errorf("got %v, want it to name %s", err, key)
		}
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		set  string
		want string
	}{
		{"AUDIT__SIGNING_KEYS=short", "AUMOS_GOVERNANCE_AUDIT__"},
		{"AUDIT__ORIGIN_PREFIX=has space/log", "AUMOS_GOVERNANCE_AUDIT__"},
		{"EVALUATION__SLOTS=-1", "AUMOS_GOVERNANCE_EVALUATION__"},
		{"DECISION__VERSION_BYTES=-1", "AUMOS_GOVERNANCE_DECISION__"},
		{"DECISION__NAMES_AFTER=-1h", "AUMOS_GOVERNANCE_DECISION__"},
		{"POLICY__MAX_VERSIONS=-1", "AUMOS_GOVERNANCE_POLICY__"},
		{"INPUTS__KEY=c2hvcnQ=", "AUMOS_GOVERNANCE_INPUTS__KEY"},
		{"KAFKA__BROKERS=kafka-1:9092,kafka-2:9092", ""},
		{"ALLOW_INSECURE=anything", ""}, // judged in production alone
	} {
		cfg, err := server.Load(append(required(), server.Prefix+c.set))
		if err != nil {
			t.Fatal(err)
		}
		err = cfg.Validate()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %v, want %q", c.set, err, c.want)
		}
	}
}

func TestValidateInProduction(t *testing.T) {
	t.Parallel()
	sound := map[string]string{
		"PRODUCTION":                  "true",
		"DATABASE__URL":               "postgres://aumos_governance_app:pw@db.example/aumos_governance?sslmode=verify-full",
		"AUDIT__WRITER__URL":          "postgres://aumos_audit_writer:pw@wall.example/aumos_audit?sslmode=verify-full",
		"AUDIT__READER__URL":          "postgres://aumos_audit_reader:pw@wall.example/aumos_audit?sslmode=verify-full",
		"AUDIT__SIGNING_KEYS":         "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
		"AUDIT__ORIGIN_PREFIX":        "audit.example.com/log",
		"AUDIT__HEADS_DIR":            "/var/lib/aumos/heads",
		"AUTH__ISSUER":                "https://issuer.example",
		"SERVER__TLS__CERT_FILE":      "/etc/aumos/tls.crt",
		"SERVER__TLS__KEY_FILE":       "/etc/aumos/tls.key",
		"DATABASE__STATEMENT_TIMEOUT": "10s",
	}
	for _, c := range []struct {
		name string
		set  map[string]string
		want string // "": accepted
	}{
		{"sound", nil, ""},
		{"debug", map[string]string{"DEBUG": "true"}, "debug ("},
		{"no TLS", map[string]string{"SERVER__TLS__CERT_FILE": "", "SERVER__TLS__KEY_FILE": ""}, "plaintext_grpc"},
		{"no TLS, allowed", map[string]string{"SERVER__TLS__CERT_FILE": "", "SERVER__TLS__KEY_FILE": "", "ALLOW_INSECURE": "plaintext_grpc"}, ""},
		{"development issuer", map[string]string{"AUTH__ISSUER": "http://issuer.example"}, "plaintext_issuer"},
		{"database without TLS", map[string]string{"DATABASE__URL": "postgres://r@db.example/d?sslmode=disable"}, "plaintext_database"},
		{"wall without TLS to read", map[string]string{"AUDIT__READER__URL": "postgres://r@db.example/d?sslmode=prefer"}, "plaintext_audit_database"},
		{"wall without TLS to write", map[string]string{"AUDIT__WRITER__URL": "postgres://r@db.example/d?sslmode=prefer"}, "plaintext_audit_database"},
		{"privileged role", map[string]string{"AUDIT__WRITER__ALLOW_PRIVILEGED_ROLE": "true"}, "privileged_database_role"},
		{"a signing key of its own making", map[string]string{"AUDIT__SIGNING_KEYS": ""}, "generated_audit_key"},
		{"that is allowed", map[string]string{"AUDIT__SIGNING_KEYS": "", "ALLOW_INSECURE": "generated_audit_key,audit_same_server"}, ""},
		{"a name that is none", map[string]string{"ALLOW_INSECURE": "everything"}, "ALLOW_INSECURE names everything"},
		{"a development origin", map[string]string{"AUDIT__ORIGIN_PREFIX": "audit.localhost/log"}, "AUDIT__ORIGIN_PREFIX is not set"},
		{"heads in the working directory", map[string]string{"AUDIT__HEADS_DIR": "heads"}, "AUDIT__HEADS_DIR"},
		{"a checkpoint log in the working directory", map[string]string{"AUDIT__CHECKPOINT_LOG": "checkpoints.log"}, "AUDIT__CHECKPOINT_LOG"},
		{"Kafka without TLS", map[string]string{"KAFKA__BROKERS": "kafka:9092"}, "plaintext_kafka"},
		{"Kafka with TLS", map[string]string{"KAFKA__BROKERS": "kafka:9093", "KAFKA__SECURITY_PROTOCOL": "SSL"}, ""},
		{"Kafka with a password for nobody", map[string]string{"KAFKA__BROKERS": "kafka:9093", "KAFKA__SECURITY_PROTOCOL": "SSL", "KAFKA__SASL_PASSWORD": "x"}, "no effect"},
	} {
		var environ []string
		for key, value := range sound {
			if changed, ok := c.set[key]; ok {
				value = changed
			}
			environ = append(environ, server.Prefix+key+"="+value)
		}
		for key, value := range c.set {
			if _, ok := sound[key]; !ok {
				environ = append(environ, server.Prefix+key+"="+value)
			}
		}
		cfg, err := server.Load(environ)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		err = cfg.Validate()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}
