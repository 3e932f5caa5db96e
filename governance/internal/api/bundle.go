package api

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/bundle"
	"github.com/aumos-enterprise/platform/governance/internal/bundleport"
	"github.com/aumos-enterprise/platform/governance/internal/sidecar"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/page"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// BundleService serves aumos.governance.v1.BundleService.
type BundleService struct {
	governancev1.UnimplementedBundleServiceServer

	Pool    *pgxpool.Pool // the governance database, as its application role
	Bundles *bundle.Source

	Mutations *Mutations
}

// GetBundle describes the tenant's bundle.
func (s *BundleService) GetBundle(ctx context.Context, _ *governancev1.GetBundleRequest) (*governancev1.GetBundleResponse, error) {
	b, err := s.Bundles.Current(ctx)
	if err != nil {
		return nil, err
	}
	id, _ := tenant.FromContext(ctx)
	m := &governancev1.Bundle{
		Revision: b.Revision, Etag: b.ETag(), Sha256: b.SHA256[:], SizeBytes: int64(len(b.Bytes)), KeyId: b.KeyID, HttpPath: bundleport.Path(id),
	}
	for _, p := range b.Policies {
		m.Policies = append(m.Policies, &governancev1.BundledPolicy{
			PolicyId: p.ID.String(), PolicyName: p.Name, PolicyVersionId: p.VersionID.String(), ContentSha256: p.ContentSHA256[:],
			DecisionPoints: p.DecisionPoints, Quarantined: p.Quarantined,
		})
	}
	return &governancev1.GetBundleResponse{Bundle: m}, nil
}

// ListBundleKeys returns the keys that verify bundles.
func (s *BundleService) ListBundleKeys(context.Context, *governancev1.ListBundleKeysRequest) (*governancev1.ListBundleKeysResponse, error) {
	res := &governancev1.ListBundleKeysResponse{}
	for _, k := range s.Bundles.Keys() {
		res.Keys = append(res.Keys, &governancev1.BundleKey{KeyId: k.ID, Algorithm: bundle.Algorithm, PublicKeyPem: k.PEM})
	}
	return res, nil
}

// RecordHeartbeat keeps what a sidecar says of itself. It is the sidecar's last word and no change of what the platform does, so the wall has no entry.
func (s *BundleService) RecordHeartbeat(
	ctx context.Context, req *governancev1.RecordHeartbeatRequest,
) (*governancev1.RecordHeartbeatResponse, error) {
	report := sidecar.Report{
		ID: req.GetSidecarId(), Version: req.GetVersion(), LoadedRevision: req.GetLoadedRevision(), Healthy: req.GetHealthy(), Message: req.GetMessage(),
	}
	caller, err := audit.Caller(ctx)
	if err != nil {
		return nil, err
	}
	err = postgres.TenantTx(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) error { return sidecar.Record(ctx, tx, caller.ID, report) })
	if err != nil {
		return nil, err
	}
	revision, err := s.Bundles.Revision(ctx)
	return &governancev1.RecordHeartbeatResponse{CurrentRevision: revision}, err
}

// ReleaseSidecar forgets a sidecar and who spoke for it. Unlike heartbeats this is somebody's decision, so the wall has an entry.
func (s *BundleService) ReleaseSidecar(
	ctx context.Context, req *governancev1.ReleaseSidecarRequest,
) (*governancev1.ReleaseSidecarResponse, error) {
	return mutate(ctx, s.Mutations, "bundle.sidecar_release", governancev1.BundleService_ReleaseSidecar_FullMethodName, req,
		func(ctx context.Context, tx pgx.Tx) (*governancev1.ReleaseSidecarResponse, []change, error) {
			owner, err := sidecar.Release(ctx, tx, req.GetSidecarId())
			if err != nil {
				return nil, nil, err
			}
			return &governancev1.ReleaseSidecarResponse{Owner: owner}, []change{{
				eventType: "governance.sidecar_released", resource: auditlog.Resource{Type: "sidecar", ID: req.GetSidecarId()},
				details: map[string]any{"reason": req.GetReason(), "owner": owner},
			}}, nil
		})
}

// ListSidecars lists the sidecars, last heard of first.
func (s *BundleService) ListSidecars(ctx context.Context, req *governancev1.ListSidecarsRequest) (*governancev1.ListSidecarsResponse, error) {
	after, _, err := page.Decode[sidecar.Key](ctx, req, req.GetPageToken())
	if err != nil {
		return nil, err
	}
	revision, err := s.Bundles.Revision(ctx)
	if err != nil {
		return nil, err
	}
	res := &governancev1.ListSidecarsResponse{}
	err = postgres.ReadTenantTx(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) error {
		sidecars, more, err := sidecar.List(ctx, tx, after, page.Size(req.GetPageSize()))
		if err != nil {
			return err
		}
		messages := make([]*governancev1.Sidecar, len(sidecars))
		for i, c := range sidecars {
			messages[i] = &governancev1.Sidecar{
				SidecarId: c.ID, Version: c.Version, LoadedRevision: c.LoadedRevision, UpToDate: c.LoadedRevision == revision, Healthy: c.Healthy,
				Message: c.Message, Alive: c.Alive, FirstSeenTime: timestamppb.New(c.FirstSeenTime), LastSeenTime: timestamppb.New(c.LastSeenTime), Owner: c.Owner,
			}
		}
		res.Sidecars, res.NextPageToken = page.Cut(ctx, req, messages, more, func(last int) sidecar.Key {
			return sidecar.Key{LastSeenTime: sidecars[last].LastSeenTime, ID: sidecars[last].ID}
		})
		return nil
	})
	return res, err
}
