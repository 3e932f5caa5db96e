package decision

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
)

func quoting(text string) []Result {
	return []Result{{Result: rego.Result{
		Violations: []rego.Violation{{Code: text, Message: "about " + text + "!", Severity: "high", Control: text}},
		Obligations: []rego.Obligation{{ID: "tell"}, {ID: text, Parameters: map[string]any{
			"id": text, text: "a", "n": 20250101.0, "small": 7.0, "list": []any{text, true, map[string]any{"x": text}},
		}}},
	}}}
}

func TestRedaction(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ masked, text string }{
		"a text":           {`"Ann Example"`, "Ann Example"},
		"in an object":     {`{"a":[{"name":"Ann"}]}`, "Ann"},
		"a key":            {`{"ann@example.com":true}`, "ann@example.com"},
		"not ASCII":        {`"Jürgen"`, "Jürgen"},
		"with quotes":      {`"Ann \"A\" Example"`, `Ann "A" Example`},
		"quoted":           {`"Ann \"A\"\n"`, `Ann \"A\"\n`},
		"as JSON for HTML": {`"<Ann>"`, `\u003cAnn\u003e`},
		"a number":         {`20250101`, "20250101"},
		"longest first":    {`["Ann","Ann Example"]`, "Ann Example"},
	} {
		given := quoting(c.text)
		got := seen{hidden: [][]byte{[]byte(c.masked), []byte("20250101")}}.redacted(given)
		want := []Result{{Result: rego.Result{
			Violations: []rego.Violation{{Code: "*", Message: "about *!", Severity: "high", Control: "*"}},
			Obligations: []rego.Obligation{{ID: "tell"}, {ID: "*", Parameters: map[string]any{
				"id": "*", "*": "a", "n": nil, "small": 7.0, "list": []any{"*", true, map[string]any{"x": "*"}},
			}}},
		}}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff(quoting(c.text), given); diff != "" {
			t.Errorf("%s: the answer itself has changed:\n%s", name, diff)
		}
	}
}

// What stands everywhere is left, and what is too much to look for takes everything with it.
func TestRedactionLimits(t *testing.T) {
	t.Parallel()
	given := quoting("up to 7")
	got := seen{hidden: [][]byte{[]byte(`"up"`), []byte(`7`), []byte(`123`), []byte(`true`), []byte(`null`), []byte(`""`)}}.redacted(given)
	if diff := cmp.Diff(given, got); diff != "" {
		t.Errorf("short values:\n%s", diff)
	}
	many := make([][]byte, maxHidden+1)
	for i := range many {
		many[i] = fmt.Appendf(nil, `"xxxxxxxxxx%d"`, i)
	}
	got = seen{hidden: many}.redacted(given)
	if v := got[0].Violations[0]; v != (rego.Violation{Code: "*", Message: "*", Severity: "*", Control: "*"}) || got[0].Obligations[1].ID != "*" {
		t.Errorf("with %d values: %+v", len(many), got[0])
	}
}
