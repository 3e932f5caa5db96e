package replay_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/replay"
)

// A candidate that makes up a hundred codes with every answer fills no table; what was known already is counted to the end.
func TestCodesWithoutEnd(t *testing.T) {
	t.Parallel()
	f := setup(t)
	v := f.policy(tenantA, "open", "allow := true", nil)
	const decisions = 105
	for i := range decisions {
		f.decide(tenantA, question{policy: v.PolicyID, input: map[string]any{"n": float64(i)}})
	}
	babbler := f.version(tenantA, v.PolicyID, "allow := true\nviolations contains sprintf(\"%d of %d\", [i, input.n]) if some i in numbers.range(1, 99)\nviolations contains \"same\"", nil)
	r := f.create(tenantA, babbler, nil)
	goOn, err := f.worker(func(c *replay.Config) { c.Page = 60 }).Die(t.Context(), tenantA, r.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := goOn(); err != nil {
		t.Fatal(err)
	}
	f.tx(tenantA, func(ctx context.Context, tx pgx.Tx) error {
		var n int
		err := tx.QueryRow(ctx, `SELECT count(*) FROM gov_replay_rules`).Scan(&n)
		if n != 10_000 {
			t.Errorf("%d codes are kept", n)
		}
		return err
	})
	if first := f.report(tenantA, r.ID).Rules[0]; first != (replay.RuleCount{Code: "same", Added: decisions}) {
		t.Errorf("first is %+v", first)
	}
}
