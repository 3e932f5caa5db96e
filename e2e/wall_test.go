package e2e_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/pkg/postgres"
)

// TestSuperuserIsFound lets the database's superuser switch every guard off and alter a row. Nothing in the database can prevent that; verification
// finds it and names the index.
func TestSuperuserIsFound(t *testing.T) {
	t.Parallel()
	p := deploy(t)
	u := p.newTenant(t)
	u.detect(t, 0, "winter_control.csv")
	u.ctl(t, "audit", "keys", "--out", u.file("wall.vkey")).want(t, 0)
	u.ctl(t, "audit", "verify", "--key", u.file("wall.vkey")).want(t, 0)

	admin, err := pgx.Connect(t.Context(), p.AdminURL(postgres.DatabaseAudit))
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close(t.Context())
	const index = 2
	for _, change := range []string{
		`ALTER EVENT TRIGGER aumos_audit_deny_ddl DISABLE`,
		`DO $$ DECLARE t regclass; BEGIN
			FOR t IN SELECT tgrelid::regclass FROM pg_trigger WHERE tgname = 'aumos_audit_deny_row' LOOP
				EXECUTE format('ALTER TABLE %s DISABLE TRIGGER ALL', t);
			END LOOP; END $$`,
		fmt.Sprintf(`UPDATE gov_audit_trail_entries
			SET entry = set_byte(entry, octet_length(entry) - 1, get_byte(entry, octet_length(entry) - 1) # 1)
			WHERE tenant_id = '%s' AND leaf_index = %d`, u.tenant, index),
	} {
		if _, err := admin.Exec(t.Context(), change); err != nil {
			t.Fatalf("%s: %v", change, err)
		}
	}
	r := u.ctl(t, "audit", "verify", "--key", u.file("wall.vkey")).want(t, 1)
	if report := r.stdout + r.stderr; !strings.Contains(report, fmt.Sprintf("index %d", index)) && !strings.Contains(report, fmt.Sprintf("entry %d", index)) {
		t.Errorf("the report does not name index %d:\n%s", index, report)
	}
}

// TestEvidenceOutlivesPlatform takes evidence out of a running platform, sees that the database itself holds it up, and verifies it when nothing
// of the platform runs any more.
func TestEvidenceOutlivesPlatform(t *testing.T) {
	t.Parallel()
	p := deploy(t)
	u := p.newTenant(t)
	u.detect(t, 0, "winter_control.csv")
	u.ctl(t, "audit", "keys", "--out", u.file("wall.vkey")).want(t, 0)
	u.ctl(t, "audit", "keys", "--platform", "--out", u.file("platform.vkey")).want(t, 0)
	u.ctl(t, "audit", "export", "--out", u.file("wall.jsonl")).want(t, 0)
	u.detect(t, 0, "winter_control.csv")
	u.ctl(t, "audit", "export", "--out", u.file("next.jsonl"), "--after", u.file("wall.jsonl")).want(t, 0)
	u.ctl(t, "audit", "export", "--bundle", u.file("wall.zip"), "--receipts").want(t, 0)
	database := []string{"audit", "verify", "--database", p.AdminURL(postgres.DatabaseAudit), "--all", "--key", u.file("platform.vkey")}
	if r := u.ctl(t, database...).want(t, 0); !strings.Contains(r.stdout, u.tenant) || !strings.Contains(r.stdout, "platform commitment") {
		t.Errorf("the database's report does not name the tenant's log and what it is committed to:\n%s", r.stdout)
	}

	p.governance.kill(t)
	for _, file := range []string{"wall.jsonl", "next.jsonl", "wall.zip"} {
		u.ctl(t, "audit", "verify", u.file(file), "--key", u.file("wall.vkey"), "--key", u.file("platform.vkey")).want(t, 0)
	}
	u.ctl(t, "audit", "prove", "1", "--from-export", u.file("wall.zip"), "--out", u.file("1.tlog-proof")).want(t, 0)
	u.ctl(t, "audit", "verify", u.file("1.tlog-proof"), "--key", u.file("wall.vkey")).want(t, 0)
}
