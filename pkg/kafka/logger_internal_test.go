package kafka

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// TestLogger: an outage of an hour does not fill the log, and says once in a while why nothing is sent.
func TestLogger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		l := newLogger(slog.New(slog.NewTextHandler(&out, nil)))
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		for range 3600 {
			l.Log(kgo.LogLevelWarn, "unable to open connection", "err", "refused")
			<-ticker.C
		}
		l.Log(kgo.LogLevelError, "unable to initialize sasl", "err", "bad password")
		warnings := strings.Count(out.String(), `level=WARN msg="kafka client: unable to open connection" err=refused`)
		if warnings != 60 || !strings.Contains(out.String(), `level=ERROR msg="kafka client: unable to initialize sasl" err="bad password"`) {
			t.Errorf("%d warnings in %s", warnings, out.String())
		}
	})
}
