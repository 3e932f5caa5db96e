package embedding_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aumos-enterprise/platform/drift/internal/embedding"
	"github.com/aumos-enterprise/platform/pkg/porttest"
)

const token = "very-secret-token"

// serve starts a service on the loopback interface and returns a client of it.
func serve(t *testing.T, timeout time.Duration, handler http.HandlerFunc) *embedding.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	c, err := embedding.NewClient(embedding.Config{
		URL: server.URL + "/v1/embeddings", Model: "m", Token: token, Timeout: timeout, TextsTimeout: time.Minute, Comparisons: 1,
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// room is memory without end.
func room(int64) error { return nil }

// embed answers with the length of each text and its first byte, in reverse order.
func embed(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Model  string
		Input  []string
		Format string `json:"encoding_format"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.Model != "m" || in.Format != "float" || r.Method != http.MethodPost ||
		r.URL.Path != "/v1/embeddings" || r.Header.Get("Authorization") != "Bearer "+token || r.Header.Get("Content-Type") != "application/json" {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	var data []string
	for i, text := range slices.Backward(in.Input) {
		data = append(data, fmt.Sprintf(`{"object": "embedding", "index": %d, "embedding": [%d, %d]}`, i, len(text), text[0]))
	}
	fmt.Fprintf(w, `{"object": "list", "data": [%s], "model": "m", "usage": {"total_tokens": 1}}`, strings.Join(data, ","))
}

func TestEmbed(t *testing.T) {
	t.Parallel()
	var requests atomic.Int64
	c := serve(t, time.Minute, func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		embed(w, r)
	})
	texts := make([]string, 300)
	for i := range texts {
		texts[i] = strings.Repeat(string(rune('a'+i%26)), i+1)
	}
	texts[200] = strings.Repeat("z", 1<<20) // by itself in a request, or nearly
	m, err := c.Embed(t.Context(), texts, room)
	if err != nil || m.Rows != 300 || m.Columns != 2 || len(m.Pieces[0]) != 600 {
		t.Fatalf("got %d × %d, %v", m.Rows, m.Columns, err)
	}
	for i, text := range texts {
		if row := m.Pieces[0][2*i:]; row[0] != float32(len(text)) || row[1] != float32(text[0]) {
			t.Fatalf("row %d: got %v", i, row)
		}
	}
	if got := requests.Load(); got != 4 {
		t.Errorf("%d requests", got)
	}
	if m, err := c.Embed(t.Context(), nil, room); err != nil || m.Rows != 0 || len(m.Pieces[0]) != 0 {
		t.Errorf("no texts: got %+v, %v", m, err)
	}
	if _, err := c.Embed(t.Context(), make([]string, embedding.MaxTexts+1), room); err == nil {
		t.Error("too many texts were embedded")
	}
}

// TestFailures wants an error, which tells no secret, of everything that is not one embedding of each text.
func TestFailures(t *testing.T) {
	t.Parallel()
	answer := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		}
	}
	long := `{"data":[{"index":0,"embedding":[` + strings.Repeat("1,", embedding.MaxDimensions) + `1]},{"index":1,"embedding":[1]}]}`
	for name, handler := range map[string]http.HandlerFunc{
		"error":          answer(http.StatusInternalServerError, "the token "+token+" is wrong"),
		"unauthorized":   answer(http.StatusUnauthorized, token),
		"no content":     answer(http.StatusNoContent, ""),
		"empty":          answer(http.StatusOK, ""),
		"no JSON":        answer(http.StatusOK, "<html>"+token),
		"no data":        answer(http.StatusOK, `{}`),
		"one of two":     answer(http.StatusOK, `{"data":[{"index":0,"embedding":[1]}]}`),
		"three of two":   answer(http.StatusOK, `{"data":[{"index":0,"embedding":[1]},{"index":1,"embedding":[1]},{"index":2,"embedding":[1]}]}`),
		"one twice":      answer(http.StatusOK, `{"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}]}`),
		"index":          answer(http.StatusOK, `{"data":[{"index":0,"embedding":[1]},{"index":-1,"embedding":[1]}]}`),
		"NaN":            answer(http.StatusOK, `{"data":[{"index":0,"embedding":[NaN]},{"index":1,"embedding":[1]}]}`),
		"infinity":       answer(http.StatusOK, `{"data":[{"index":0,"embedding":[1e39]},{"index":1,"embedding":[1]}]}`),
		"text":           answer(http.StatusOK, `{"data":[{"index":0,"embedding":"AAAA"},{"index":1,"embedding":[1]}]}`),
		"no dimension":   answer(http.StatusOK, `{"data":[{"index":0,"embedding":[]},{"index":1,"embedding":[]}]}`),
		"two dimensions": answer(http.StatusOK, `{"data":[{"index":0,"embedding":[1]},{"index":1,"embedding":[1,2]}]}`),
		"too many":       answer(http.StatusOK, long),
		"redirect":       http.RedirectHandler("/elsewhere", http.StatusTemporaryRedirect).ServeHTTP,
		"endless":        func(w http.ResponseWriter, _ *http.Request) { endless(w) },
		"breaks off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, "{")
		},
		"too slow":         func(_ http.ResponseWriter, r *http.Request) { gone(r) },
		"slow after start": func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "{"); flush(w); gone(r) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			timeout := time.Minute
			if strings.Contains(name, "slow") {
				timeout = 200 * time.Millisecond
			}
			c := serve(t, timeout, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/elsewhere" {
					t.Error("the redirect was followed")
				}
				handler(w, r)
			})
			m, err := c.Embed(t.Context(), []string{"one", "two"}, room)
			if err == nil || m.Pieces != nil || strings.Contains(err.Error(), token) || strings.Contains(err.Error(), "/v1/embeddings") {
				t.Errorf("got %+v, %v", m, err)
			}
		})
	}
}

func endless(w http.ResponseWriter) {
	for {
		if _, err := w.Write(make([]byte, 1<<16)); err != nil {
			return
		}
	}
}

// gone waits until the client is gone, which a server notices once it has read the request.
func gone(r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

func flush(w http.ResponseWriter) {
	if f, ok := w.(http.Flusher); ok {
		f.Flush()
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{})
	c := serve(t, time.Minute, func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		gone(r)
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-asked
		cancel()
	}()
	if _, err := c.Embed(ctx, []string{"a"}, room); err == nil || ctx.Err() == nil {
		t.Errorf("got %v", err)
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	valid := embedding.Config{URL: "https://embeddings.example.com/v1/embeddings", Model: "m", Timeout: time.Second, TextsTimeout: time.Second, Comparisons: 1}
	for url, want := range map[string]bool{
		"": true, valid.URL: true, "http://127.0.0.1:8080/v1/embeddings": true, "http://localhost/v1/embeddings": true, "http://[::1]:1/": true,
		"http://embeddings.example.com/": false, "https://user:password@example.com/": false, "https://example.com/?key=x": false,
		"ftp://example.com/": false, "https://": false, "://": false, "example.com": false, "http://127.0.0.1.example.com/": false,
	} {
		cfg := valid
		cfg.URL = url
		if err := cfg.Validate(); (err == nil) != want || err != nil && strings.Contains(err.Error(), "password@") {
			t.Errorf("%s: got %v", url, err)
		}
	}
	for _, cfg := range []embedding.Config{{}, {URL: valid.URL, Timeout: time.Second}, {URL: valid.URL, Model: "m"}} {
		if _, err := embedding.NewClient(cfg, nil); err == nil {
			t.Errorf("%+v: no error", cfg)
		}
	}
}

// TestAddresses leads names to addresses that they should not have.
func TestAddresses(t *testing.T) {
	t.Parallel()
	for address, want := range map[string][3]bool{ // plainly, with loopback, with private
		"93.184.216.34": {true, false, true}, "2606:2800:220:1::1": {true, false, true}, "64:ff9b::5db8:d822": {true, false, true},
		"127.0.0.1": {false, true, false}, "::1": {false, true, false}, "::ffff:127.0.0.1": {false, true, false}, "127.8.8.8": {false, true, false},
		"10.1.2.3": {false, false, true}, "192.168.0.1": {false, false, true}, "172.16.0.1": {false, false, true}, "fd00::1": {false, false, true}, "100.64.0.1": {false, false, true},
		"169.254.169.254": {}, "fe80::1": {}, "0.0.0.0": {}, "::": {}, "224.0.0.1": {}, "255.255.255.255": {}, "::ffff:169.254.169.254": {}, "ff02::1": {},
		"64:ff9b::a9fe:a9fe": {}, "64:ff9b::7f00:1": {false, true, false}, "64:ff9b::a01:203": {false, false, true}, "2002:a9fe:a9fe::1": {}, "2001:0:a9fe:a9fe::1": {},
		"::a9fe:a9fe": {}, "fec0::1": {}, "0.1.2.3": {}, "240.0.0.1": {}, "198.18.0.1": {}, "fd00:ec2::254": {}, "100.100.100.200": {},
	} {
		ip := netip.AddrPortFrom(netip.MustParseAddr(address), 443).String()
		for i, allowed := range [3]error{embedding.Dial(ip, false, false), embedding.Dial(ip, true, false), embedding.Dial(ip, false, true)} {
			if (allowed == nil) != want[i] {
				t.Errorf("%s, %d: got %v", ip, i, allowed)
			}
		}
	}
	if embedding.Dial("example.com:443", true, true) == nil {
		t.Error("a name was dialed")
	}
}

// TestLog wants what operators need in the log, what anyone may know in the error, and texts in neither.
func TestLog(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	cfg := embedding.Config{
		URL: fmt.Sprintf("http://127.0.0.1:%d/v1/embeddings", porttest.Free(t)), Model: "m", Token: token, Timeout: time.Minute, TextsTimeout: time.Minute, Comparisons: 1,
	}
	c, err := embedding.NewClient(cfg, slog.New(slog.NewTextHandler(&out, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, err = c.Embed(t.Context(), []string{"a private text"}, room)
	if err == nil || err.Error() != "the embedding service failed: it gave no answer" {
		t.Errorf("got %v", err)
	}
	if log := out.String(); !strings.Contains(log, "refused") || strings.Contains(log, "private text") || strings.Contains(log, token) || strings.Contains(log, "/v1/") {
		t.Errorf("got %s", log)
	}
}

// TestTextsTimeout has a service that is quick to answer each request and slow for all texts together.
func TestTextsTimeout(t *testing.T) {
	t.Parallel()
	var requests atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1) > 1 {
			gone(r)
		}
		embed(w, r)
	}))
	t.Cleanup(server.Close)
	cfg := embedding.Config{URL: server.URL + "/v1/embeddings", Model: "m", Token: token, Timeout: time.Minute, TextsTimeout: 300 * time.Millisecond, Comparisons: 1}
	c, err := embedding.NewClient(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Embed(t.Context(), slices.Repeat([]string{"x"}, 200), room); err == nil || err.Error() != "the embedding service did not embed 200 texts within 300ms" {
		t.Errorf("got %v", err)
	}
}

func TestReserve(t *testing.T) {
	t.Parallel()
	c := serve(t, time.Minute, embed)
	reserved, full := int64(0), errors.New("full")
	if _, err := c.Embed(t.Context(), slices.Repeat([]string{"x"}, 200), func(n int64) error { reserved += n; return nil }); err != nil || reserved != 200*2*4 {
		t.Errorf("got %d, %v", reserved, err)
	}
	if m, err := c.Embed(t.Context(), []string{"x"}, func(int64) error { return full }); !errors.Is(err, full) || m.Pieces != nil {
		t.Errorf("got %v, %v", m, err)
	}
}
