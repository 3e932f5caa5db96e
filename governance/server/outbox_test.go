package server_test

import (
	"context"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/outbox"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// TestStartAppendsWhatACrashLeft finds an intent whose process is gone, and expects its entry on the wall.
func TestStartAppendsWhatACrashLeft(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	id := tenant.ID(uuid.New())
	entry := auditlog.Entry{
		EntryID: uuid.New(), TenantID: id, EventType: "policy.created", Action: "policy.author", Outcome: auditlog.Success,
		Actor: auditlog.Actor{Kind: auditlog.ActorUser, ID: "ann"}, Resource: auditlog.Resource{Type: "policy", ID: "p1"}, SourceService: "governance",
	}
	err := postgres.TenantTx(tenant.NewContext(t.Context(), id), s.governance.Pool(postgres.RoleGovernanceApp), func(ctx context.Context, tx pgx.Tx) error {
		return outbox.Add(ctx, tx, entry)
	})
	if err != nil {
		t.Fatal(err)
	}
	// As a superuser: the crash was some time ago, and the removal of the intent is announced.
	admin := s.governance.Admin()
	_, err = admin.Exec(t.Context(), `
		UPDATE gov_audit_intents SET created_at = created_at - interval '1 hour';
		CREATE FUNCTION announce() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_notify('settled', old.entry_id::text); RETURN old; END $$;
		CREATE TRIGGER announce AFTER DELETE ON gov_audit_intents FOR EACH ROW EXECUTE FUNCTION announce();
		LISTEN settled`)
	if err != nil {
		t.Fatal(err)
	}

	s.run(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	settled, err := admin.WaitForNotification(ctx)
	if err != nil || settled.Payload != entry.EntryID.String() {
		t.Fatalf("got %v, %v", settled, err)
	}
	var index int64
	err = s.audit.Admin().QueryRow(t.Context(), `
		SELECT leaf_index
		FROM gov_audit_trail_entries
		WHERE tenant_id = $1 AND entry_id = $2`, uuid.UUID(id), entry.EntryID).Scan(&index)
	if err != nil || index != 0 {
		t.Errorf("on the wall at %d, %v", index, err)
	}
}
