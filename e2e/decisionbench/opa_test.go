//go:build linux

package decisionbench_test

import (
	"encoding/json"
	"net/http"
	"os/exec"
	"testing"
	"time"
)

// startOPA runs OPA's server with the sample policy and returns its address and its process id.
func startOPA(b *testing.B, policy string, more ...string) (at string, pid int) {
	b.Helper()
	opa, err := exec.LookPath("opa")
	if err != nil {
		b.Fatalf("%v: run `make bench-decisions`, which installs it", err)
	}
	at = freeAddress(b)
	pid = start(b, nil, opa, append([]string{"run", "--server", "--addr", at, "--log-level", "error", "--disable-telemetry", policy}, more...)...)
	awaitOPA(b, "http://"+at+"/health")
	return at, pid
}

func awaitOPA(b *testing.B, health string) {
	b.Helper()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for deadline := time.Now().Add(30 * time.Second); ; <-again.C {
		req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, health, nil)
		if err != nil {
			b.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return
			}
		}
		if time.Now().After(deadline) {
			b.Fatalf("OPA does not answer: %v", err)
		}
	}
}

// askOPA returns n callers of OPA with a connection each.
func askOPA(b *testing.B, at string, n int) *load {
	b.Helper()
	body, err := json.Marshal(map[string]any{"input": question})
	if err != nil {
		b.Fatal(err)
	}
	return newLoad(b, at, n, n, func() caller { return newHTTPCaller(at, "/v1/data/aumos/retrain", body, opaAllows()) })
}
