package server_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aumos-enterprise/platform/drift/server"
	"github.com/aumos-enterprise/platform/pkg/config"
)

func complete(more ...string) []string {
	return append([]string{
		"AUMOS_DRIFT_DATABASE__URL=postgres://aumos_drift_app:pw@db.example/aumos_drift?sslmode=verify-full",
		"AUMOS_DRIFT_AUTH__ISSUER=https://id.example/realms/aumos",
		"AUMOS_DRIFT_GOVERNANCE__TARGET=governance.example:9090",
		"AUMOS_DRIFT_KEYCLOAK__TOKEN_URL=https://id.example/token",
		"AUMOS_DRIFT_KEYCLOAK__CLIENT_ID=drift",
		"AUMOS_DRIFT_KEYCLOAK__CLIENT_SECRET=s3cret",
		"PATH=/bin",
	}, more...)
}

func TestSettings(t *testing.T) {
	t.Parallel()
	cfg := server.Default()
	if wrong, err := config.Undocumented(&cfg); err != nil || len(wrong) != 0 {
		t.Errorf("%q, %v", wrong, err)
	}
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("from a file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tls := []string{"AUMOS_DRIFT_PRODUCTION=true", "AUMOS_DRIFT_SERVER__TLS__CERT_FILE=c", "AUMOS_DRIFT_SERVER__TLS__KEY_FILE=k"}
	for _, test := range []struct {
		name    string
		environ []string
		want    string // part of the error; empty: none
	}{
		{"complete", complete(), ""},
		{"nothing", nil, "AUMOS_DRIFT_DATABASE__URL is not set"},
		{"unknown key", complete("AUMOS_DRIFT_DATABSE__URL=x"), "AUMOS_DRIFT_DATABSE__URL is no setting"},
		{"token endpoint no URL", complete("AUMOS_DRIFT_KEYCLOAK__TOKEN_URL=id.example"), "is not an http or https URL"},
		{"too little memory", complete("AUMOS_DRIFT_UPLOAD__MEMORY_BYTES=1"), "128 MiB"},
		{"negative", complete("AUMOS_DRIFT_UPLOAD__EVALUATIONS=-1"), "negative"},
		{"no time", complete("AUMOS_DRIFT_UPLOAD__EVALUATION_TIME=0s"), "EVALUATION_TIME is not positive"},
		{"embedding", complete("AUMOS_DRIFT_EMBEDDING__URL=https://e.example/v1/embeddings", "AUMOS_DRIFT_EMBEDDING__MODEL=m", "AUMOS_DRIFT_EMBEDDING__TOKEN=s3cret"), ""},
		{"embedding without TLS", complete("AUMOS_DRIFT_EMBEDDING__URL=http://e.example/v1/embeddings", "AUMOS_DRIFT_EMBEDDING__MODEL=m"), "AUMOS_DRIFT_EMBEDDING__URL is not an https address"},
		{"embedding with a password", complete("AUMOS_DRIFT_EMBEDDING__URL=https://a:s3cret@e.example/", "AUMOS_DRIFT_EMBEDDING__MODEL=m"), "AUMOS_DRIFT_EMBEDDING__URL is not an https address"},
		{"embedding without a model", complete("AUMOS_DRIFT_EMBEDDING__URL=https://e.example/v1/embeddings"), "AUMOS_DRIFT_EMBEDDING__MODEL is not set"},
		{"no embedding at a time", complete("AUMOS_DRIFT_EMBEDDING__URL=https://e.example/", "AUMOS_DRIFT_EMBEDDING__MODEL=m", "AUMOS_DRIFT_EMBEDDING__COMPARISONS=0"), "COMPARISONS of 0"},
		{"production", complete(tls...), ""},
		{"production without TLS", complete("AUMOS_DRIFT_PRODUCTION=true"), "plaintext_grpc"},
		{"production without TLS, allowed", complete("AUMOS_DRIFT_PRODUCTION=true", "AUMOS_DRIFT_ALLOW_INSECURE=plaintext_grpc"), ""},
		{"production with debug", complete(append(tls, "AUMOS_DRIFT_DEBUG=true")...), "debug"},
		{"production, plaintext governance", complete(append(tls, "AUMOS_DRIFT_GOVERNANCE__PLAINTEXT=true")...), "plaintext_governance"},
		{"production, plaintext issuer", complete(append(tls, "AUMOS_DRIFT_AUTH__ISSUER=http://id.example")...), "plaintext_issuer"},
		{"production, plaintext token endpoint", complete(append(tls, "AUMOS_DRIFT_KEYCLOAK__TOKEN_URL=http://id.example/token")...), "plaintext_token_url"},
		{"production, plaintext database", complete(append(tls, "AUMOS_DRIFT_DATABASE__URL=postgres://a:b@db.example/d?sslmode=disable")...), "plaintext_database"},
		{"production, database that may be plaintext", complete(append(tls, "AUMOS_DRIFT_DATABASE__URL=postgres://a:b@db.example/d?sslmode=prefer")...), "plaintext_database"},
		{"production, database over a socket", complete(append(tls, "AUMOS_DRIFT_DATABASE__URL=postgres:///d?host=/run/postgresql&user=a")...), ""},
		{"production, privileged role", complete(append(tls, "AUMOS_DRIFT_DATABASE__ALLOW_PRIVILEGED_ROLE=true")...), "privileged_database_role"},
		{"allowed by a wrong name", complete("AUMOS_DRIFT_PRODUCTION=true", "AUMOS_DRIFT_ALLOW_INSECURE=everything"), "everything"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			cfg, err := server.Load(test.environ)
			if err == nil {
				err = cfg.Validate()
			}
			switch {
			case test.want == "" && err != nil:
				t.Errorf("got %v", err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("got %v, want %q", err, test.want)
			}
			if err != nil && (strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), ":pw@")) {
				t.Errorf("the error tells a secret: %v", err)
			}
		})
	}
	environ := complete("AUMOS_DRIFT_KEYCLOAK__CLIENT_SECRET_FILE="+file, "AUMOS_DRIFT_EMBEDDING__TOKEN_FILE="+file)
	environ[5] = ""
	cfg, err := server.Load(environ)
	if err != nil || cfg.Keycloak.ClientSecret.Reveal() != "from a file" || cfg.Embedding.Token.Reveal() != "from a file" {
		t.Errorf("got %q, %q, %v", cfg.Keycloak.ClientSecret.Reveal(), cfg.Embedding.Token.Reveal(), err)
	}
}
