package bundle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/aumos-enterprise/platform/governance/internal/policy"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

const (
	// maxContent bounds the rewritten sources and the data documents of one tenant's active policies.
	maxContent = 32 << 20
	// cachedBundles and cachedParts bound what is kept of all tenants, in bytes.
	cachedBundles = 64 << 20
	cachedParts   = 64 << 20
	// maxBuilds is the number of bundles that are made at the same time, of different tenants.
	maxBuilds = 2
)

// SourceConfig says what a source works with.
type SourceConfig struct {
	Pool    *pgxpool.Pool // the governance database, as its application role
	Engine  *rego.Engine
	Log     *slog.Logger
	Signing *Key        // nil: there are no bundles
	Known   []PublicKey // that sidecars are to know, the signing one first
}

// Source makes the bundles of tenants. What it keeps is named by its content, so nothing of it is ever out of date.
type Source struct {
	config  SourceConfig
	bundles *cache[tenant.ID, *Bundle]
	parts   *cache[partKey, *Part]
	turns   *turns
}

// partKey names a part. The tenant is in it, although ids are unique, so that no mistake elsewhere can cross tenants.
type partKey struct {
	tenant  tenant.ID
	version uuid.UUID
}

// NewSource makes a source.
func NewSource(c SourceConfig) (*Source, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := &Source{config: c, turns: newTurns(maxBuilds)}
	var err error
	if s.bundles, err = newCache[tenant.ID, *Bundle](cachedBundles); err != nil {
		return nil, err
	}
	s.parts, err = newCache[partKey, *Part](cachedParts)
	return s, err
}

// Keys returns the keys that sidecars are to know, the signing one first.
func (s *Source) Keys() []PublicKey { return s.config.Known }

// Revision returns the revision of the bundle of ctx's tenant as it would be served now.
func (s *Source) Revision(ctx context.Context) (string, error) {
	policies, err := s.active(ctx)
	return RevisionOf(policies), err
}

// Current returns the bundle of ctx's tenant: that of the policies that are active in the database now.
func (s *Source) Current(ctx context.Context) (*Bundle, error) {
	id, ok := tenant.FromContext(ctx)
	if !ok {
		return nil, errors.New("make bundle: no tenant in context")
	}
	if s.config.Signing == nil {
		return nil, errs.New(errs.FailedPrecondition, errs.ReasonBundlesKeyMissing, "the service has no key to sign bundles with: its operator sets BUNDLES__SIGNING_KEY")
	}
	policies, err := s.active(ctx)
	if err != nil {
		return nil, err
	}
	revision := RevisionOf(policies)
	if b, ok := s.bundles.get(id); ok && b.Revision == revision {
		return b, nil
	}
	done, err := s.turns.take(ctx, id)
	if err != nil {
		return nil, err
	}
	defer done()
	if b, ok := s.bundles.get(id); ok && b.Revision == revision { // made while we waited
		return b, nil
	}
	parts, err := s.load(ctx, id, policies)
	if err != nil {
		return nil, err
	}
	b, err := Build(policies, parts, s.config.Signing, id.String())
	if err != nil {
		return nil, err
	}
	s.bundles.put(id, b)
	return b, nil
}

// active returns the tenant's policies with an active version, by name, bytewise. Decision points have one order, whatever the policy's is.
func (s *Source) active(ctx context.Context) (policies []Policy, err error) {
	err = postgres.ReadTenantTx(ctx, s.config.Pool, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `
			SELECT p.id, p.name, v.id AS version_id, v.content_sha256, q.quarantine_time IS NOT NULL AS quarantined,
				ARRAY(
					SELECT d.decision_point
					FROM gov_policy_decision_points d
					WHERE d.tenant_id = p.tenant_id AND d.policy_id = p.id
					ORDER BY d.decision_point COLLATE "C"
				) AS decision_points
			FROM gov_policy_versions v
			JOIN gov_policies p ON p.tenant_id = v.tenant_id AND p.id = v.policy_id
			LEFT JOIN gov_policy_quarantines q ON q.tenant_id = v.tenant_id AND q.version_id = v.id
			WHERE v.state = 'ACTIVE'
			ORDER BY p.name COLLATE "C"`)
		if err != nil {
			return err
		}
		policies, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (p Policy, err error) {
			err = row.Scan(&p.ID, &p.Name, &p.VersionID, (*policy.Digest)(&p.ContentSHA256), &p.Quarantined, &p.DecisionPoints)
			return p, err
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("select active versions: %w", err)
	}
	return policies, nil
}

// load returns the parts of the policies' versions.
func (s *Source) load(ctx context.Context, id tenant.ID, policies []Policy) (map[uuid.UUID]*Part, error) {
	parts, size := make(map[uuid.UUID]*Part, len(policies)), 0
	for _, p := range policies {
		if p.Quarantined {
			parts[p.VersionID] = Silent(rego.Quarantined)
			continue
		}
		part, err := s.part(ctx, id, p.VersionID)
		if err != nil {
			return nil, err
		}
		if size += part.size(); size > maxContent {
			return nil, errs.New(errs.ResourceExhausted, errs.ReasonLimitReached, "the active policies are too large for one bundle: at most %d bytes together", maxContent).
				With("resource", "bundle byte").With("limit", strconv.Itoa(maxContent))
		}
		parts[p.VersionID] = part
	}
	return parts, nil
}

// part makes the part of a version. Versions never change, so it is the right one also when another is activated meanwhile.
func (s *Source) part(ctx context.Context, id tenant.ID, version uuid.UUID) (*Part, error) {
	key := partKey{id, version}
	if part, ok := s.parts.get(key); ok {
		return part, nil
	}
	var v policy.Version
	err := postgres.ReadTenantTx(ctx, s.config.Pool, func(ctx context.Context, tx pgx.Tx) (err error) {
		v, err = policy.GetVersion(ctx, tx, version)
		return err
	})
	if err != nil {
		return nil, err
	}
	part, err := s.rewrite(ctx, id, v)
	if err != nil {
		return nil, err
	}
	s.parts.put(key, part)
	return part, nil
}

// rewrite makes the part, a broken one when the version does not compile any more, as after an upgrade of the engine with a narrower profile: one version that
// gives no answer must not keep sidecars from all others.
func (s *Source) rewrite(ctx context.Context, id tenant.ID, v policy.Version) (*Part, error) {
	broken := func(err error) (*Part, error) {
		s.config.Log.LogAttrs(ctx, slog.LevelError, "active policy version gives no answer in bundles", slog.Any("error", err),
			slog.String("policy_version_id", v.ID.String()), slog.String("tenant_id", id.String()))
		return Silent(rego.BuiltinError), nil
	}
	source, err := rego.StoredSource(v.Modules, v.Data)
	if err != nil {
		return broken(err)
	}
	_, err = s.config.Engine.CompileStored(ctx, id, source)
	if reason := errs.ReasonOf(err); reason == errs.ReasonRegoInvalid || reason == errs.ReasonInvalidField {
		return broken(err)
	}
	if err != nil {
		return nil, fmt.Errorf("compile version %s: %w", v.ID, err)
	}
	part, err := NewPart(v.ID, source.Modules, v.Data)
	if err != nil {
		return broken(err)
	}
	return part, nil
}
