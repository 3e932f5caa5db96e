package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"

	"github.com/aumos-enterprise/platform/pkg/errs"
)

const (
	// minRefresh is the time between two reads of the issuer's keys: a caller who makes up key ids cannot make this service storm the issuer.
	minRefresh = 10 * time.Second
	// minRetry is that time after a read that failed: short, since nobody gets in until one succeeds.
	minRetry = time.Second
)

// errUnknownKey is the caller's fault, unlike a failure to read the keys.
var errUnknownKey = errors.New("no key of the issuer verifies the token's signature")

// keySet holds the issuer's public keys and reads them again when a token names an unknown one (rotation) or when they are old (withdrawal). Keys
// that were read stay usable while the issuer is down.
type keySet struct {
	issuer   string
	client   *http.Client
	maxAge   time.Duration
	onChange func() // called after keys were withdrawn
	now      func() time.Time

	// fetching is held by the one goroutine that reads from the issuer.
	fetching chan struct{}

	mu        sync.RWMutex // guards the rest
	jwksURL   string
	keys      map[string][]jose.JSONWebKey // by key id; nil until read once
	read      time.Time                    // when keys were read
	tried     time.Time                    // when they were last tried to be read
	lastErr   error                        // of that try
	withdrawn uint64                       // how often keys were withdrawn
}

func newKeySet(issuer string, client *http.Client, maxAge time.Duration, onChange func()) *keySet {
	return &keySet{
		issuer: issuer, client: client, maxAge: maxAge, onChange: onChange, now: time.Now, fetching: make(chan struct{}, 1),
	}
}

// verify returns the payload when one of the issuer's keys with the token's key id made its signature.
func (s *keySet) verify(ctx context.Context, jws *jose.JSONWebSignature) ([]byte, error) {
	header := jws.Signatures[0].Header
	keys, stale := s.lookup(header.KeyID)
	if stale || len(keys) == 0 {
		err := s.refresh(ctx, header.KeyID)
		if again, _ := s.lookup(header.KeyID); len(again) > 0 || err == nil {
			keys = again
		} else if len(keys) == 0 {
			return nil, err
		}
	}
	for i := range keys {
		if !fits(&keys[i], header.Algorithm) {
			continue
		}
		if payload, err := jws.Verify(&keys[i]); err == nil {
			return payload, nil
		}
	}
	return nil, errUnknownKey
}

func (s *keySet) lookup(id string) (keys []jose.JSONWebKey, stale bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.keys[id], s.now().Sub(s.read) > s.maxAge
}

func (s *keySet) generation() uint64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.withdrawn
}

// load reads the keys unless they have been read.
func (s *keySet) load(ctx context.Context) error {
	s.mu.RLock()
	loaded := s.keys != nil
	s.mu.RUnlock()
	if loaded {
		return nil
	}
	return s.refresh(ctx, "")
}

// refresh reads the keys from the issuer, at most once per minRefresh and never twice at a time. The read outlives the caller that started it,
// since others wait for its result.
func (s *keySet) refresh(ctx context.Context, keyID string) error {
	select {
	case s.fetching <- struct{}{}:
		defer func() { <-s.fetching }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if keys, stale := s.lookup(keyID); len(keys) > 0 && !stale {
		return nil // another goroutine read them meanwhile
	}
	s.mu.RLock()
	since, lastErr, url := s.now().Sub(s.tried), s.lastErr, s.jwksURL
	s.mu.RUnlock()
	if since < minRetry || (lastErr == nil && since < minRefresh) {
		return lastErr
	}
	url, keys, err := fetchKeys(context.WithoutCancel(ctx), s.client, s.issuer, url)
	if err != nil {
		err = errs.Down("the token issuer", err)
	}
	if s.store(url, keys, err) {
		s.onChange()
	}
	return err
}

// store keeps the outcome of a read and reports whether keys were withdrawn by it.
func (s *keySet) store(url string, keys map[string][]jose.JSONWebKey, err error) (withdrew bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tried, s.lastErr = s.now(), err
	if err != nil {
		s.jwksURL = "" // discover again: the issuer may have moved its keys
		return false
	}
	for id, old := range s.keys {
		if !sameKeys(old, keys[id]) {
			withdrew = true
		}
	}
	if withdrew {
		s.withdrawn++
	}
	s.jwksURL, s.keys, s.read = url, keys, s.tried
	return withdrew
}

// observedKeys is the key set of one verification; down is set when the issuer could not be asked.
type observedKeys struct {
	set  *keySet
	down error
}

// VerifySignature implements oidc.KeySet.
func (o *observedKeys) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	allowed := make([]jose.SignatureAlgorithm, len(algorithms))
	for i, a := range algorithms {
		allowed[i] = jose.SignatureAlgorithm(a)
	}
	jws, err := jose.ParseSignedCompact(token, allowed)
	if err != nil {
		return nil, fmt.Errorf("parse token: %w", err)
	}
	payload, err := o.set.verify(ctx, jws)
	if err != nil && !errors.Is(err, errUnknownKey) {
		o.down = err
	}
	return payload, err
}

var _ oidc.KeySet = (*observedKeys)(nil)
