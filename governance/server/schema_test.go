package server_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/pkg/postgrestest"
)

// beyondTenant are the policies that show rows of every tenant, each to a transaction that says what it looks for: it reads the ids of tenants.
var beyondTenant = []string{"gov_audit_intents_drain", "gov_decision_cursors_upkeep", "gov_decision_settings_upkeep", "gov_replays_find"}

// undeletable are the tables from which the service removes nothing.
var undeletable = []string{"gov_policies", "gov_policy_modules", "gov_policy_quarantines", "gov_policy_reviews", "gov_policy_versions"}

// problems are what is wrong with the schema, table by table, whichever migration made it: one query for each rule.
var problems = map[string]string{
	"no tenant": `
		SELECT c.relname
		FROM pg_class c
		WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace AND c.relname <> 'schema_migrations'
		AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND a.attnotnull)`,
	"row-level security not forced": `
		SELECT c.relname
		FROM tenant_tables c
		WHERE NOT (c.relrowsecurity AND c.relforcerowsecurity)`,
	"no policy of the tenant": `
		SELECT c.relname
		FROM tenant_tables c
		WHERE NOT EXISTS (
			SELECT
			FROM pg_policies p
			WHERE p.tablename = c.relname AND p.policyname = c.relname || '_tenant' AND p.cmd = 'ALL' AND p.with_check = p.qual
			AND p.qual = '(tenant_id = (NULLIF(current_setting(''aumos.tenant_id''::text, true), ''''::text))::uuid)')`,
	"another policy": `
		SELECT p.policyname
		FROM pg_policies p
		WHERE p.schemaname = 'public' AND p.policyname <> p.tablename || '_tenant'
		AND NOT (p.policyname = ANY(@beyond) AND p.cmd = 'SELECT' AND p.roles = '{aumos_governance_app}')`,
	"a unique key across tenants": `
		SELECT i.indexrelid::regclass::text
		FROM pg_index i
		JOIN tenant_tables c ON c.oid = i.indrelid
		WHERE i.indisunique
		AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = i.indkey[0] AND a.attname = 'tenant_id')`,
	"a reference to another tenant": `
		SELECT k.conname
		FROM pg_constraint k
		JOIN tenant_tables c ON c.oid = k.conrelid
		WHERE k.contype = 'f'
		AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = k.conrelid AND a.attnum = k.conkey[1] AND a.attname = 'tenant_id')`,
	"a right of everybody": `
		SELECT table_name || ' ' || privilege_type
		FROM information_schema.role_table_grants
		WHERE table_schema = 'public' AND table_name <> 'schema_migrations' AND grantee NOT IN ('aumos_governance_app', 'aumos_governance_owner')`,
	"a right too many": `
		SELECT c.relname || ' ' || r
		FROM tenant_tables c, unnest('{TRUNCATE,REFERENCES,TRIGGER}'::text[]) AS r
		WHERE has_table_privilege('aumos_governance_app', c.oid, r)`,
	"deletes": `
		SELECT c.relname
		FROM tenant_tables c
		WHERE c.relname = ANY(@undeletable) AND has_table_privilege('aumos_governance_app', c.oid, 'DELETE')`,
	"moves rows to another tenant": `
		SELECT c.relname
		FROM tenant_tables c
		WHERE c.relname <> 'idempotency_keys' AND has_column_privilege('aumos_governance_app', c.oid, c.tenant_column, 'UPDATE')`,
}

// Every table is a tenant's, as the first migrations' are: what a new one forgets is found here.
func TestSchemaKeepsTenantsApart(t *testing.T) {
	t.Parallel()
	db := postgrestest.Governance(t).Admin()
	const tables = `
		WITH tenant_tables AS (
			SELECT c.oid, c.relname, c.relrowsecurity, c.relforcerowsecurity, a.attnum AS tenant_column
			FROM pg_class c
			JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
			WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace
		)`
	names := func(sql string) []string {
		rows, err := db.Query(t.Context(), tables+sql, pgx.NamedArgs{"beyond": beyondTenant, "undeletable": undeletable})
		if err != nil {
			t.Fatal(err)
		}
		found, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	for _, rule := range slices.Sorted(maps.Keys(problems)) {
		if found := names(problems[rule]); len(found) > 0 {
			t.Errorf("%s: %v", rule, found)
		}
	}
	if all := names(`SELECT relname FROM tenant_tables`); len(all) < 20 {
		t.Errorf("looked at %v only", all)
	}
}
