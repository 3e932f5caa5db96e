package upkeep_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/aumos-enterprise/platform/pkg/upkeep"
)

// The first round is made at once, the others in their time or when somebody wakes; the gauge and the log tell of the last one.
func TestRounds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		begun, end, wake := make(chan time.Duration), make(chan error), make(chan struct{}, 1)
		overdue, start := prometheus.NewGauge(prometheus.GaugeOpts{Name: "overdue", Help: "-"}), time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		go upkeep.Rounds{
			Every: time.Minute, Wake: wake, Overdue: overdue, Log: slog.New(slog.NewTextHandler(&log, nil)), Complaint: "not now",
			Round: func(context.Context) error {
				begun <- time.Since(start)
				return <-end
			},
		}.Run(ctx)
		round := func(at time.Duration, outcome error, failed float64, complaints int) {
			t.Helper()
			if got := <-begun; got != at {
				t.Errorf("a round after %v, want %v", got, at)
			}
			end <- outcome
			synctest.Wait()
			if got := testutil.ToFloat64(overdue); got != failed || strings.Count(log.String(), "not now") != complaints {
				t.Errorf("after the round at %v: gauge %v, log %q", at, got, log.String())
			}
		}
		round(0, nil, 0, 0)
		round(time.Minute, errors.New("no"), 1, 1)
		wake <- struct{}{}
		round(time.Minute, nil, 0, 1)
		<-begun
		cancel()
		end <- context.Canceled // what ends with the service has not failed
		synctest.Wait()
		if testutil.ToFloat64(overdue) != 0 || strings.Count(log.String(), "not now") != 1 {
			t.Errorf("after the end: log %q", log.String())
		}
	})
}
