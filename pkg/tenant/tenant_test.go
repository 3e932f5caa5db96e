package tenant_test

import (
	"strings"
	"testing"

	"github.com/aumos-enterprise/platform/pkg/tenant"
)

const canonical = "0198c0de-0000-7000-8000-00000000000a"

func TestParse(t *testing.T) {
	t.Parallel()
	for _, s := range []string{canonical, strings.ToUpper(canonical)} {
		id, err := tenant.Parse(s)
		if err != nil || id.String() != canonical {
			t.Errorf("Parse(%q) = %v, %v", s, id, err)
		}
	}
	for _, s := range []string{
		"", "x", "00000000-0000-0000-0000-000000000000", "urn:uuid:" + canonical, "{" + canonical + "}", strings.ReplaceAll(canonical, "-", ""),
		canonical + " ", " " + canonical, canonical[:35] + "g", strings.Replace(canonical, "-", "0", 1), canonical + canonical,
	} {
		if id, err := tenant.Parse(s); err == nil || id != (tenant.ID{}) {
			t.Errorf("Parse(%q) = %v, %v", s, id, err)
		}
	}
}

// A value has one reading: what parses prints as itself, apart from case.
func FuzzParse(f *testing.F) {
	for _, s := range []string{canonical, strings.ToUpper(canonical), "urn:uuid:" + canonical, "", "{}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, err := tenant.Parse(s)
		switch {
		case err != nil && id != (tenant.ID{}):
			t.Errorf("Parse(%q) returns %v with an error", s, id)
		case err == nil && id.String() != strings.ToLower(s):
			t.Errorf("Parse(%q) = %v", s, id)
		case err == nil && id == (tenant.ID{}):
			t.Errorf("Parse(%q) is no tenant", s)
		}
	})
}

func TestContext(t *testing.T) {
	t.Parallel()
	if id, ok := tenant.FromContext(t.Context()); ok {
		t.Errorf("an empty context has tenant %v", id)
	}
	want, err := tenant.Parse(canonical)
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := tenant.FromContext(tenant.NewContext(t.Context(), want)); !ok || got != want {
		t.Errorf("FromContext = %v, %t", got, ok)
	}
}

// Every call of a service names its tenant.
func TestParseAllocates(t *testing.T) { //nolint:paralleltest // it counts what the process allocates
	if got := testing.AllocsPerRun(1000, func() {
		if _, err := tenant.Parse(canonical); err != nil {
			t.Fatal(err)
		}
	}); got > 0 {
		t.Errorf("%v allocations", got)
	}
}
