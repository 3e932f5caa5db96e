// Package witness asks the witnesses of a policy to cosign heads of a log (c2sp.org/tlog-witness).
//
// A witness remembers the largest head of each log that it has seen and signs a larger one only with a proof that it contains that one. So a log that
// was cut, restored from a backup or rewritten, with its own key and all its files, gets no signature, and its operator an alarm.
package witness

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
)

// maxProofHashes is how many lines a consistency proof may have.
const maxProofHashes = 63

// Client speaks to one witness.
type Client struct {
	witness auditlog.PolicyWitness
	url     string
	http    *http.Client
	now     func() time.Time
}

// NewClient prepares a client. The URL must be https, or http on the loopback interface: cosignatures prove themselves, but whoever is on the way
// could invent refusals. Certificates are checked against the system's authorities; each request ends after the timeout.
func NewClient(w auditlog.PolicyWitness, timeout time.Duration) (*Client, error) {
	u, err := url.Parse(w.URL)
	if err != nil || !acceptable(u) { // the URL stays out of the error: it may hold a password
		return nil, fmt.Errorf("witness %s: its URL is not an https prefix without query and credentials", w.Name)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 1
	transport.MaxResponseHeaderBytes = maxResponse
	return &Client{
		witness: w, url: strings.TrimSuffix(w.URL, "/") + "/add-checkpoint", now: time.Now,
		http: &http.Client{
			Transport: transport,
			Timeout:   timeout,
			// The policy's operator chose the witness's address, not the witness.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

func acceptable(u *url.URL) bool {
	secure := u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname())
	return secure && u.Host != "" && u.User == nil && u.RawQuery == "" && u.Fragment == ""
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Name is the witness's name in the policy.
func (c *Client) Name() string { return c.witness.Name }

// Close lets go of idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Errors of AddCheckpoint besides *SizeError; any other means that the witness could not be asked, or answered nonsense.
var (
	// ErrInconsistent says that the witness has seen another history: the proof or the root does not fit what it cosigned.
	ErrInconsistent = errors.New("the witness has cosigned a head that is inconsistent with this one")
	// ErrUnknownLog says that the witness does not follow the log.
	ErrUnknownLog = errors.New("the witness does not know the log's origin")
	// ErrUnknownKey says that the witness trusts none of the keys that signed the head.
	ErrUnknownKey = errors.New("the witness trusts none of the head's signatures")
)

// SizeError says that the last head that the witness cosigned is not of the size that the request began from.
type SizeError struct {
	// Size is what the witness says. Nothing proves it.
	Size int64
}

func (e *SizeError) Error() string {
	return fmt.Sprintf("the last head that the witness cosigned has %d entries", e.Size)
}

// AddCheckpoint asks the witness to cosign a signed head, with the proof that it contains the head of the old size, which the witness cosigned last; 0
// when it has none. It returns the witness's cosignature, verified.
func (c *Client) AddCheckpoint(ctx context.Context, oldSize int64, proof []tlog.Hash, signed string) (auditlog.Cosignature, error) {
	cosignature, err := c.addCheckpoint(ctx, oldSize, proof, signed)
	if err != nil {
		return auditlog.Cosignature{}, fmt.Errorf("ask witness %s: %w", c.witness.Name, err)
	}
	return cosignature, nil
}

func (c *Client) addCheckpoint(ctx context.Context, oldSize int64, proof []tlog.Hash, signed string) (auditlog.Cosignature, error) {
	if len(proof) > maxProofHashes {
		return auditlog.Cosignature{}, fmt.Errorf("a proof of %d hashes", len(proof))
	}
	var body strings.Builder
	fmt.Fprintf(&body, "old %d\n", oldSize)
	for _, h := range proof {
		body.WriteString(h.String() + "\n")
	}
	body.WriteString("\n" + signed)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, strings.NewReader(body.String()))
	if err != nil {
		return auditlog.Cosignature{}, fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Content-Type", "text/plain; charset=utf-8")
	resp, err := c.http.Do(req)
	if err != nil {
		return auditlog.Cosignature{}, err
	}
	defer func() { _ = resp.Body.Close() }() // was only read
	text, err := readBody(resp.Body)
	if err != nil {
		return auditlog.Cosignature{}, err
	}
	if resp.StatusCode != http.StatusOK {
		return auditlog.Cosignature{}, refusal(resp.StatusCode, resp.Header.Get("Content-Type"), text)
	}
	return c.cosignature(signed, text)
}
