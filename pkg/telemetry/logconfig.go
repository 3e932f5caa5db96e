package telemetry

import (
	"io"
	"log/slog"

	"github.com/aumos-enterprise/platform/pkg/config"
)

// LogConfig says what is logged. A service embeds it in its settings.
type LogConfig struct {
	Debug    bool       `env:"DEBUG" envDefault:"false" help:"Log at debug level. Refused in production."`
	LogLevel slog.Level `env:"LOG_LEVEL" envDefault:"INFO" help:"Least level that is logged: DEBUG, INFO, WARN or ERROR."`
}

// NewLogger returns the service's logger, which writes to w.
func (c LogConfig) NewLogger(w io.Writer, service string) *slog.Logger {
	level := c.LogLevel
	if c.Debug {
		level = slog.LevelDebug
	}
	return NewLogger(w, level).With(slog.String("service", service))
}

// InsecureSettings lists what production refuses unless it is allowed by name.
func (c LogConfig) InsecureSettings() []config.InsecureSetting {
	return []config.InsecureSetting{{Name: "debug", On: c.Debug, Why: "debug logs may hold more than is meant to be kept"}}
}
