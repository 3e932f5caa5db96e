package decision

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/policy"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/governance/internal/shadow"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// MaxPolicies is the number of active policies that a decision point may have, so that a decision and its entry stay bounded.
const MaxPolicies = 32

// CheckRoom fails with LIMIT_REACHED when one of the decision points has too many active policies. Whoever activates one asks before the commit, and
// waits for the others who have asked about the same points: two who count at the same time would both find room for the last policy.
func CheckRoom(ctx context.Context, tx pgx.Tx, decisionPoints []string) error {
	_, err := tx.Exec(ctx, `
		SELECT pg_advisory_xact_lock(key)
		FROM (
			SELECT DISTINCT hashtextextended(current_setting('aumos.tenant_id') || '/' || decision_point, 0) AS key
			FROM unnest(@decision_points::text[]) AS asked (decision_point)
			ORDER BY key
		) AS keys`, pgx.NamedArgs{"decision_points": decisionPoints}) // in one order, so that nobody waits in a circle
	if err != nil {
		return fmt.Errorf("lock decision points: %w", err)
	}
	var point string
	var n int
	err = tx.QueryRow(ctx, `
		SELECT d.decision_point, count(*)
		FROM gov_policy_decision_points d
		JOIN gov_policy_versions v ON v.tenant_id = d.tenant_id AND v.policy_id = d.policy_id AND v.state = 'ACTIVE'
		WHERE d.decision_point = ANY(@decision_points)
		GROUP BY d.decision_point
		ORDER BY count(*) DESC, d.decision_point
		LIMIT 1`, pgx.NamedArgs{"decision_points": decisionPoints}).Scan(&point, &n)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("count active policies: %w", err)
	}
	return checkRoom(point, n)
}

func checkRoom(decisionPoint string, n int) error {
	if n <= MaxPolicies {
		return nil
	}
	return errs.New(errs.ResourceExhausted, errs.ReasonLimitReached, "decision point %s has %d active policies, at most %d can be asked together",
		decisionPoint, n, MaxPolicies).With("resource", "active policy").With("limit", strconv.Itoa(MaxPolicies))
}

// find returns what the target leads to, with the compiled versions. What memory had no more room for is read and compiled again.
func (d *Decider) find(ctx context.Context, t target) (resolved, error) {
	r, err := d.cache.get(ctx, t)
	if err != nil {
		return resolved{}, err
	}
	if r.compiled != nil { // just read
		return *r, nil
	}
	found := *r
	if kept, all := d.kept(t.tenant, r.policies); all {
		found.compiled = kept
		return found, nil
	}
	if r, err = d.cache.reload(ctx, t); err != nil {
		return resolved{}, err
	}
	return *r, nil
}

// kept returns the compiled versions of the policies if memory has them all.
func (d *Decider) kept(id tenant.ID, policies []active) (list []*rego.Compiled, all bool) {
	list = make([]*rego.Compiled, len(policies))
	for i, p := range policies {
		if p.broken {
			continue
		}
		var ok bool
		if list[i], ok = d.versions.get(versionKey{id, p.tenure.Version}); !ok {
			return nil, false
		}
	}
	return list, true
}

// read resolves a target from the database and compiles what is not compiled yet.
func (d *Decider) read(ctx context.Context, t target) (*resolved, error) {
	r := &resolved{read: time.Now()}
	var found []policy.ActiveVersion
	var standings map[uuid.UUID]policy.Standing
	var samples map[uuid.UUID]*shadow.Sample
	err := postgres.ReadTenantTx(tenant.NewContext(ctx, t.tenant), d.config.Pool, func(ctx context.Context, tx pgx.Tx) error {
		var err error
		if found, err = activeVersions(ctx, tx, t); err != nil {
			return err
		}
		if r.inputs, err = d.readInputs(ctx, tx, t); err != nil {
			return err
		}
		policies, versions := ids(found)
		if standings, err = policy.Standings(ctx, tx, versions); err != nil {
			return err
		}
		samples, err = shadow.Samples(ctx, tx, policies)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, v := range found {
		compiled, err := d.compile(ctx, t.tenant, v)
		if err != nil {
			return nil, err
		}
		r.compiled = append(r.compiled, compiled)
		r.policies = append(r.policies, active{
			policyID: v.PolicyID, policyName: v.PolicyName, content: v.ContentSHA256, broken: compiled == nil,
			tenure:      rego.Tenure{Version: v.VersionID, Lifts: standings[v.VersionID].Lifts},
			quarantined: standings[v.VersionID].Quarantined,
			shadow:      samples[v.PolicyID],
		})
	}
	return r, nil
}

func ids(found []policy.ActiveVersion) (policies, versions []uuid.UUID) {
	for _, v := range found {
		policies, versions = append(policies, v.PolicyID), append(versions, v.VersionID)
	}
	return policies, versions
}

func activeVersions(ctx context.Context, tx pgx.Tx, t target) ([]policy.ActiveVersion, error) {
	if t.policy != uuid.Nil {
		v, err := policy.ActiveByPolicy(ctx, tx, t.policy)
		return []policy.ActiveVersion{v}, err
	}
	found, err := policy.ActiveByDecisionPoint(ctx, tx, t.point)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, errs.New(errs.FailedPrecondition, errs.ReasonDecisionPointUnbound, "no active policy is bound to the decision point").
			With("decision_point", t.point)
	}
	return found, checkRoom(t.point, len(found))
}

// compile returns the compiled version, or nil when it does not compile any more, as after an upgrade of the engine with a narrower profile.
func (d *Decider) compile(ctx context.Context, id tenant.ID, v policy.ActiveVersion) (*rego.Compiled, error) {
	key := versionKey{id, v.VersionID}
	if c, ok := d.versions.get(key); ok {
		return c, nil
	}
	source, err := rego.StoredSource(v.Modules, v.Data)
	if err != nil {
		return nil, fmt.Errorf("read version %s: %w", v.VersionID, err)
	}
	c, err := d.config.Engine.CompileStored(ctx, id, source)
	if reason := errs.ReasonOf(err); reason == errs.ReasonRegoInvalid || reason == errs.ReasonInvalidField {
		d.config.Log.LogAttrs(ctx, slog.LevelError, "active policy version does not compile and gives no answer",
			slog.String("policy_version_id", v.VersionID.String()), slog.String("tenant_id", id.String()))
		return nil, nil // its answer is ERROR
	}
	if err != nil {
		return nil, fmt.Errorf("compile version %s: %w", v.VersionID, err)
	}
	d.versions.add(key, c)
	return c, nil
}
