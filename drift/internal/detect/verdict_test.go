package detect

import (
	"math"
	"testing"
)

func TestResultJudge(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		q, effect float64
		want      Status
	}{
		"at both limits":           {0.05, 0.1, StatusDrift},
		"not significant":          {0.0500001, 0.9, StatusOK},
		"just below the effect":    {0.001, 0.0999999, StatusWarning},
		"at half of the effect":    {0.05, 0.05, StatusWarning},
		"just below half":          {0.001, 0.0499999, StatusOK},
		"no effect, certain of it": {0, 0, StatusOK},
	} {
		r := Result{EffectName: "distance", Effect: &c.effect, MinEffect: 0.1}
		r.judge(c.q, 0.05)
		if r.Status != c.want || r.QValue == nil || *r.QValue != c.q {
			t.Errorf("%s: %+v, want %s", name, r, c.want)
		}
		if significant := c.q <= 0.05 && c.effect > 0; (r.Severity > 0) != significant {
			t.Errorf("%s: severity %v", name, r.Severity)
		}
	}
	undecided := Result{Status: StatusInsufficientData}
	undecided.judge(0, 0.05)
	if undecided.Status != StatusInsufficientData || undecided.QValue != nil {
		t.Errorf("a test that was not made: %+v", undecided)
	}
}

func TestWorse(t *testing.T) {
	t.Parallel()
	order := []Status{StatusOK, StatusWarning, StatusInsufficientData, StatusError, StatusDrift}
	for i, a := range order {
		for j, b := range order {
			if got := worse(a, b); got != order[max(i, j)] {
				t.Errorf("worse(%s, %s) = %s", a, b, got)
			}
		}
	}
	// A verdict that was forgotten must not pass for a good one.
	if got := worse(StatusOK, ""); got == StatusOK {
		t.Errorf("no status counts as %s", got)
	}
}

func TestSeverity(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ effect, minEffect, want float64 }{
		{0, 0.1, 0},
		{0.1, 0.1, 0.5},
		{0.2, 0.1, 0.75},
		{0.05, 0.1, 1 - math.Sqrt(0.5)},
		{1e9, 0.1, math.Nextafter(1, 0)},
	} {
		if got := severity(c.effect, c.minEffect); math.Abs(got-c.want) > 1e-15 {
			t.Errorf("severity(%v, %v) = %v, want %v", c.effect, c.minEffect, got, c.want)
		}
	}
}
