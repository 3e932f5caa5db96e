package auth

import "slices"

// Role is a platform role that a token may grant.
type Role string

// The platform's roles.
const (
	RoleViewer            Role = "viewer"
	RoleAuditor           Role = "auditor"
	RolePolicyAuthor      Role = "policy-author"
	RolePolicyApprover    Role = "policy-approver"
	RoleComplianceOfficer Role = "compliance-officer"
	RoleMLEngineer        Role = "ml-engineer"
	RoleOperator          Role = "operator"
	RoleService           Role = "service"
	RoleAdmin             Role = "admin"
)

// Permissions returns what the role grants: the one table that maps roles to the permissions named in the contract. Unknown roles grant
// nothing. The result must not be modified.
func (r Role) Permissions() []string { return rolePermissions[r] }

// Known reports whether r is a role of the platform.
func (r Role) Known() bool {
	_, ok := rolePermissions[r]
	return ok
}

// Granted reports whether some role grants the permission: one that none grants is misspelt in the contract or missing here.
func Granted(permission string) bool {
	for _, permissions := range rolePermissions {
		if slices.Contains(permissions, permission) {
			return true
		}
	}
	return false
}

// reading is what every person who works with the platform may see. The audit trail is not part of it.
var reading = []string{"policy.read", "model.read", "monitor.read", "baseline.read", "detection.read", "stream.read", "audit.receipt"} //nolint:gochecknoglobals // a constant table

var rolePermissions = map[Role][]string{ //nolint:gochecknoglobals // a constant table
	RoleViewer:            reading,
	RoleAuditor:           with(reading, "audit.read", "audit.posture", "decision.read", "policy.simulation_read"),
	RolePolicyAuthor:      with(reading, "policy.author", "policy.test", "policy.simulate", "policy.simulation_read", "decision.evaluate", "decision.read", "decision.trace"),
	RolePolicyApprover:    with(reading, "policy.approve", "policy.activate", "policy.test", "policy.simulate", "policy.simulation_read", "audit.read", "decision.read"),
	RoleComplianceOfficer: with(reading, "audit.read", "audit.posture", "audit.correct", "policy.simulate", "policy.simulation_read", "decision.evaluate", "decision.read", "decision.configure"),
	RoleMLEngineer:        with(reading, "model.write", "monitor.write", "baseline.write", "detection.run", "detection.compare", "stream.write", "decision.evaluate"),
	RoleOperator:          with(reading, "audit.read", "audit.posture", "policy.quarantine_lift", "bundle.read", "bundle.sidecar_release", "decision.read"),
	RoleService:           with(reading, "audit.record", "decision.evaluate", "bundle.read", "detection.run", "detection.compare", "baseline.write", "stream.write"),
	RoleAdmin: with(reading, "policy.author", "policy.approve", "policy.activate", "policy.test", "policy.simulate", "policy.simulation_read", "policy.quarantine_lift", "bundle.read", "bundle.sidecar_release",
		"decision.evaluate", "decision.read", "decision.trace", "decision.configure", "audit.read", "audit.posture", "audit.correct",
		"model.write", "monitor.write", "baseline.write", "detection.run", "detection.compare", "stream.write"),
}

func with(base []string, more ...string) []string {
	return append(append(make([]string, 0, len(base)+len(more)), base...), more...)
}
