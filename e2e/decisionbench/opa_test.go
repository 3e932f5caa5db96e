package decisionbench_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"testing"
	"time"
)

// startOPA runs OPA's server with the sample policy and returns the address of the policy's answers, and its process id.
func startOPA(b *testing.B, policy string, more ...string) (url string, pid int) {
	b.Helper()
	opa, err := exec.LookPath("opa")
	if err != nil {
		b.Fatalf("%v: run `make bench-decisions`, which installs it", err)
	}
	at := freeAddress(b)
	pid = start(b, nil, opa, append([]string{"run", "--server", "--addr", at, "--log-level", "error", "--disable-telemetry", policy}, more...)...)
	awaitOPA(b, "http://"+at+"/health")
	return "http://" + at + "/v1/data/aumos/retrain", pid
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

// opaConnections returns n connections to OPA.
func opaConnections(b *testing.B, url string, n int) []ask {
	b.Helper()
	body, err := json.Marshal(map[string]any{"input": question})
	if err != nil {
		b.Fatal(err)
	}
	connections := make([]ask, n)
	for i := range connections {
		transport := &http.Transport{MaxConnsPerHost: 1, MaxIdleConnsPerHost: 1, DisableCompression: true}
		b.Cleanup(transport.CloseIdleConnections)
		client := &http.Client{Transport: transport}
		var answer bytes.Buffer
		connections[i] = func() error {
			req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, url, bytes.NewReader(body))
			if err != nil {
				return err
			}
			req.Header.Set("Content-Type", "application/json")
			res, err := client.Do(req)
			if err != nil {
				return err
			}
			answer.Reset()
			_, err = io.Copy(&answer, res.Body)
			if err := errors.Join(err, res.Body.Close()); err != nil {
				return err
			}
			if !bytes.Contains(answer.Bytes(), []byte(`"allow":true`)) {
				return fmt.Errorf("OPA answers %s", answer.Bytes())
			}
			return nil
		}
	}
	return connections
}
