package cli_test

import (
	"strings"
	"testing"
)

func TestDriftTrend(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	const file = "\uFEFFvalue,day\n1.25,2026-01-31\n,2026-02-01\n2,2026-02-01T12:00:00.5+01:00\n"
	got := p.runWithInput(t, file, "drift", "trend", "-", "--time", "day", "--forecast", "1", "--min=-3", "--max", "9", "--threshold", "4.5").expect(t, 0)
	golden(t, "drift_trend.txt", got.stdout)
	p.runWithInput(t, file, "drift", "trend", "-", "--time", "day", "-o", "json").expect(t, 0).says(t, `"slope_per_day": 1.25`)

	for name, c := range map[string]struct{ input, says string }{
		"empty":         {"", "there is no header"},
		"no time":       {"value\n1\n", `there is no column "time" of times, there is value: say --time COLUMN`},
		"no value":      {"time\n2026-01-31\n", `there is no column "value" of values, there is time: say --value COLUMN`},
		"no number":     {"time,value\n2026-01-31,NaN\n", `line 2: "NaN" is no finite number`},
		"no instant":    {"time,value\n31.1.2026,1\n", `line 2: "31.1.2026" is neither`},
		"odd row":       {"time,value\n2026-01-31\n", "wrong number of fields"},
		"too many rows": {"time,value\n" + strings.Repeat("2026-01-31,1\n", 2001), "more than 2000 points"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p.runWithInput(t, c.input, "drift", "trend", "-").expect(t, 3).says(t, c.says)
		})
	}
	p.run(t, "drift", "trend", "absent.csv").expect(t, 3).says(t, "absent.csv")
}
