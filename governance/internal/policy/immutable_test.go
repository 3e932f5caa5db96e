package policy_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/policytest"
)

// What is stored cannot be rewritten by the service itself, be it by a defect or by whoever takes it over.
func TestApplicationRoleCannotChangeContent(t *testing.T) {
	t.Parallel()
	f := setup(t)
	p := f.create(t, f.a, "retrain", "drift.retrain")
	v := f.addVersion(t, f.a, p.ID, "one")
	policytest.Approve(t, f.App, f.a, v.ID)
	v = f.getVersion(t, f.a, v.ID)
	mutable := map[string]bool{
		"gov_policies.version_count": true, "gov_policies.revision": true, "gov_policies.update_time": true, "gov_policies.archive_time": true,
		"gov_policies.name": true, "gov_policies.description": true, "gov_policies.labels": true, "gov_policies.regulation_references": true,
		"gov_policies.min_coverage_percent": true, "gov_policies.suite_revision": true,
		"gov_policy_versions.state": true, "gov_policy_versions.activate_time": true, "gov_policy_versions.retire_time": true,
		"gov_policy_versions.submitter": true, "gov_policy_versions.approver": true, "gov_policy_versions.test_run_id": true,
	}
	var attacks []string
	for _, table := range tables {
		if table != "gov_policy_decision_points" { // a policy's can be replaced
			attacks = append(attacks, `DELETE FROM `+table)
		}
		attacks = append(attacks, `TRUNCATE `+table+` CASCADE`, `ALTER TABLE `+table+` DISABLE ROW LEVEL SECURITY`,
			`DROP TABLE `+table+` CASCADE`)
		rows, err := f.Admin().Query(t.Context(), `
			SELECT column_name
			FROM information_schema.columns
			WHERE table_name = $1
			AND is_generated = 'NEVER'`, table) // the others cannot be said by anybody
		if err != nil {
			t.Fatal(err)
		}
		columns, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil || len(columns) == 0 {
			t.Fatalf("%s has %d columns: %v", table, len(columns), err)
		}
		for _, column := range columns {
			update := fmt.Sprintf(`UPDATE %s SET %s = %s`, table, column, column)
			if !mutable[table+"."+column] {
				attacks = append(attacks, update)
				continue
			}
			delete(mutable, table+"."+column)
			err := f.tx(t, f.a, func(ctx context.Context, tx pgx.Tx) error {
				tag, err := tx.Exec(ctx, update)
				if tag.RowsAffected() == 0 {
					t.Errorf("%s: %s", update, tag)
				}
				return err
			})
			if err != nil {
				t.Errorf("%s: %v", update, err)
			}
		}
	}
	attacks = append(attacks, `
		INSERT INTO gov_policy_versions (id, policy_id, number, content_sha256, package, author, state, activate_time)
		SELECT gen_random_uuid(), policy_id, 2, content_sha256, package, author, 'ACTIVE', now() FROM gov_policy_versions`)
	for _, attack := range attacks {
		err := f.tx(t, f.a, func(ctx context.Context, tx pgx.Tx) error {
			_, err := tx.Exec(ctx, attack)
			return err
		})
		if pg := pgError(err); pg.Code != "42501" || strings.Contains(pg.Message, "row-level security") {
			t.Errorf("%s: error %v, want a lack of privilege", attack, err)
		}
	}
	if len(mutable) > 0 {
		t.Errorf("columns that do not exist: %v", mutable)
	}
	if diff := cmp.Diff(v, f.getVersion(t, f.a, v.ID)); diff != "" {
		t.Error(diff)
	}
}

// The last line of defence: what the tables refuse even from a superuser.
func TestConstraints(t *testing.T) {
	t.Parallel()
	f := setup(t)
	p := f.create(t, f.a, "retrain", "drift.retrain")
	one, two := f.addVersion(t, f.a, p.ID, "one"), f.addVersion(t, f.a, p.ID, "two")
	f.activate(t, f.a, one.ID)
	policytest.Approve(t, f.App, f.a, two.ID)
	two = f.getVersion(t, f.a, two.ID)
	const runOf = `SELECT r.id FROM gov_policy_test_runs r WHERE r.version_id = gov_policy_versions.id`
	admin := f.Admin()
	for _, c := range []struct {
		set        string // after UPDATE
		constraint string
	}{
		{`gov_policies SET name = ''`, "gov_policies_name_check"},
		{`gov_policies SET name = ' x'`, "gov_policies_name_check"},
		{`gov_policies SET name = E'x\n'`, "gov_policies_name_check"},
		{`gov_policies SET name = repeat('x', 129)`, "gov_policies_name_check"},
		{`gov_policies SET description = repeat('x', 2001)`, "gov_policies_description_check"},
		{`gov_policies SET version_count = -1`, "gov_policies_counters_check"},
		{`gov_policies SET revision = 0`, "gov_policies_counters_check"},
		{`gov_policy_decision_points SET decision_point = 'retrain'`, "gov_policy_decision_points_decision_point_check"},
		{`gov_policy_decision_points SET decision_point = 'a.' || repeat('x', 127)`, "gov_policy_decision_points_decision_point_check"},
		{`gov_policy_decision_points SET ordinal = 0`, "gov_policy_decision_points_ordinal_check"},
		{`gov_policy_decision_points SET ordinal = 33`, "gov_policy_decision_points_ordinal_check"},
		{`gov_policy_versions SET number = 0`, "gov_policy_versions_number_check"},
		{`gov_policy_versions SET number = 1`, "gov_policy_versions_number_key"},
		{`gov_policy_versions SET state = 'OTHER'`, "gov_policy_versions_state_check"},
		{`gov_policy_versions SET state = 'RETIRED', activate_time = NULL`, "gov_policy_versions_state_check"},
		{`gov_policy_versions SET activate_time = now() WHERE state = 'APPROVED'`, "gov_policy_versions_state_check"},
		{`gov_policy_versions SET state = 'ACTIVE', activate_time = now(), test_run_id = (` + runOf + `)`, "gov_policy_versions_active_key"},
		{`gov_policy_versions SET state = 'RETIRED', activate_time = now(), retire_time = now() WHERE state = 'APPROVED'`, "gov_policy_versions_tested_check"},
		{`gov_policy_versions SET test_run_id = (SELECT test_run_id FROM gov_policy_versions WHERE state = 'ACTIVE'),
			state = 'RETIRED', activate_time = now(), retire_time = now() WHERE state = 'APPROVED'`, "gov_policy_versions_test_run_fkey"},
		{`gov_policy_test_runs SET passed = false WHERE version_id = (SELECT id FROM gov_policy_versions WHERE state = 'ACTIVE')`, "gov_policy_versions_test_run_fkey"},
		{`gov_policy_test_runs SET complete = false WHERE version_id = (SELECT id FROM gov_policy_versions WHERE state = 'ACTIVE')`, "gov_policy_versions_test_run_fkey"},
		{`gov_policy_versions SET approver = NULL WHERE state = 'APPROVED'`, "gov_policy_versions_review_check"},
		{`gov_policy_versions SET approver = author WHERE state = 'APPROVED'`, "gov_policy_versions_review_check"},
		{`gov_policy_versions SET submitter = approver WHERE state = 'APPROVED'`, "gov_policy_versions_review_check"},
		{`gov_policy_versions SET submitter = NULL WHERE state = 'APPROVED'`, "gov_policy_versions_review_check"},
		{`gov_policy_versions SET state = 'DRAFT' WHERE state = 'APPROVED'`, "gov_policy_versions_review_check"},
		{`gov_policy_versions SET data = repeat('x', 262145)`, "gov_policy_versions_data_check"},
		{`gov_policy_reviews SET ordinal = 101`, "gov_policy_reviews_ordinal_check"},
		{`gov_policy_reviews SET action = 'OTHER'`, "gov_policy_reviews_action_check"},
		{`gov_policies SET labels = '[]'`, "gov_policies_labels_check"},
		{`gov_policies SET regulation_references = ARRAY[NULL]`, "gov_policies_regulation_references_check"},
		{`gov_policies SET min_coverage_percent = 101`, "gov_policies_min_coverage_percent_check"},
		{`gov_policy_versions SET content_sha256 = substr(content_sha256, 2)`, "gov_policy_versions_content_sha256_check"},
		{`gov_policy_versions SET content_sha256 = content_sha256 || '\x00'`, "gov_policy_versions_content_sha256_check"},
		{`gov_policy_versions SET package = ''`, "gov_policy_versions_package_check"},
		{`gov_policy_versions SET package = repeat('x', 256)`, "gov_policy_versions_package_check"},
		{`gov_policy_versions SET author = ''`, "gov_policy_versions_author_check"},
		{`gov_policy_versions SET author = repeat('é', 128)`, "gov_policy_versions_author_check"},
		{`gov_policy_modules SET ordinal = 0`, "gov_policy_modules_ordinal_check"},
		{`gov_policy_modules SET ordinal = 17`, "gov_policy_modules_ordinal_check"},
		{`gov_policy_modules SET path = '../x.rego'`, "gov_policy_modules_path_check"},
		{`gov_policy_modules SET path = 'x.json'`, "gov_policy_modules_path_check"},
		{`gov_policy_modules SET path = repeat('x', 251) || '.rego'`, "gov_policy_modules_path_check"},
		{`gov_policy_modules SET path = 'same.rego'`, "gov_policy_modules_path_key"},
		{`gov_policy_modules SET source = ''`, "gov_policy_modules_source_check"},
		{`gov_policy_modules SET source = repeat('x', 262145)`, "gov_policy_modules_source_check"},
	} {
		_, err := admin.Exec(t.Context(), `UPDATE `+c.set)
		if pg := pgError(err); pg.ConstraintName != c.constraint {
			t.Errorf("%s: error %v, want %s", c.set, err, c.constraint)
		}
	}
	if diff := cmp.Diff(two, f.getVersion(t, f.a, two.ID)); diff != "" {
		t.Error(diff)
	}
}
