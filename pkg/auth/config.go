// Package auth says who calls: it verifies bearer tokens of one OpenID Connect issuer and maps the roles they grant to permissions. What an rpc
// requires stands in the contract; pkg/interceptor enforces it.
package auth

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Config says whose tokens are accepted.
type Config struct {
	// Issuer is compared with the tokens' iss claim exactly, and is where discovery starts.
	Issuer   string `env:"ISSUER" help:"URL of the OpenID Connect issuer, exactly as in the tokens' iss claim."`
	Audience string `env:"AUDIENCE" envDefault:"aumos" help:"Value that the tokens' aud claim must hold."`
	// RolesClaim is a top-level claim or a path of claims separated by dots.
	RolesClaim string        `env:"ROLES_CLAIM" envDefault:"roles" help:"Claim that lists the roles, as a path, for example realm_access.roles (Keycloak)."`
	CacheSize  int           `env:"CACHE_SIZE" envDefault:"10000" help:"Verified tokens to remember until they expire."`
	KeyMaxAge  time.Duration `env:"KEY_MAX_AGE" envDefault:"15m" help:"Age at which the issuer's keys are read again, so that withdrawn keys are noticed."`
	// Client reaches the issuer; nil: one with short timeouts. For issuers behind a private certificate authority.
	Client *http.Client
}

// PlaintextIssuer reports whether the issuer is reached without TLS, which lets whoever is on the path choose the keys.
func (c Config) PlaintextIssuer() bool { return strings.HasPrefix(c.Issuer, "http://") }

func (c Config) validate() error {
	u, err := url.Parse(c.Issuer)
	switch {
	case c.Issuer == "":
		return errors.New("the issuer is not set")
	case err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http"):
		return fmt.Errorf("the issuer %q is not an http or https URL", c.Issuer)
	case c.Audience == "":
		return errors.New("the audience is not set")
	}
	return nil
}

func (c Config) withDefaults() Config {
	if c.RolesClaim == "" {
		c.RolesClaim = "roles"
	}
	if c.CacheSize <= 0 {
		c.CacheSize = 10_000
	}
	if c.KeyMaxAge <= 0 {
		c.KeyMaxAge = 15 * time.Minute
	}
	return c
}
