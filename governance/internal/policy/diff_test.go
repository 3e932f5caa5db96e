package policy_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aumos-enterprise/platform/governance/internal/policy"
)

func TestCompareTexts(t *testing.T) {
	t.Parallel()
	got := policy.CompareTexts(
		policy.Version{
			Modules: []policy.Module{{Path: "same.rego", Source: "a\n"}, {Path: "old.rego", Source: "x\n"}, {Path: "both.rego", Source: "1\n"}},
			Data:    []byte(`{"a":1,"b":[]}`),
		},
		policy.Version{
			Modules: []policy.Module{{Path: "both.rego", Source: "2\n"}, {Path: "new.rego", Source: "y\n"}, {Path: "same.rego", Source: "a\n"}},
			Data:    []byte(`{"a":2,"b":[]}`),
		})
	want := []policy.ModuleChange{
		{Path: "both.rego", Old: true, New: true, Diff: "--- a/both.rego\n+++ b/both.rego\n@@ -1 +1 @@\n-1\n+2\n"},
		{Path: "data.json", Old: true, New: true, Diff: "--- a/data.json\n+++ b/data.json\n@@ -1,4 +1,4 @@\n {\n-  \"a\": 1,\n+  \"a\": 2,\n   \"b\": []\n }\n"},
		{Path: "new.rego", New: true, Diff: "--- /dev/null\n+++ b/new.rego\n@@ -0,0 +1 @@\n+y\n"},
		{Path: "old.rego", Old: true, Diff: "--- a/old.rego\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	large := func(line string) policy.Version {
		modules := make([]policy.Module, 4)
		for i := range modules {
			modules[i] = policy.Module{Path: string(rune('a'+i)) + ".rego", Source: strings.Repeat(line, 256<<10/len(line))}
		}
		return policy.Version{Modules: modules}
	}
	total := 0
	changes := policy.CompareTexts(large("a\n"), large("b\n"))
	for _, c := range changes {
		total += len(c.Diff)
	}
	if total > 1<<20 || len(changes) != 4 || changes[0].Truncated || !changes[3].Truncated {
		t.Errorf("%d bytes of %d modules", total, len(changes))
	}
}
