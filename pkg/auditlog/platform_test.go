package auditlog_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

func TestPlatformTenantIsAUUIDv8(t *testing.T) {
	t.Parallel()
	if u := uuid.UUID(auditlog.PlatformTenant); u.Version() != 8 || u.Variant() != uuid.RFC4122 || u.String() != "61756d6f-7300-8000-8000-000000000001" {
		t.Errorf("the platform's tenant is %s (version %d)", u, u.Version())
	}
}

func TestOriginAndParseOrigin(t *testing.T) {
	t.Parallel()
	for id, want := range map[tenant.ID]string{
		testTenant:              "wall.example.com/log/" + testTenant.String(),
		auditlog.PlatformTenant: "wall.example.com/log/platform",
	} {
		origin := auditlog.Origin("wall.example.com/log", id)
		if origin != want {
			t.Errorf("the origin of %s is %s, want %s", id, origin, want)
		}
		prefix, parsed, err := auditlog.ParseOrigin(origin)
		if err != nil || prefix != "wall.example.com/log" || parsed != id {
			t.Errorf("%s was read as %s of %s: %v", origin, prefix, parsed, err)
		}
	}
}

// No log may have two names: a checkpoint under the second would not be compared with those under the first.
func TestParseOriginRefusesOtherNames(t *testing.T) {
	t.Parallel()
	for _, origin := range []string{
		"", "platform", "/platform", "wall.example.com/log", "wall.example.com/log/", "wall.example.com/log/Platform",
		"wall.example.com/log/" + auditlog.PlatformTenant.String(), "wall.example.com/log/" + uuid.Nil.String(),
		"wall.example.com/log/0190F3C0-0000-7000-8000-00000000000A",
	} {
		if _, id, err := auditlog.ParseOrigin(origin); err == nil {
			t.Errorf("%q was read as the log of %s", origin, id)
		}
	}
}
