package embedding

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"

	"github.com/aumos-enterprise/platform/drift/internal/detect"
)

// Limits on what is sent and taken.
const (
	MaxTexts      = 20_000   // of one call
	MaxDimensions = 4_096    // of an embedding
	batchTexts    = 128      // of one request
	batchBytes    = 1 << 20  // of the texts of one request, unless a single one has more
	maxResponse   = 32 << 20 // of one answer: 128 embeddings of 4,096 numbers take about half
)

// Client asks one service. It is safe for concurrent use.
type Client struct {
	config Config
	log    *slog.Logger
	http   *http.Client
}

// NewClient prepares a client. It fails on settings that Validate refuses, and without a URL.
func NewClient(cfg Config, log *slog.Logger) (*Client, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if !cfg.Enabled() {
		return nil, errors.New(Settings + "URL is not set")
	}
	u, err := url.Parse(cfg.URL)
	if err != nil {
		return nil, errors.New(Settings + "URL is no URL")
	}
	dialer := &net.Dialer{Timeout: cfg.Timeout, Control: guard{loopback: loopback(u.Hostname()), private: cfg.AllowPrivate}.control}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil // a proxy would dial for us, unguarded
	transport.DialContext = dialer.DialContext
	transport.MaxResponseHeaderBytes = 64 << 10
	return &Client{config: cfg, log: log, http: &http.Client{
		Transport: transport,
		Timeout:   cfg.Timeout,
		// The operator chose the address, not the service; and the token is for that address alone.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Close lets go of idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Model names what makes the embeddings.
func (c *Client) Model() string { return c.config.Model }

// Embed returns a row for each text, in memory that it has reserved. Any failure, of a single batch even, is an error: there is no embedding of a text
// that was not embedded. The error may be shown to whoever sent the texts; what only operators may know of it is in the log, and no text is in either.
func (c *Client) Embed(ctx context.Context, texts []string, reserve func(bytes int64) error) (detect.Matrix, error) {
	limited, cancel := context.WithTimeout(ctx, c.config.TextsTimeout)
	defer cancel()
	m, err := c.embed(limited, texts, reserve)
	switch {
	case ctx.Err() != nil:
		return detect.Matrix{}, context.Cause(ctx)
	case err != nil && limited.Err() != nil:
		return detect.Matrix{}, fmt.Errorf("the embedding service did not embed %d texts within %s", len(texts), c.config.TextsTimeout)
	}
	return m, err
}

func (c *Client) embed(ctx context.Context, texts []string, reserve func(bytes int64) error) (detect.Matrix, error) {
	if len(texts) > MaxTexts {
		return detect.Matrix{}, fmt.Errorf("embed %d texts: at most %d at once", len(texts), MaxTexts)
	}
	columns := 0
	var values []float32
	for rest := texts; len(rest) > 0; {
		n := batch(rest)
		rows, err := c.ask(ctx, rest[:n])
		if err != nil {
			return detect.Matrix{}, fmt.Errorf("the embedding service failed: %w", err)
		}
		for _, row := range rows {
			if columns == 0 {
				columns = len(row)
				if err := reserve(int64(len(texts)) * int64(len(row)) * 4); err != nil {
					return detect.Matrix{}, err
				}
				values = make([]float32, 0, len(texts)*len(row))
			}
			if len(row) != columns {
				return detect.Matrix{}, fmt.Errorf("the embedding service answered with embeddings of %d and of %d dimensions", columns, len(row))
			}
			values = append(values, row...)
		}
		rest = rest[n:]
	}
	return detect.Matrix{Rows: len(texts), Columns: columns, Pieces: [][]float32{values}}, nil
}

// batch is how many texts the next request takes.
func batch(texts []string) int {
	bytes := 0
	for i, text := range texts[:min(len(texts), batchTexts)] {
		if bytes += len(text); bytes > batchBytes && i > 0 {
			return i
		}
	}
	return min(len(texts), batchTexts)
}

type request struct {
	Model  string   `json:"model"`
	Input  []string `json:"input"`
	Format string   `json:"encoding_format"`
}

type response struct {
	Data []struct {
		Index     int       `json:"index"`
		Embedding []float32 `json:"embedding"`
	} `json:"data"`
}

// ask makes one request. Its errors hold nothing that the service said, which may repeat texts or the token.
func (c *Client) ask(ctx context.Context, texts []string) ([][]float32, error) {
	body, err := json.Marshal(request{Model: c.config.Model, Input: texts, Format: "float"})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.config.URL, bytes.NewReader(body))
	if err != nil {
		return nil, errors.New(Settings + "URL is no URL")
	}
	req.Header.Set("Content-Type", "application/json")
	if token := c.config.Token.Reveal(); token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("it answered with status %d", resp.StatusCode)
	}
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxResponse+1))
	switch {
	case err != nil:
		return nil, c.unreachable(ctx, err)
	case len(answer) > maxResponse:
		return nil, fmt.Errorf("its answer has more than %d bytes", maxResponse)
	}
	return parse(answer, len(texts))
}

// unreachable logs why there is no answer, which tells of the operator's network, and returns what anyone may know of it.
func (c *Client) unreachable(ctx context.Context, err error) error {
	if failed, ok := errors.AsType[*url.Error](err); ok {
		err = failed.Err // without the URL
	}
	c.log.LogAttrs(ctx, slog.LevelWarn, "the embedding service gave no answer", slog.Any("error", err))
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return fmt.Errorf("it gave no answer within %s", c.config.Timeout)
	}
	return errors.New("it gave no answer")
}

// parse reads the embeddings of n texts, in their order.
func parse(answer []byte, n int) ([][]float32, error) {
	var r response
	if err := json.Unmarshal(answer, &r); err != nil { // also of NaN and infinities, which JSON does not have, and of numbers beyond single precision
		return nil, errors.New("its answer is not JSON with embeddings")
	}
	if len(r.Data) != n {
		return nil, fmt.Errorf("it answered with %d embeddings of %d texts", len(r.Data), n)
	}
	rows := make([][]float32, n)
	for _, d := range r.Data {
		switch {
		case d.Index < 0 || d.Index >= n || rows[d.Index] != nil:
			return nil, errors.New("it did not answer with one embedding of each text")
		case len(d.Embedding) == 0 || len(d.Embedding) > MaxDimensions:
			return nil, fmt.Errorf("it answered with an embedding of %d dimensions, of at most %d", len(d.Embedding), MaxDimensions)
		}
		rows[d.Index] = d.Embedding
	}
	return rows, nil
}
