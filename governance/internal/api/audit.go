package api

import (
	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/posture"
	"github.com/aumos-enterprise/platform/governance/internal/reading"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// AuditService serves aumos.governance.v1.AuditService.
type AuditService struct {
	governancev1.UnimplementedAuditServiceServer

	Wall *audit.Wall
	// Reading records who is shown entries.
	Reading *reading.Recorder
	Posture *posture.Watch
}
