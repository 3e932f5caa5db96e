package audit_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/durabletest"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// durableServer starts a server that waits for the disk, with an audit database.
func durableServer(b *testing.B) (dbs audit.Databases, admin *pgx.Conn) {
	b.Helper()
	d := durabletest.Start(b)
	return audit.Databases{Writer: d.Writer, Reader: d.Reader}, d.AuditAdmin
}

// benchEntry makes an entry whose leaf has about 600 bytes.
func benchEntry(id tenant.ID, n int64) auditlog.Entry {
	entryID, _ := uuid.NewV7()
	sum := sha256.Sum256(fmt.Append(nil, n))
	return auditlog.Entry{
		EntryID: entryID, TenantID: id, EventType: "decision.evaluated", Action: "decision.evaluate", Outcome: auditlog.Success,
		Actor:         auditlog.Actor{Kind: auditlog.ActorService, ID: "svc-drift-detector"},
		Resource:      auditlog.Resource{Type: "decision", ID: entryID.String()},
		SourceService: "governance", RequestID: entryID.String(), CorrelationID: entryID.String(),
		Details: map[string]any{
			"policy_digest": hex.EncodeToString(sum[:]), "input_digest": hex.EncodeToString(sum[:]),
			"decision_point": "drift.retrain", "engine": "opa 1.22.2", "latency_us": 812.0,
		},
		Digests: []auditlog.Digest{{Name: "input", SHA256: sum}},
	}
}
