package auditlog

import (
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// PlatformTenant owns the platform's own log, which commits to the heads of all tenants' logs. It is a UUIDv8 (RFC 9562, section 5.8), which no
// identity provider hands out by chance: "aumos" in ASCII, and 1.
var PlatformTenant = tenant.ID(uuid.UUID{'a', 'u', 'm', 'o', 's', 0, 0x80, 0, 0x80, 0, 0, 0, 0, 0, 0, 1}) //nolint:gochecknoglobals // a constant

// platformName stands where another log's origin has its tenant's id.
const platformName = "platform"

// Origin returns the origin line of a tenant's log, which is also the name of its keys: one log's checkpoint cannot stand for another's. The
// platform's own log is prefix/platform.
func Origin(prefix string, id tenant.ID) string { return prefix + "/" + originName(id) }

// ParseOrigin is the inverse of Origin: it says whose log an origin names.
func ParseOrigin(origin string) (prefix string, id tenant.ID, err error) {
	cut := strings.LastIndexByte(origin, '/')
	if cut < 1 {
		return "", tenant.ID{}, fmt.Errorf("read origin %q: no prefix", origin)
	}
	prefix, name := origin[:cut], origin[cut+1:]
	if name == platformName {
		return prefix, PlatformTenant, nil
	}
	if id, err = tenant.Parse(name); err != nil || id == PlatformTenant || id.String() != name {
		return "", tenant.ID{}, fmt.Errorf("read origin %q: it ends in no tenant's id", origin)
	}
	return prefix, id, nil
}

func originName(id tenant.ID) string {
	if id == PlatformTenant {
		return platformName
	}
	return id.String()
}

// originOf reports whether an origin is that of a tenant's log, the tenant's id being text as a leaf or an export holds it.
func originOf(origin, tenantID string) bool {
	_, id, err := ParseOrigin(origin)
	return err == nil && id.String() == tenantID
}
