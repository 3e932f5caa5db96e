package bundle_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
)

// escapes are rules that look for what is not theirs. Each allows if it finds something; %[1]s is where the other version stands.
var escapes = map[string]string{
	"a reference":           `allow if %[1]s.secret`,
	"by key":                `allow if data["aumos"]["versions"][_].secret`,
	"by variable":           "allow if {\n\tsome a, b, c\n\tdata[a][b][c].secret\n}",
	"an alias":              "import data.aumos.versions as v\nallow if v[_].secret",
	"data under a name":     "import data as d\nallow if d.aumos.versions[_].secret",
	"data as a value":       "allow if {\n\tx := data\n\tx.aumos\n}",
	"all of data":           "allow if {\n\twalk(data.aumos, [_, \"hidden\"])\n}",
	"some in":               "allow if {\n\tsome x in data.aumos.versions\n\tx.secret\n}",
	"some key, in":          "allow if {\n\tsome k, _ in data.aumos\n\tk\n}",
	"every":                 "allow if {\n\tcount(data.aumos.versions) > 0\n\tevery x in data.aumos.versions { x.secret }\n}",
	"a comprehension":       `allow if count([x | x := data.aumos.versions[_].secret]) > 0`,
	"a template":            "allow if $\"{data.aumos.versions}\" != \"<undefined>\"",
	"object.get":            `allow if object.get(data, ["aumos", "versions"], false) != false`,
	"a rule of the other":   `allow if %[1]s.p.allow`,
	"a function of ours":    `allow if data.aumos.result.outcome(true) == "ALLOW"`,
	"an answer":             `allow if data.aumos.policy["victim"].allow`,
	"a replacement":         "allow if q with data.aumos.policy as {\"victim\": true}\nq if data.aumos.policy.victim.policy_id",
	"within a replacement":  "allow if q with data.mine as data.aumos\nq if data.mine.versions",
	"a package of its name": "import data.aumos.versions.x\nallow if x.secret",
}

// In a bundle all versions are in one document, and none finds another, nor what we have put beside it.
func TestVersionsDoNotReachEachOther(t *testing.T) {
	t.Parallel()
	p := newTenant(t)
	p.add("victim", []rego.Module{{Path: "p.rego", Source: "package p\nallow := true\nsecret := \"hidden\""}}, map[string]any{"secret": "hidden"})
	other := "data.aumos.versions.v" + strings.ReplaceAll(p.policies[0].VersionID.String(), "-", "")
	accepted := 0
	for name, rule := range escapes {
		source := "package p\n" + rule
		if strings.Contains(rule, "%[1]s") {
			source = "package p\n" + fmt.Sprintf(rule, other)
		}
		modules := []rego.Module{{Path: "p.rego", Source: source}}
		if _, err := rego.Compile(rego.Source{Modules: modules}); err != nil {
			t.Logf("%s is no version: %v", name, err)
			continue
		}
		accepted++
		p.add(name, modules, nil)
	}
	// One whose packages have the names of ours.
	p.add("namesake", []rego.Module{
		{Path: "a.rego", Source: "package aumos.versions\nallow if data.aumos.versions.x.secret"},
		{Path: "b.rego", Source: "package aumos.result\nof(_, _, _, _) := {\"allow\": true}"},
	}, map[string]any{"system": map[string]any{"authz": true}})
	opa := p.runOPA()
	for name := range escapes {
		if p.compiled[name] != nil {
			if outcome := p.compare(opa, name, map[string]any{}); outcome == rego.Allow {
				t.Errorf("%s finds something", name)
			}
		}
	}
	for _, name := range []string{"victim", "namesake"} {
		p.compare(opa, name, map[string]any{})
	}
	if accepted < len(escapes)/2 {
		t.Errorf("only %d of %d are versions", accepted, len(escapes))
	}
}

// Paths that a file system takes for one are two modules to us: both are in the bundle.
func TestPathsOfModules(t *testing.T) {
	t.Parallel()
	p := newTenant(t)
	p.add("paths", []rego.Module{
		{Path: "a/b.rego", Source: "package p\nallow := count(data.lib.x) == 4"},
		{Path: "a//b.rego", Source: "package lib\nx contains 1"},
		{Path: "a///b.rego", Source: "package lib\nx contains 2"},
		{Path: "A/B.rego", Source: "package lib\nx contains 3"},
		{Path: "a/b/.rego", Source: "package lib\nx contains 4"},
	}, nil)
	if got := p.compare(p.runOPA(), "paths", map[string]any{}); got != rego.Allow {
		t.Errorf("got %v", got)
	}
}
