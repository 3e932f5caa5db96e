package opatest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience bounds every wait: it is only used up when something is wrong.
const patience = 60 * time.Second

// Server is a running OPA.
type Server struct {
	t      testing.TB
	client *http.Client
	log    *lines
}

// Run starts `opa run --server` with the configuration, JSON or YAML, and waits until it listens. It stops with the test.
func Run(t testing.TB, configuration string) *Server {
	t.Helper()
	file := filepath.Join(t.TempDir(), "opa.yaml")
	if err := os.WriteFile(file, []byte(configuration), 0o600); err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "opa-") //nolint:usetesting // the test's own directory may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, "socket")
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	cmd := exec.CommandContext(ctx, Binary(t), "run", "--server", "--addr", "unix://"+socket, "--config-file", file, "--log-level", "debug", "--skip-version-check")
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}
	s := &Server{t: t, client: &http.Client{Transport: transport}, log: &lines{grown: make(chan struct{})}}
	pipe, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	go func() { s.log.read(pipe); close(read) }()
	t.Cleanup(func() {
		cancel()
		<-read
		_ = cmd.Wait() // killed
		transport.CloseIdleConnections()
		_ = os.RemoveAll(dir)
	})
	s.Await(`"Server initialized."`)
	s.log.rewind() // a bundle may have been loaded before
	return s
}

// Await waits until OPA has logged a line that contains the text, after what was awaited before, and returns the line.
func (s *Server) Await(text string) string {
	s.t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		line, grown := s.log.next(text)
		if line != "" {
			return line
		}
		select {
		case <-grown:
		case <-timer.C:
			s.t.Fatalf("OPA does not say %s; it says\n%s", text, s.log.last(40))
		}
	}
}

// Ask evaluates a document, whose path is its words, with strict errors of builtins, and returns its value; nil when it is undefined. failed is whether the
// evaluation ended with an error.
func (s *Server) Ask(input any, path ...string) (value any, failed bool) {
	s.t.Helper()
	body, err := json.Marshal(map[string]any{"input": input})
	if err != nil {
		s.t.Fatal(err)
	}
	escaped := make([]string, len(path))
	for i, word := range path {
		escaped[i] = url.PathEscape(word)
	}
	at := "http://opa/v1/data/" + strings.Join(escaped, "/") + "?strict-builtin-errors=true"
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, at, bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	res, err := s.client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	said, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if res.StatusCode == http.StatusInternalServerError && bytes.Contains(said, []byte(`"internal_error"`)) {
		return nil, true
	}
	var answer struct {
		Result any `json:"result"`
	}
	if err := json.Unmarshal(said, &answer); err != nil || res.StatusCode != http.StatusOK {
		s.t.Fatalf("OPA answers %s: %s (%v)", res.Status, said, err)
	}
	return answer.Result, false
}

// lines are what a process has written.
type lines struct {
	mu    sync.Mutex
	text  []string      // guarded by mu
	at    int           // how many have been awaited; guarded by mu
	grown chan struct{} // closed when there are more; guarded by mu
}

func (l *lines) read(from io.Reader) {
	scanner := bufio.NewScanner(from)
	scanner.Buffer(nil, 16<<20) // status reports and bodies of requests
	for scanner.Scan() {
		l.mu.Lock()
		l.text = append(l.text, scanner.Text())
		close(l.grown)
		l.grown = make(chan struct{})
		l.mu.Unlock()
	}
}

// next returns the next line that contains the text, or what to wait for.
func (l *lines) next(text string) (string, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := l.at; i < len(l.text); i++ {
		if strings.Contains(l.text[i], text) {
			l.at = i + 1
			return l.text[i], nil
		}
	}
	return "", l.grown
}

// rewind makes everything that was written count as not yet awaited.
func (l *lines) rewind() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.at = 0
}

// last returns the last lines.
func (l *lines) last(n int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.text[max(0, len(l.text)-n):], "\n")
}
