// Package embedding asks a service for the embeddings of texts, over the interface that OpenAI made common: POST of a model and texts to
// /v1/embeddings. A service that fails is an error, never an embedding.
package embedding

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/aumos-enterprise/platform/pkg/config"
)

// Config says where the service is. Without a URL there is none.
type Config struct {
	URL          string        `env:"URL" help:"Address of an embedding service, such as https://embeddings.example.com/v1/embeddings: https, or http on the loopback interface. Empty: texts are not embedded."`
	Model        string        `env:"MODEL" help:"The model that the embedding service is asked for."`
	Token        config.Secret `env:"TOKEN" help:"Bearer token for the embedding service; empty for none."`
	Timeout      time.Duration `env:"TIMEOUT" envDefault:"30s" help:"How long one request to the embedding service may take."`
	TextsTimeout time.Duration `env:"TEXTS_TIMEOUT" envDefault:"2m" help:"How long embedding the texts of one feature may take, in as many requests as it needs."`
	Comparisons  int           `env:"COMPARISONS" envDefault:"4" help:"Comparisons whose texts are embedded at the same time, one tenant's half of them, each with one request at a time; more wait."`
	AllowPrivate bool          `env:"ALLOW_PRIVATE" envDefault:"false" help:"Let the embedding service have an address of a private network."`
}

// Settings begins the names of the settings.
const Settings = "AUMOS_DRIFT_EMBEDDING__"

// Enabled tells whether there is a service.
func (c Config) Enabled() bool { return c.URL != "" }

// Validate returns an error for settings that cannot work or that would let the token be read on the way. It does not quote the URL, which may
// hold a password by mistake.
func (c Config) Validate() error {
	if !c.Enabled() {
		return nil
	}
	var problems []error
	if u, err := url.Parse(c.URL); err != nil || !acceptable(u) {
		problems = append(problems, errors.New(Settings+"URL is not an https address without query and credentials, nor http on the loopback interface"))
	}
	if c.Model == "" {
		problems = append(problems, errors.New(Settings+"MODEL is not set"))
	}
	if c.Timeout <= 0 || c.TextsTimeout <= 0 {
		problems = append(problems, fmt.Errorf("%sTIMEOUT of %v or TEXTS_TIMEOUT of %v is not above 0", Settings, c.Timeout, c.TextsTimeout))
	}
	if c.Comparisons < 1 {
		problems = append(problems, fmt.Errorf("%sCOMPARISONS of %d is under 1", Settings, c.Comparisons))
	}
	return errors.Join(problems...)
}

func acceptable(u *url.URL) bool {
	secure := u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname())
	return secure && u.Host != "" && u.User == nil && u.RawQuery == "" && u.Fragment == ""
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
