package decision

import (
	"testing"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// TestVersionsStayWithinTheirMemory keeps the versions that were used last, and no more than there is room for.
func TestVersionsStayWithinTheirMemory(t *testing.T) {
	t.Parallel()
	c, err := rego.Compile(rego.Source{Modules: []rego.Module{{Path: "p.rego", Source: "package p\nallow := true"}}})
	if err != nil {
		t.Fatal(err)
	}
	v, err := newVersions(2*c.Size() + 1)
	if err != nil {
		t.Fatal(err)
	}
	key := func(n byte) versionKey { return versionKey{tenant.ID{1}, uuid.UUID{n}} }
	want := func(n byte, kept bool) {
		t.Helper()
		if _, ok := v.get(key(n)); ok != kept {
			t.Errorf("version %d is kept: %t, want %t", n, ok, kept)
		}
	}
	v.add(key(1), c)
	v.add(key(2), c)
	v.add(key(2), c) // counts once
	want(1, true)
	v.add(key(3), c)
	want(2, false) // used before 1
	want(1, true)
	want(3, true)
	if n, bytes := v.size(); n != 2 || bytes != 2*c.Size() {
		t.Errorf("%d versions with %d bytes, want 2 with %d", n, bytes, 2*c.Size())
	}
	if _, ok := v.get(versionKey{tenant.ID{2}, uuid.UUID{1}}); ok {
		t.Error("another tenant's version was found")
	}
	small, err := newVersions(1)
	if err != nil {
		t.Fatal(err)
	}
	small.add(key(1), c)
	small.add(key(2), c)
	if n, _ := small.size(); n != 1 {
		t.Errorf("%d versions are kept where there is no room, want the last one", n)
	}
}
