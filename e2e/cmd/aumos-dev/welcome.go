package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/template"
	"time"

	"github.com/aumos-enterprise/platform/e2e/internal/stack"
	"github.com/aumos-enterprise/platform/pkg/postgres"
)

// welcome loads the samples the first time and prints what to try.
func (o options) welcome(ctx context.Context, st state, s *stack.Stack, up services, stdout io.Writer, started time.Time) error {
	profiles, names := make(map[string]profile), make([]string, 0, len(people()))
	for _, p := range people() {
		names = append(names, p.id)
		profiles[p.id] = profile{
			Governance: up.governance.GRPC, Drift: up.drift.GRPC, TokenURL: s.TokenURL(),
			ClientID: p.id, ClientSecretFile: filepath.Join("secrets", p.id),
		}
	}
	config, current := st.path("aumosctl.json"), people()[0].id
	if err := writeProfiles(config, current, profiles); err != nil {
		return err
	}
	if err := os.WriteFile(st.path("wall-url"), []byte(s.Postgres.URL(postgres.DatabaseAudit, postgres.RoleAuditReader)+"\n"), 0o600); err != nil {
		return fmt.Errorf("keep the wall's URL: %w", err)
	}
	if !o.noSamples && !st.marked("samples-loaded") {
		if err := o.loadSamples(ctx, config); err != nil {
			return err
		}
		if err := st.mark("samples-loaded"); err != nil {
			return err
		}
	}
	return message().Execute(stdout, map[string]any{
		"Seconds": fmt.Sprintf("%.1f", time.Since(started).Seconds()), "State": string(st), "Governance": up.governance, "Drift": up.drift,
		"Issuer": s.Issuer.URL(), "Config": config, "Aumosctl": o.aumosctl, "Examples": o.examples,
		"People": strings.Join(names, ", "), "Current": current,
	})
}

func message() *template.Template {
	return template.Must(template.New("welcome").Parse(`
ready in {{.Seconds}} s (stop with Ctrl-C; state is kept in {{.State}})

  governance  {{.Governance.GRPC}}   metrics, readiness: http://{{.Governance.Admin}}
  drift       {{.Drift.GRPC}}   metrics, readiness: http://{{.Drift.Admin}}
  bundles     http://{{.Governance.Bundles}}   for OPA's own servers, see below
  tokens      {{.Issuer}}
  people      {{.People}} (aumosctl --profile NAME; {{.Current}} may do everything)

Paste into another terminal:

  export AUMOSCTL_CONFIG="{{.Config}}"
  {{.Aumosctl}} audit list
  {{.Aumosctl}} drift detect --baseline {{.Examples}}/flights/winter.csv --current {{.Examples}}/flights/summer.csv
  {{.Aumosctl}} policy show retrain
  {{.Aumosctl}} policy test {{.Examples}}/policies --coverage
  {{.Aumosctl}} token --profile operator > token.txt
  {{.Aumosctl}} policy bundle config --url http://{{.Governance.Bundles}} --sidecar dev-1 --token-file token.txt > opa.json
  {{.Aumosctl}} audit keys --platform --out platform.vkey
  {{.Aumosctl}} audit verify --database "$(cat "{{.State}}/wall-url")" --all --key platform.vkey

  TOKEN=$({{.Aumosctl}} token)
  .bin/grpcurl -plaintext -H "authorization: Bearer $TOKEN" {{.Governance.GRPC}} list
  .bin/grpcurl -plaintext -H "authorization: Bearer $TOKEN" {{.Governance.GRPC}} describe aumos.governance.v1.DecisionService
  .bin/grpcurl -plaintext -H "authorization: Bearer $TOKEN" \
    -d '{"decision_point": "drift.retrain", "input": {"detection": {"status": "DRIFT_STATUS_OK"}}}' \
    {{.Governance.GRPC}} aumos.governance.v1.DecisionService/Evaluate

`))
}

// loadSamples gives the demo tenant a policy, a model and two detections, through the same command that its people use.
func (o options) loadSamples(ctx context.Context, config string) error {
	flights := filepath.Join(o.examples, "flights")
	for _, args := range [][]string{
		{"policy", "push", filepath.Join(o.examples, "policies"), "--submit"},
		{"policy", "test", "--policy", "retrain"},
		{"policy", "approve", "--name", "retrain", "--profile", "approver"}, // whoever has written a version cannot
		{"policy", "activate", "--name", "retrain"},
		{"drift", "detect", "--baseline", filepath.Join(flights, "winter.csv"), "--current", filepath.Join(flights, "winter_control.csv")},
		{"drift", "detect", "--baseline", filepath.Join(flights, "winter.csv"), "--current", filepath.Join(flights, "summer.csv")},
	} {
		cmd := exec.CommandContext(ctx, o.aumosctl, append([]string{"--config", config}, args...)...)
		var output bytes.Buffer
		cmd.Stdout, cmd.Stderr = &output, &output
		err := cmd.Run()
		if code := cmd.ProcessState; err != nil && (code == nil || code.ExitCode() != 1) { // 1 says that there is drift
			return fmt.Errorf("load samples: %s: %w\n%s", cmd, err, output.String())
		}
	}
	return nil
}
