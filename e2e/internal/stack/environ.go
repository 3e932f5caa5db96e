package stack

import (
	"path/filepath"

	"github.com/aumos-enterprise/platform/pkg/postgres"
)

// Addresses are where a service listens. Port 0 takes a free one.
type Addresses struct {
	GRPC  string
	Admin string
}

// GovernanceEnviron returns the environment variables that configure governance.
func (s *Stack) GovernanceEnviron(at Addresses) []string {
	return []string{
		"AUMOS_GOVERNANCE_SERVER__LISTEN=" + at.GRPC,
		"AUMOS_GOVERNANCE_SERVER__ADMIN_LISTEN=" + at.Admin,
		"AUMOS_GOVERNANCE_AUTH__ISSUER=" + s.Issuer.URL(),
		"AUMOS_GOVERNANCE_DATABASE__URL=" + s.Postgres.URL(postgres.DatabaseGovernance, postgres.RoleGovernanceApp),
		"AUMOS_GOVERNANCE_AUDIT__WRITER__URL=" + s.Postgres.URL(postgres.DatabaseAudit, postgres.RoleAuditWriter),
		"AUMOS_GOVERNANCE_AUDIT__READER__URL=" + s.Postgres.URL(postgres.DatabaseAudit, postgres.RoleAuditReader),
		"AUMOS_GOVERNANCE_AUDIT__HEADS_DIR=" + filepath.Join(s.cfg.Dir, "heads"),
		"AUMOS_GOVERNANCE_INPUTS__KEY=" + s.cfg.InputsKey.Reveal(),
	}
}

// DriftEnviron returns the environment variables that configure drift to record in the governance service at target.
func (s *Stack) DriftEnviron(at Addresses, target string) []string {
	return []string{
		"AUMOS_DRIFT_SERVER__LISTEN=" + at.GRPC,
		"AUMOS_DRIFT_SERVER__ADMIN_LISTEN=" + at.Admin,
		"AUMOS_DRIFT_AUTH__ISSUER=" + s.Issuer.URL(),
		"AUMOS_DRIFT_DATABASE__URL=" + s.Postgres.URL(postgres.DatabaseDrift, postgres.RoleDriftApp),
		"AUMOS_DRIFT_GOVERNANCE__TARGET=" + target,
		"AUMOS_DRIFT_GOVERNANCE__PLAINTEXT=true",
		"AUMOS_DRIFT_KEYCLOAK__TOKEN_URL=" + s.TokenURL(),
		"AUMOS_DRIFT_KEYCLOAK__CLIENT_ID=" + driftClient,
		"AUMOS_DRIFT_KEYCLOAK__CLIENT_SECRET=" + s.cfg.DriftSecret.Reveal(),
	}
}
