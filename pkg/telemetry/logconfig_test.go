package telemetry_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/aumos-enterprise/platform/pkg/telemetry"
)

func TestLogConfig(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		cfg  telemetry.LogConfig
		want string // the levels that are logged
	}{
		{"zero", telemetry.LogConfig{}, "INFO WARN"},
		{"level", telemetry.LogConfig{LogLevel: slog.LevelWarn}, "WARN"},
		{"debug goes before the level", telemetry.LogConfig{LogLevel: slog.LevelWarn, Debug: true}, "DEBUG INFO WARN"},
	} {
		var out bytes.Buffer
		log := c.cfg.NewLogger(&out, "mill")
		for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn} {
			log.LogAttrs(t.Context(), level, "turn")
		}
		var got []string
		for line := range strings.Lines(out.String()) {
			if !strings.Contains(line, `"service":"mill"`) {
				t.Errorf("%s: the line does not name the service: %s", c.name, line)
			}
			_, rest, _ := strings.Cut(line, `"level":"`)
			level, _, _ := strings.Cut(rest, `"`)
			got = append(got, level)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
		if s := c.cfg.InsecureSettings(); len(s) != 1 || s[0].On != c.cfg.Debug {
			t.Errorf("%s: got insecure settings %+v", c.name, s)
		}
	}
}
