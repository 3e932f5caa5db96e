package rego

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// A program that says something else than the policy is found out, and asked no more.
func TestDoubtIsJustified(t *testing.T) {
	t.Parallel()
	compiled := func(source string) *Compiled {
		c, err := Compile(Source{Modules: []Module{{Path: "p.rego", Source: "package p\n" + source}}})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	for name, tt := range map[string]struct {
		program string
		differs bool
	}{
		"another outcome":   {"allow := true\nviolations contains \"x\"", true},
		"another violation": {"allow := false\nviolations contains \"y\"", true},
		"nothing":           {"allow if input.missing\nviolations contains \"x\"", true},
		"the same":          {"allow if not true\ndefault allow := false\nviolations contains \"x\" if not allow", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { // no time passes, so that no comparison takes too long, however busy the machine is
				c := compiled("default allow := false\nallow if input.secret == 1\nviolations contains \"x\" if not input.a")
				c.program = compiled(tt.program).program
				var log bytes.Buffer
				e := NewEngine(Config{Deadline: time.Minute, Log: slog.New(slog.NewTextHandler(&log, nil))})
				in, err := NewInput(map[string]any{"secret": "hidden"})
				if err != nil {
					t.Fatal(err)
				}
				ev := Evaluation{Tenant: tenant.ID(uuid.New()), Tenure: Tenure{Version: uuid.New()}, Policy: c, Input: in, Now: time.Now()}
				if _, err := e.Evaluate(t.Context(), ev); err != nil {
					t.Fatal(err)
				}
				if err := e.Close(t.Context()); err != nil { // waits for the comparison
					t.Fatal(err)
				}
				if got := testutil.ToFloat64(e.metrics.differences) == 1; got != tt.differs {
					t.Errorf("differs: %t, want %t", got, tt.differs)
				}
				if logged := strings.Contains(log.String(), ev.Tenure.Version.String()); logged != tt.differs || strings.Contains(log.String(), "hidden") {
					t.Errorf("logged %q", log.String())
				}
				if r, _ := c.evaluate(options{input: in, now: ev.Now}, nil); tt.differs && (r.Outcome != Deny || r.Violations[0].Message != "x") {
					t.Errorf("got %+v of topdown", r)
				}
			})
		})
	}
}
