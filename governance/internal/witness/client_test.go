package witness_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/aumos-enterprise/platform/governance/internal/witness"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
)

const origin = "audit.example.com/log/platform"

func key(t testing.TB, seed byte) auditlog.CosigningKey {
	t.Helper()
	k, err := auditlog.NewCosigningKey("witness.example.com/w", bytes.Repeat([]byte{seed}, ed25519.SeedSize))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func head(t testing.TB, size int64) string {
	t.Helper()
	keys, err := auditlog.ParseSigningKeys("BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=")
	if err != nil {
		t.Fatal(err)
	}
	signed, _, err := auditlog.Checkpoint{Origin: origin, Size: size}.Sign(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func cosign(t testing.TB, k auditlog.CosigningKey, signed string, at time.Time) string {
	t.Helper()
	line, err := k.Cosign(signed, at)
	if err != nil {
		t.Fatal(err)
	}
	return line
}

// newClient returns a client of a witness that answers with a handler.
func newClient(t testing.TB, handler http.HandlerFunc) *witness.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	client, err := witness.NewClient(auditlog.PolicyWitness{Name: "w", Key: key(t, 1).WitnessKey, URL: server.URL + "/prefix/"}, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func TestAddCheckpointRequest(t *testing.T) {
	t.Parallel()
	signed := head(t, 9)
	line := cosign(t, key(t, 1), signed, time.Unix(1700000000, 0))
	requests := make(chan string, 2)
	client := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		requests <- r.Method + " " + r.URL.Path + "\n" + string(body)
		// The second is by a key that the policy does not know.
		fmt.Fprint(w, cosign(t, key(t, 2), signed, time.Unix(1700000000, 0))+line)
	})
	got, err := client.AddCheckpoint(t.Context(), 5, []tlog.Hash{{1}, {2}}, signed)
	if err != nil {
		t.Fatal(err)
	}
	if got.Line+"\n" != line || got.Time.Unix() != 1700000000 || got.Key.VKey() != key(t, 1).VKey() {
		t.Errorf("AddCheckpoint: %+v", got)
	}
	want := "POST /prefix/add-checkpoint\nold 5\nAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n" +
		"AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n" + signed
	if got := <-requests; got != want {
		t.Errorf("the request:\n%s\nwant:\n%s", got, want)
	}
	if _, err := client.AddCheckpoint(t.Context(), 0, nil, signed); err != nil {
		t.Fatal(err)
	}
	if got := <-requests; got != "POST /prefix/add-checkpoint\nold 0\n\n"+signed {
		t.Errorf("the first request of a log:\n%s", got)
	}
	if _, err := client.AddCheckpoint(t.Context(), 1, make([]tlog.Hash, 64), signed); err == nil {
		t.Error("a proof of 64 hashes was sent")
	}
}

func TestAddCheckpointRefusals(t *testing.T) {
	t.Parallel()
	answer := func(status int, contentType, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	signed := head(t, 9)
	now := time.Now()
	for name, tt := range map[string]struct {
		handler http.HandlerFunc
		is      error
		size    int64 // of a *witness.SizeError, else 0
		says    string
	}{
		"another size":         {handler: answer(409, "text/x.tlog.size", "42\n"), size: 42},
		"with parameters":      {handler: answer(409, "text/x.tlog.size; charset=utf-8", "42\n"), size: 42},
		"size with sign":       {handler: answer(409, "text/x.tlog.size", "+42\n"), says: "not a number"},
		"size with zeros":      {handler: answer(409, "text/x.tlog.size", "042\n"), says: "not a number"},
		"negative size":        {handler: answer(409, "text/x.tlog.size", "-1\n"), says: "not a number"},
		"no size":              {handler: answer(409, "text/x.tlog.size", "\n"), says: "not a number"},
		"a conflict in HTML":   {handler: answer(409, "text/html", "42\n"), says: "without the size"},
		"another root":         {handler: answer(409, "", ""), is: witness.ErrInconsistent},
		"bad proof":            {handler: answer(422, "", ""), is: witness.ErrInconsistent},
		"unknown log":          {handler: answer(404, "", ""), is: witness.ErrUnknownLog},
		"unknown key":          {handler: answer(403, "", ""), is: witness.ErrUnknownKey},
		"bad request":          {handler: answer(400, "", ""), says: "400 Bad Request"},
		"too busy":             {handler: answer(429, "", ""), says: "429 Too Many Requests"},
		"broken":               {handler: answer(500, "", ""), says: "500 Internal Server Error"},
		"empty":                {handler: answer(200, "", ""), says: "no signature line"},
		"no lines":             {handler: answer(200, "", "<html>"), says: "no signature line"},
		"endless":              {handler: answer(200, "", strings.Repeat("x", 1<<20)), says: "more than 65536 bytes"},
		"of a stranger":        {handler: answer(200, "", cosign(t, key(t, 2), signed, now)), says: "no signature by"},
		"of another head":      {handler: answer(200, "", cosign(t, key(t, 1), head(t, 8), now)), is: auditlog.ErrBadSignature},
		"without time":         {handler: answer(200, "", cosign(t, key(t, 1), signed, time.Unix(0, 0))), says: "1970"},
		"of tomorrow":          {handler: answer(200, "", cosign(t, key(t, 1), signed, now.Add(24*time.Hour))), says: "says it signed at"},
		"a whole note":         {handler: answer(200, "", signed), says: "no signature line"},
		"somewhere else":       {handler: http.RedirectHandler("/elsewhere", http.StatusTemporaryRedirect).ServeHTTP, says: "307"},
		"a dropped connection": {handler: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, says: "EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := newClient(t, tt.handler).AddCheckpoint(t.Context(), 5, []tlog.Hash{{1}}, signed)
			var size *witness.SizeError
			switch {
			case err == nil:
				t.Fatalf("no error: %+v", got)
			case tt.is != nil && !errors.Is(err, tt.is):
				t.Errorf("%v, want %v", err, tt.is)
			case errors.As(err, &size) != (tt.size != 0) || tt.size != 0 && size.Size != tt.size:
				t.Errorf("%v, want size %d", err, tt.size)
			case !strings.Contains(err.Error(), tt.says):
				t.Errorf("%v, want %q", err, tt.says)
			}
		})
	}
}

// A redirect is not followed: the request would carry the head to, and take the alarm from, an address that nobody chose.
func TestAddCheckpointFollowsNoRedirect(t *testing.T) {
	t.Parallel()
	client := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/elsewhere" {
			t.Error("the redirect was followed")
		}
		http.Redirect(w, r, "/elsewhere", http.StatusPermanentRedirect)
	})
	if _, err := client.AddCheckpoint(t.Context(), 0, nil, head(t, 1)); err == nil {
		t.Error("no error")
	}
}

// Who cannot show a certificate for the witness's name is not believed, not even a refusal.
func TestAddCheckpointChecksCertificates(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnprocessableEntity) }))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	client, err := witness.NewClient(auditlog.PolicyWitness{Name: "w", Key: key(t, 1).WitnessKey, URL: server.URL}, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	_, err = client.AddCheckpoint(t.Context(), 0, nil, head(t, 1))
	if err == nil || errors.Is(err, witness.ErrInconsistent) || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("from a server without a good certificate: %v", err)
	}
}

func TestAddCheckpointTimesOut(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(release) })
	client, err := witness.NewClient(auditlog.PolicyWitness{Name: "w", Key: key(t, 1).WitnessKey, URL: server.URL}, 20*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	if _, err := client.AddCheckpoint(t.Context(), 0, nil, head(t, 1)); err == nil || !strings.Contains(err.Error(), "Timeout") {
		t.Errorf("from a silent witness: %v", err)
	}
}

func TestNewClientURLs(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]bool{
		"https://witness.example.com":         true,
		"https://witness.example.com/w1/":     true,
		"http://127.0.0.1:8080":               true,
		"http://[::1]:8080":                   true,
		"http://localhost:8080":               true,
		"http://witness.example.com":          false,
		"http://127.0.0.1.example.com":        false,
		"https://user:pw@witness.example.com": false,
		"https://witness.example.com/?x=1":    false,
		"https://witness.example.com/#x":      false,
		"ftp://witness.example.com":           false,
		"witness.example.com":                 false,
		"https:///add":                        false,
		"https://[":                           false,
		"":                                    false,
	} {
		_, err := witness.NewClient(auditlog.PolicyWitness{Name: "w", URL: url}, time.Second)
		if (err == nil) != want {
			t.Errorf("%q: %v", url, err)
		}
		if err != nil && strings.Contains(err.Error(), "pw") {
			t.Errorf("the password is in %q", err)
		}
	}
}

// FuzzAddCheckpointAnswer: whatever a witness answers, what is taken for its cosignature is one.
func FuzzAddCheckpointAnswer(f *testing.F) {
	signed := head(f, 9)
	line := cosign(f, key(f, 1), signed, time.Unix(1700000000, 0))
	f.Add(200, "", line)
	f.Add(409, "text/x.tlog.size", "42\n")
	f.Add(422, "", "")
	type response struct {
		status            int
		contentType, body string
	}
	var answer response
	client := newClient(f, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", answer.contentType)
		w.WriteHeader(answer.status)
		_, _ = io.WriteString(w, answer.body)
	})
	f.Fuzz(func(t *testing.T, status int, contentType, body string) {
		if status < 200 || status > 999 {
			return
		}
		answer = response{status, contentType, body}
		got, err := client.AddCheckpoint(t.Context(), 5, []tlog.Hash{{1}}, signed)
		var size *witness.SizeError
		switch {
		case errors.As(err, &size) && (size.Size < 0 || status != 409):
			t.Fatalf("size %d of %d %q", size.Size, status, body)
		case err != nil:
			return
		}
		merged, err := auditlog.AddSignatures(signed, got.Line)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := auditlog.Cosignatures(merged, key(t, 1).WitnessKey); err != nil || len(again) != 1 {
			t.Fatalf("%q is no cosignature: %v", got.Line, err)
		}
	})
}
