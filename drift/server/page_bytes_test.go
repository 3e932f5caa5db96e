package server_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/proto"

	"github.com/aumos-enterprise/platform/drift/internal/drifttest"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// TestPagesFitMessages walks through lists of the largest rows, in messages of the size that a gRPC client takes unless it was told otherwise: a page ends
// early and leads on, nothing comes twice, and nothing is left out.
func TestPagesFitMessages(t *testing.T) {
	t.Parallel()
	s := drifttest.Start(t)
	c := s.Client(t, drifttest.NewTenant())
	data := drifttest.Batch(drifttest.Numbers("x", drifttest.Sequence(30, 0, 1)...))
	m := c.Monitor(t, "m", drifttest.Numeric("x"))
	c.Active(t, m, data)
	d, err := c.Run(t, &driftv1.RunDetectionHeader{MonitorId: m.GetId()}, data)
	if err != nil {
		t.Fatal(err)
	}
	const rows = 600
	ids := make([]uuid.UUID, rows)
	for i := range ids {
		ids[i] = uuid.Must(uuid.NewV7())
	}
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return strings.Compare(b.String(), a.String()) }) // as they are listed
	var want []string
	for _, id := range ids {
		want = append(want, id.String())
	}
	args := pgx.NamedArgs{"ids": ids, "detection": d.GetId(), "owner": strings.Repeat("😀", 255), "description": strings.Repeat("😀", 2000)}
	err = postgres.TenantTx(tenant.NewContext(t.Context(), c.Tenant), s.DB.App, func(ctx context.Context, tx pgx.Tx) error {
		for _, sql := range []string{
			`INSERT INTO drf_models (id, name, task, owner, description)
			SELECT new, new::text, 'REGRESSION', @owner, @description FROM unnest(@ids::uuid[]) AS new`,
			`INSERT INTO drf_evidence (entry_id, kind, subject_id, payload, state, leaf_index, leaf_hash, receipt, record_time)
			SELECT new, e.kind, e.subject_id, e.payload, e.state, e.leaf_index, e.leaf_hash, e.receipt, e.record_time
			FROM drf_detections d JOIN drf_evidence e ON e.entry_id = d.entry_id, unnest(@ids::uuid[]) AS new
			WHERE d.id = @detection::uuid`,
			`INSERT INTO drf_detections (id, monitor_id, model_id, baseline_id, baseline_fingerprint, description, status, severity, row_count, feature_count,
				drifted_feature_count, false_discovery_rate, min_rows, min_drifted_features, document, document_sha256, entry_id, create_time)
			SELECT new, monitor_id, model_id, baseline_id, baseline_fingerprint, @description, 'DRIFT', severity, row_count, feature_count,
				drifted_feature_count, false_discovery_rate, min_rows, min_drifted_features, document, document_sha256, new, create_time
			FROM drf_detections d, unnest(@ids::uuid[]) AS new
			WHERE d.id = @detection::uuid`,
		} {
			if _, err := tx.Exec(ctx, sql, args); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, list := range map[string]func(token string) (proto.Message, []string, string, error){
		"models": func(token string) (proto.Message, []string, string, error) {
			res, err := c.ListModels(t.Context(), &driftv1.ListModelsRequest{PageSize: 500, PageToken: token})
			return res, idsOf(res.GetModels()), res.GetNextPageToken(), err
		},
		"detections": func(token string) (proto.Message, []string, string, error) {
			res, err := c.ListDetections(t.Context(), &driftv1.ListDetectionsRequest{Status: driftv1.DriftStatus_DRIFT_STATUS_DRIFT, PageSize: 500, PageToken: token})
			return res, idsOf(res.GetDetections()), res.GetNextPageToken(), err
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			pages := 0
			for token := ""; pages == 0 || token != ""; pages++ {
				res, ids, next, err := list(token)
				if err != nil || len(ids) == 0 || proto.Size(res) > 4<<20 {
					t.Fatalf("a page of %d rows, %d bytes: %v", len(ids), proto.Size(res), err)
				}
				got, token = append(got, ids...), next
			}
			if name == "models" && got[len(got)-1] == m.GetModelId() { // that of the monitor is the oldest
				got = got[:len(got)-1]
			}
			if !slices.Equal(got, want) || pages < 2 {
				t.Errorf("%d of %d rows on %d pages", len(got), rows, pages)
			}
		})
	}
}

func idsOf[M interface{ GetId() string }](messages []M) []string {
	ids := make([]string, len(messages))
	for i, m := range messages {
		ids[i] = m.GetId()
	}
	return ids
}
