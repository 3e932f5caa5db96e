package cli_test

import (
	"context"
	"crypto/sha256"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

const bundlePath = "/bundles/" + tenantID + "/bundle.tar.gz"

// bundleDouble has one bundle and some sidecars, one a page.
type bundleDouble struct {
	governancev1.UnimplementedBundleServiceServer

	body     string
	sidecars []*governancev1.Sidecar
	keys     []*governancev1.BundleKey
}

func (d *bundleDouble) GetBundle(context.Context, *governancev1.GetBundleRequest) (*governancev1.GetBundleResponse, error) {
	sum := sha256.Sum256([]byte(d.body))
	b := &governancev1.Bundle{
		Revision: "cafe", Sha256: sum[:], SizeBytes: int64(len(d.body)), KeyId: "aumos-1", HttpPath: bundlePath,
	}
	if d.body != "" {
		b.Policies = []*governancev1.BundledPolicy{{
			PolicyName: "Amounts", PolicyVersionId: "0198c0de-0000-7000-8000-0000000000b1", ContentSha256: sum[:], DecisionPoints: []string{"order.pay", "order.ship"},
		}}
	}
	return &governancev1.GetBundleResponse{Bundle: b}, nil
}

func (d *bundleDouble) ListBundleKeys(context.Context, *governancev1.ListBundleKeysRequest) (*governancev1.ListBundleKeysResponse, error) {
	return &governancev1.ListBundleKeysResponse{Keys: d.keys}, nil
}

func (d *bundleDouble) ListSidecars(_ context.Context, req *governancev1.ListSidecarsRequest) (*governancev1.ListSidecarsResponse, error) {
	at := len(req.GetPageToken())
	if at >= len(d.sidecars) {
		return &governancev1.ListSidecarsResponse{}, nil
	}
	res := &governancev1.ListSidecarsResponse{Sidecars: d.sidecars[at : at+1]}
	if at+1 < len(d.sidecars) {
		res.NextPageToken = req.GetPageToken() + "x"
	}
	return res, nil
}

func (d *bundleDouble) ReleaseSidecar(_ context.Context, req *governancev1.ReleaseSidecarRequest) (*governancev1.ReleaseSidecarResponse, error) {
	for i, s := range d.sidecars {
		if s.GetSidecarId() == req.GetSidecarId() && req.GetReason() != "" && req.GetRequestId() != "" {
			d.sidecars = slices.Delete(d.sidecars, i, i+1)
			return &governancev1.ReleaseSidecarResponse{Owner: s.GetOwner()}, nil
		}
	}
	return nil, refuse(codes.NotFound, "NOT_FOUND", "sidecar not found")
}

// serve serves what the port for bundles does.
func (d *bundleDouble) serve(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != bundlePath || r.Header.Get("Authorization") != "Bearer "+goodToken {
			http.Error(w, `{"reason":"NOT_FOUND"}`, http.StatusNotFound)
			return
		}
		_, _ = w.Write([]byte("the bundle"))
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// sidecar is one that was heard of just now.
func sidecar(id string, change func(*governancev1.Sidecar)) *governancev1.Sidecar {
	s := &governancev1.Sidecar{
		SidecarId: id, Version: "opa/1.22.2", LoadedRevision: "cafe0123456789", UpToDate: true, Healthy: true, Alive: true, LastSeenTime: timestamppb.New(time.Now()),
		Owner: "svc-" + id,
	}
	change(s)
	return s
}
