package suite_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/policy"
	"github.com/aumos-enterprise/platform/governance/internal/policytest"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/governance/internal/suite"
)

// version adds a version to the policy.
func (f *fixture) version(rules string) (v policy.Version) {
	f.t.Helper()
	f.do(tenantA, func(ctx context.Context, tx pgx.Tx) (err error) {
		v, err = policy.CreateVersion(ctx, tx, f.policy, policy.Content{
			Modules: []policy.Module{{Path: "p.rego", Source: "package p\n" + rules}}, Package: "p", Author: "ann",
		})
		return err
	})
	return v
}

// record records n runs of the version in one transaction.
func (f *fixture) record(v policy.Version, n, reportBytes int, complete bool) (ids []uuid.UUID) {
	f.t.Helper()
	f.do(tenantA, func(ctx context.Context, tx pgx.Tx) error {
		for range n {
			r, err := suite.Record(ctx, tx, suite.Recorded{
				PolicyID: f.policy, VersionID: v.ID, ContentSHA256: v.ContentSHA256, Complete: complete, Passed: true, PassedCount: 1, CoveragePercent: 100,
				EngineVersion: rego.EngineVersion(), Report: bytes.Repeat([]byte{1}, reportBytes), Subject: "ann",
			})
			if err != nil {
				return err
			}
			ids = append(ids, r.ID)
		}
		return nil
	})
	return ids
}

// runs returns which runs of the policy there are.
func (f *fixture) runs() map[uuid.UUID]bool {
	f.t.Helper()
	there := make(map[uuid.UUID]bool)
	f.do(tenantA, func(ctx context.Context, tx pgx.Tx) error {
		runs, more, err := suite.ListRuns(ctx, tx, f.policy, uuid.Nil, uuid.Nil, 500)
		for _, r := range runs {
			there[r.ID] = true
		}
		if more {
			f.t.Error("more than 500 runs")
		}
		return err
	})
	return there
}

// Old runs go, but for what versions were activated with and what they may be activated with.
func TestOldRunsGo(t *testing.T) {
	t.Parallel()
	f := setup(t)
	active, approved, draft := f.version("allow := true"), f.version("allow := false"), f.version("allow if input.x")
	policytest.Activate(t, f.App, tenantA, active.ID)
	f.do(tenantA, func(ctx context.Context, tx pgx.Tx) (err error) {
		active, err = policy.GetVersion(ctx, tx, active.ID)
		return err
	})
	waits := f.record(approved, 2, 1, true)
	old := f.record(active, 2, 1, true) // since it was activated
	some := f.record(draft, 201, 1, false)
	there := f.runs()
	for name, tt := range map[string]struct {
		id   uuid.UUID
		want bool
	}{
		"that the activation rests on":              {active.TestRunID.UUID, true},
		"the newest complete one of a version":      {waits[1], true},
		"an older one of it":                        {waits[0], false},
		"the newest of the active version":          {old[1], true},
		"an older one of the active version":        {old[0], false},
		"of some tags, the oldest":                  {some[0], false},
		"of some tags, the oldest that has a place": {some[1], true},
	} {
		if there[tt.id] != tt.want {
			t.Errorf("the run %s is there: %v", name, there[tt.id])
		}
	}
	// Few with large reports count as many.
	large := f.record(draft, 5, 15<<20, false)
	if there := f.runs(); len(there) != 7 || there[large[0]] || !there[large[1]] {
		t.Errorf("%d runs are left after large ones", len(there))
	}
}
