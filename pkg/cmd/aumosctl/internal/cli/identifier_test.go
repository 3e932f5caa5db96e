package cli_test

import "testing"

// What is no id is refused where it is typed, with the command that lists ids.
func TestIdentifiersAreReadBeforeAsking(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"drift", "get", "x"}, "a detection (UUID): aumosctl drift list"},
		{[]string{"decision", "get", "x"}, "a decision (UUID): aumosctl decision list"},
		{[]string{"policy", "replay", "show", "x"}, "a replay (UUID): aumosctl policy replay list"},
		{[]string{"policy", "replay", "differences", "x"}, "a replay (UUID)"},
		{[]string{"policy", "replay", "cancel", "x"}, "a replay (UUID)"},
		{[]string{"policy", "shadow", "show", "x"}, "a shadow (UUID): aumosctl policy shadow list"},
		{[]string{"policy", "shadow", "stop", "x"}, "a shadow (UUID)"},
		{[]string{"policy", "shadow", "differences", "x"}, "a shadow (UUID)"},
	} {
		p.run(t, c.args...).expect(t, 3).says(t, `"x" is not the id of `+c.says)
	}
}
