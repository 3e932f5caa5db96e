package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aumos-enterprise/platform/pkg/config"
)

const prefix = "AUMOS_TEST_"

type kafka struct {
	SecurityProtocol string        `env:"SECURITY_PROTOCOL" envDefault:"PLAINTEXT" help:"Protocol to the brokers."`
	Password         config.Secret `env:"PASSWORD" help:"Password at the brokers."`
	TLS              struct {
		CAFile string `env:"CA_FILE" help:"Authorities of the brokers."`
	} `envPrefix:"TLS__"`
}

type settings struct {
	config.Deployment
	Listen  string        `env:"LISTEN" help:"Address to listen on."`
	Debug   bool          `env:"DEBUG" envDefault:"false" help:"Log more."`
	Workers int           `env:"WORKERS" envDefault:"4" help:"Parallel workers."`
	Timeout time.Duration `env:"TIMEOUT" envDefault:"30s" help:"Longest wait."`
	Level   slog.Level    `env:"LEVEL" envDefault:"INFO" help:"Least severe line to log."`
	URL     config.Secret `env:"URL,required" help:"Database URL."`
	Kafka   kafka         `envPrefix:"KAFKA__"`
	Ignored chan int
}

func load(t *testing.T, vars ...string) (settings, error) {
	t.Helper()
	cfg := settings{Listen: ":9190"}
	err := config.Load(prefix, &cfg, append(vars, "PATH=/bin", "AUMOS_OTHER_X=1"))
	return cfg, err
}

func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoad(t *testing.T) {
	t.Parallel()
	cfg, err := load(t, "AUMOS_TEST_URL=postgres://x", "AUMOS_TEST_KAFKA__SECURITY_PROTOCOL=SASL_SSL", "AUMOS_TEST_WORKERS=8", "AUMOS_TEST_LEVEL=debug",
		"AUMOS_TEST_KAFKA__TLS__CA_FILE=/ca.pem", "AUMOS_TEST_ALLOW_INSECURE=debug,plaintext_grpc")
	if err != nil {
		t.Fatal(err)
	}
	want := settings{Listen: ":9190", Workers: 8, Timeout: 30 * time.Second, Level: slog.LevelDebug, URL: "postgres://x"}
	want.AllowInsecure = config.Insecure{"debug", "plaintext_grpc"}
	want.Kafka.SecurityProtocol = "SASL_SSL"
	want.Kafka.TLS.CAFile = "/ca.pem"
	if diff := cmp.Diff(fmt.Sprintf("%+v", want), fmt.Sprintf("%+v", cfg)); diff != "" {
		t.Error(diff)
	}
	if got := cfg.URL.Reveal(); got != "postgres://x" {
		t.Errorf("URL = %q", got)
	}
}

func TestLoadOverridesWhatTheStructHeld(t *testing.T) {
	t.Parallel()
	cfg, err := load(t, "AUMOS_TEST_URL=u", "AUMOS_TEST_LISTEN=:1")
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Listen != ":1" {
		t.Errorf("Listen = %q, want what the environment says", cfg.Listen)
	}
}

func TestLoadReadsSecretFiles(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{"plain": "s3cret", "newline": "s3cret\n", "windows": "s3cret\r\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, err := load(t, "AUMOS_TEST_URL_FILE="+file(t, "u"), "AUMOS_TEST_KAFKA__PASSWORD_FILE="+file(t, content))
			if err != nil {
				t.Fatal(err)
			}
			if got := cfg.Kafka.Password.Reveal(); got != "s3cret" {
				t.Errorf("password = %q", got)
			}
		})
	}
	cfg, err := load(t, "AUMOS_TEST_URL_FILE="+file(t, "two\nlines\n\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got := cfg.URL.Reveal(); got != "two\nlines\n" {
		t.Errorf("URL = %q: only one line ending may be cut", got)
	}
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		vars []string
		want []string
		not  string
	}{
		"required key missing":         {nil, []string{"AUMOS_TEST_URL is required", "database URL"}, ""},
		"required key empty":           {[]string{"AUMOS_TEST_URL="}, []string{"AUMOS_TEST_URL is required"}, ""},
		"unknown key":                  {[]string{"AUMOS_TEST_URL=u", "AUMOS_TEST_WORKER=1"}, []string{"AUMOS_TEST_WORKER is no setting", "AUMOS_TEST_WORKERS"}, ""},
		"level with one underscore":    {[]string{"AUMOS_TEST_URL=u", "AUMOS_TEST_KAFKA_PASSWORD=p4ss"}, []string{"AUMOS_TEST_KAFKA__PASSWORD is the closest"}, "p4ss"},
		"misspelt secret file":         {[]string{"AUMOS_TEST_URL=u", "AUMOS_TEST_KAFKA__PASWORD_FILE=/x"}, []string{"AUMOS_TEST_KAFKA__PASSWORD_FILE is the closest"}, ""},
		"file of a key that is public": {[]string{"AUMOS_TEST_URL=u", "AUMOS_TEST_WORKERS_FILE=/x"}, []string{"AUMOS_TEST_WORKERS is no secret"}, ""},
		"number":                       {[]string{"AUMOS_TEST_URL=u", "AUMOS_TEST_WORKERS=many"}, []string{"AUMOS_TEST_WORKERS", "many", "parallel workers", "int"}, ""},
		"duration":                     {[]string{"AUMOS_TEST_URL=u", "AUMOS_TEST_TIMEOUT=30"}, []string{"AUMOS_TEST_TIMEOUT", "missing unit", "longest wait"}, ""},
		"level":                        {[]string{"AUMOS_TEST_URL=u", "AUMOS_TEST_LEVEL=loud"}, []string{"AUMOS_TEST_LEVEL", "loud"}, ""},
		"secret given twice":           {[]string{"AUMOS_TEST_URL=hidden", "AUMOS_TEST_URL_FILE=/x"}, []string{"AUMOS_TEST_URL and AUMOS_TEST_URL_FILE are both set"}, "hidden"},
		"secret file missing":          {[]string{"AUMOS_TEST_URL_FILE=/no/such"}, []string{"AUMOS_TEST_URL_FILE", "no such file"}, "required"},
		"all problems at once":         {[]string{"AUMOS_TEST_WORKERS=x", "AUMOS_TEST_Q=1"}, []string{"AUMOS_TEST_URL is required", "AUMOS_TEST_WORKERS", "AUMOS_TEST_Q"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := load(t, tc.vars...)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
			if tc.not != "" && strings.Contains(err.Error(), tc.not) {
				t.Errorf("error %q says %q", err, tc.not)
			}
		})
	}
}

func TestLoadRefusesWhatIsNoStruct(t *testing.T) {
	t.Parallel()
	if err := config.Load(prefix, settings{}, nil); err == nil {
		t.Error("no error for a struct that is not pointed to")
	}
}

func TestSecretIsNeverPrinted(t *testing.T) {
	t.Parallel()
	const secret config.Secret = "hunter2"
	holder := struct {
		S config.Secret
		P *config.Secret
		M map[string]config.Secret
		L []config.Secret
	}{secret, new(secret), map[string]config.Secret{"k": secret}, []config.Secret{secret}}
	outputs := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T", "%10s", "%t"} {
		outputs[verb] = fmt.Sprintf(verb, secret)
		outputs["holder "+verb] = fmt.Sprintf(verb, holder)
	}
	outputs["print"] = fmt.Sprint(secret, holder)
	b, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	outputs["json"] = string(b)
	var log bytes.Buffer
	for _, l := range []*slog.Logger{slog.New(slog.NewJSONHandler(&log, nil)), slog.New(slog.NewTextHandler(&log, nil))} {
		l.Info("x", slog.Any("s", secret), slog.Any("h", holder), slog.Group("g", slog.Any("s", secret)))
	}
	outputs["slog"] = log.String()
	outputs["error"] = fmt.Errorf("use %v: %w", secret, os.ErrNotExist).Error()
	for name, out := range outputs {
		for _, leak := range []string{"hunter2", "68756e74657232", "68756E74657232", "104 117"} {
			if strings.Contains(out, leak) {
				t.Errorf("%s prints %q", name, out)
			}
		}
	}
	if got := secret.Reveal(); got != "hunter2" {
		t.Errorf("Reveal() = %q", got)
	}
	if got := fmt.Sprint(config.Secret("")); got != "" {
		t.Errorf("an empty secret prints %q: nobody could tell that it is not set", got)
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	cfg := settings{Listen: ":9190", URL: "postgres://user:pass@host"}
	got, err := config.Describe(prefix, &cfg)
	if err != nil {
		t.Fatal(err)
	}
	want := []config.Key{
		{Name: "AUMOS_TEST_PRODUCTION", Default: "false", Meaning: "Refuse insecure settings unless ALLOW_INSECURE names them."},
		{Name: "AUMOS_TEST_ALLOW_INSECURE", Meaning: "Insecure settings allowed in production, by name, separated by commas."},
		{Name: "AUMOS_TEST_LISTEN", Default: ":9190", Meaning: "Address to listen on."},
		{Name: "AUMOS_TEST_DEBUG", Default: "false", Meaning: "Log more."},
		{Name: "AUMOS_TEST_WORKERS", Default: "4", Meaning: "Parallel workers."},
		{Name: "AUMOS_TEST_TIMEOUT", Default: "30s", Meaning: "Longest wait."},
		{Name: "AUMOS_TEST_LEVEL", Default: "INFO", Meaning: "Least severe line to log."},
		{Name: "AUMOS_TEST_URL", Default: "[redacted]", Meaning: "Database URL.", Required: true, Secret: true},
		{Name: "AUMOS_TEST_KAFKA__SECURITY_PROTOCOL", Default: "PLAINTEXT", Meaning: "Protocol to the brokers."},
		{Name: "AUMOS_TEST_KAFKA__PASSWORD", Meaning: "Password at the brokers.", Secret: true},
		{Name: "AUMOS_TEST_KAFKA__TLS__CA_FILE", Meaning: "Authorities of the brokers."},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	var out bytes.Buffer
	if err := config.Print(&out, got); err != nil {
		t.Fatal(err)
	}
	for _, k := range want {
		if !strings.Contains(out.String(), k.Name+" ") || !strings.Contains(out.String(), k.Meaning) {
			t.Errorf("the table lacks %s:\n%s", k.Name, out.String())
		}
	}
	if strings.Contains(out.String(), "pass@") {
		t.Errorf("the table shows a secret:\n%s", out.String())
	}
}

// What Describe prints as defaults must be what Load makes of an empty environment.
func TestDescribedDefaultsLoad(t *testing.T) {
	t.Parallel()
	plain, err := load(t, "AUMOS_TEST_URL=u")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := config.Describe(prefix, &settings{Listen: ":9190"})
	if err != nil {
		t.Fatal(err)
	}
	vars := []string{"AUMOS_TEST_URL=u"}
	for _, k := range keys {
		if k.Default != "" {
			vars = append(vars, k.Name+"="+k.Default)
		}
	}
	explicit, err := load(t, vars...)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(fmt.Sprintf("%+v", plain), fmt.Sprintf("%+v", explicit)); diff != "" {
		t.Error(diff)
	}
}

func TestUndocumented(t *testing.T) {
	t.Parallel()
	got, err := config.Undocumented(&settings{})
	if err != nil || len(got) != 0 {
		t.Errorf("Undocumented(complete) = %v, %v", got, err)
	}
	type level struct {
		Silent int `env:"SILENT"`
	}
	got, err = config.Undocumented(&struct {
		One level `envPrefix:"ONE_"`
		Two level `envPrefix:"TWO__"`
	}{})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"ONE_SILENT has no help tag", "TWO__SILENT has no help tag", `One: envPrefix "ONE_" does not end in "__"`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDeploymentCheck(t *testing.T) {
	t.Parallel()
	found := []config.InsecureSetting{
		{Name: "debug", On: true, Why: "logs inputs"},
		{Name: "plaintext_grpc", On: true, Why: "tokens travel in the clear"},
		{Name: "dev_issuer", On: false, Why: "anyone gets a token"},
	}
	for name, tc := range map[string]struct {
		d    config.Deployment
		want []string // nothing: no error
	}{
		"development":     {config.Deployment{}, nil},
		"refused":         {config.Deployment{Production: true}, []string{"debug (logs inputs)", "plaintext_grpc (tokens travel in the clear)"}},
		"one allowed":     {config.Deployment{Production: true, AllowInsecure: config.Insecure{"debug"}}, []string{"plaintext_grpc"}},
		"both allowed":    {config.Deployment{Production: true, AllowInsecure: config.Insecure{"debug", "plaintext_grpc"}}, nil},
		"all is no name":  {config.Deployment{Production: true, AllowInsecure: config.Insecure{"all"}}, []string{"names all", "dev_issuer"}},
		"star is no name": {config.Deployment{Production: true, AllowInsecure: config.Insecure{"*"}}, []string{"names *"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := tc.d.Check(found...)
			if (err != nil) != (tc.want != nil) {
				t.Fatalf("Check() = %v", err)
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
			if err != nil && strings.Contains(err.Error(), "dev_issuer (") {
				t.Errorf("error %q lists a setting that is off", err)
			}
		})
	}
}
