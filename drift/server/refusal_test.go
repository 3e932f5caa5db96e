package server_test

import (
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/aumos-enterprise/platform/drift/internal/drifttest"
	"github.com/aumos-enterprise/platform/pkg/auth"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

const invalid = codes.InvalidArgument

func TestBadRequests(t *testing.T) {
	t.Parallel()
	s := drifttest.Start(t)
	c := s.Client(t, drifttest.NewTenant())
	m := c.Model(t, "taken")
	monitor := c.Monitor(t, "taken too", drifttest.Numeric("x"))
	b := c.Active(t, monitor, drifttest.Batch(drifttest.Numbers("x", drifttest.Sequence(30, 0, 1)...)))
	ctx := t.Context()
	register := func(change func(*driftv1.RegisterModelRequest)) func() error {
		return func() error {
			req := &driftv1.RegisterModelRequest{Name: "model", Task: driftv1.ModelTask_MODEL_TASK_RANKING, Owner: "team"}
			change(req)
			_, err := c.RegisterModel(ctx, req)
			return err
		}
	}
	create := func(change func(*driftv1.CreateMonitorRequest)) func() error {
		return func() error {
			req := &driftv1.CreateMonitorRequest{ModelId: m.GetId(), Name: "monitor", Features: []*driftv1.Feature{drifttest.Numeric("x"), drifttest.Categorical("y")}}
			change(req)
			_, err := c.CreateMonitor(ctx, req)
			return err
		}
	}
	tests := func(tests ...driftv1.DriftTest) []*driftv1.TestSetting {
		var settings []*driftv1.TestSetting
		for _, test := range tests {
			settings = append(settings, &driftv1.TestSetting{Test: test})
		}
		return settings
	}
	manyFeatures := make([]*driftv1.Feature, 501)
	for i := range manyFeatures {
		manyFeatures[i] = drifttest.Numeric(strconv.Itoa(i))
	}
	ks, chi := driftv1.DriftTest_DRIFT_TEST_KOLMOGOROV_SMIRNOV, driftv1.DriftTest_DRIFT_TEST_CHI_SQUARE
	for _, test := range []struct {
		name   string
		call   func() error
		code   codes.Code
		reason string
		field  string
	}{
		{"model without a name", register(func(r *driftv1.RegisterModelRequest) { r.Name = "" }), invalid, "INVALID_FIELD", "name"},
		{"model name with markup", register(func(r *driftv1.RegisterModelRequest) { r.Name = "<b>" }), invalid, "INVALID_FIELD", "name"},
		{"model without a task", register(func(r *driftv1.RegisterModelRequest) { r.Task = 0 }), invalid, "INVALID_FIELD", "task"},
		{"model of an unknown task", register(func(r *driftv1.RegisterModelRequest) { r.Task = 99 }), invalid, "INVALID_FIELD", "task"},
		{"model owner with a NUL", register(func(r *driftv1.RegisterModelRequest) { r.Owner = "a\x00b" }), invalid, "INVALID_FIELD", "owner"},
		{"model description with a NUL", register(func(r *driftv1.RegisterModelRequest) { r.Description = "\x00" }), invalid, "INVALID_FIELD", "description"},
		{"model description too long", register(func(r *driftv1.RegisterModelRequest) { r.Description = strings.Repeat("x", 2001) }), invalid, "INVALID_FIELD", "description"},
		{"request id no UUID", register(func(r *driftv1.RegisterModelRequest) { r.RequestId = "1" }), invalid, "INVALID_FIELD", "request_id"},
		{"model name in use", register(func(r *driftv1.RegisterModelRequest) { r.Name = "taken" }), codes.AlreadyExists, "ALREADY_EXISTS", "name"},
		{"malformed model id", func() error {
			_, err := c.GetModel(ctx, &driftv1.GetModelRequest{ModelId: "x"})
			return err
		}, invalid, "INVALID_FIELD", "model_id"},
		{"unknown model", func() error {
			_, err := c.GetModel(ctx, &driftv1.GetModelRequest{ModelId: uuid.NewString()})
			return err
		}, codes.NotFound, "NOT_FOUND", ""},
		{"list of models by a name with a NUL", func() error {
			_, err := c.ListModels(ctx, &driftv1.ListModelsRequest{Name: "\x00"})
			return err
		}, invalid, "INVALID_FIELD", "name"},
		{"negative page size", func() error {
			_, err := c.ListModels(ctx, &driftv1.ListModelsRequest{PageSize: -1})
			return err
		}, invalid, "INVALID_FIELD", "page_size"},
		{"made-up page token", func() error {
			_, err := c.ListMonitors(ctx, &driftv1.ListMonitorsRequest{PageToken: "AAAA"})
			return err
		}, invalid, "INVALID_PAGE_TOKEN", "page_token"},
		{"monitor of an unknown model", create(func(r *driftv1.CreateMonitorRequest) { r.ModelId = uuid.NewString() }), codes.NotFound, "NOT_FOUND", ""},
		{"monitor name in use", create(func(r *driftv1.CreateMonitorRequest) { r.Name = "taken too" }), codes.AlreadyExists, "ALREADY_EXISTS", "name"},
		{"monitor without features", create(func(r *driftv1.CreateMonitorRequest) { r.Features = nil }), invalid, "INVALID_FIELD", "features"},
		{"monitor of 501 features", create(func(r *driftv1.CreateMonitorRequest) { r.Features = manyFeatures }), invalid, "INVALID_FIELD", "features"},
		{"feature without a type", create(func(r *driftv1.CreateMonitorRequest) { r.Features[1].Type = 0 }), invalid, "INVALID_FIELD", "features[1].type"},
		{"feature twice", create(func(r *driftv1.CreateMonitorRequest) { r.Features[1].Name = "x" }), invalid, "INVALID_FIELD", "features[1].name"},
		{"feature name with a line end", create(func(r *driftv1.CreateMonitorRequest) { r.Features[1].Name = "x\n" }), invalid, "INVALID_FIELD", "features[1].name"},
		{"KS on categories", create(func(r *driftv1.CreateMonitorRequest) { r.Features[1].Tests = tests(chi, ks) }), invalid, "INVALID_FIELD", "features[1].tests[1].test"},
		{"chi-square on numbers", create(func(r *driftv1.CreateMonitorRequest) { r.Features[0].Tests = tests(chi) }), invalid, "INVALID_FIELD", "features[0].tests[0].test"},
		{"test twice", create(func(r *driftv1.CreateMonitorRequest) { r.Features[0].Tests = tests(ks, ks) }), invalid, "INVALID_FIELD", "features[0].tests[1].test"},
		{"effect of NaN", create(func(r *driftv1.CreateMonitorRequest) {
			r.Features[0].Tests = []*driftv1.TestSetting{{Test: ks, MinEffect: new(math.NaN())}}
		}), invalid, "INVALID_FIELD", "features[0].tests[0].min_effect"},
		{"effect of zero", create(func(r *driftv1.CreateMonitorRequest) {
			r.Features[0].Tests = []*driftv1.TestSetting{{Test: ks, MinEffect: new(0.0)}}
		}), invalid, "INVALID_FIELD", "features[0].tests[0].min_effect"},
		{"discovery rate of NaN", create(func(r *driftv1.CreateMonitorRequest) {
			r.Rule = &driftv1.DecisionRule{FalseDiscoveryRate: new(math.NaN())}
		}), invalid, "INVALID_FIELD", "rule.false_discovery_rate"},
		{"one row to be enough", create(func(r *driftv1.CreateMonitorRequest) {
			r.Rule = &driftv1.DecisionRule{MinRows: new(int32(1))}
		}), invalid, "INVALID_FIELD", "rule.min_rows"},
		{"more drifted features than there are", create(func(r *driftv1.CreateMonitorRequest) {
			r.Rule = &driftv1.DecisionRule{MinDriftedFeatures: new(int32(3))}
		}), invalid, "INVALID_FIELD", "rule.min_drifted_features"},
		{"unknown monitor", func() error {
			_, err := c.GetMonitor(ctx, &driftv1.GetMonitorRequest{MonitorId: uuid.NewString()})
			return err
		}, codes.NotFound, "NOT_FOUND", ""},
		{"stale etag", func() error {
			_, err := c.ActivateBaseline(ctx, &driftv1.ActivateBaselineRequest{BaselineId: b.GetId(), Etag: monitor.GetEtag()})
			return err
		}, codes.Aborted, "STALE_ETAG", ""},
		{"unknown baseline", func() error {
			_, err := c.ActivateBaseline(ctx, &driftv1.ActivateBaselineRequest{BaselineId: uuid.NewString()})
			return err
		}, codes.NotFound, "NOT_FOUND", ""},
		{"baselines of an unknown monitor", func() error {
			_, err := c.ListBaselines(ctx, &driftv1.ListBaselinesRequest{MonitorId: uuid.NewString()})
			return err
		}, codes.NotFound, "NOT_FOUND", ""},
		{"unknown detection", func() error {
			_, err := c.GetDetection(ctx, &driftv1.GetDetectionRequest{DetectionId: uuid.NewString()})
			return err
		}, codes.NotFound, "NOT_FOUND", ""},
		{"detections of an unknown status", func() error {
			_, err := c.ListDetections(ctx, &driftv1.ListDetectionsRequest{Status: 99})
			return err
		}, invalid, "INVALID_FIELD", "status"},
	} {
		t.Run(test.name, func(t *testing.T) { drifttest.Want(t, test.call(), test.code, test.reason, test.field) })
	}
}

// TestBadUploads sends every kind of bad data as a baseline and as current data, and looks that nothing is stored.
func TestBadUploads(t *testing.T) {
	t.Parallel()
	s := drifttest.Start(t)
	c := s.Client(t, drifttest.NewTenant())
	m := c.Monitor(t, "m", drifttest.Numeric("x"), drifttest.Categorical("y"))
	good := func() *driftv1.ColumnBatch {
		return drifttest.Batch(drifttest.Numbers("x", drifttest.Sequence(40, 0, 1)...), drifttest.Texts("y", strings.Split(strings.Repeat("a b c d ", 10), " ")[:40]...))
	}
	c.Active(t, m, good())
	names := make([]string, 10_001)
	for i := range names {
		names[i] = strconv.Itoa(i)
	}
	manyColumns := drifttest.Batch()
	for i := range 501 {
		manyColumns.Columns = append(manyColumns.Columns, drifttest.Numbers(strconv.Itoa(i), 1))
	}
	missing := drifttest.Numbers("x", make([]float64, 40)...)
	missing.Validity = make([]byte, 5)
	shortValidity := drifttest.Numbers("x", make([]float64, 40)...)
	shortValidity.Validity = make([]byte, 4)
	type refusal struct {
		name         string
		header       bool
		batches      []*driftv1.ColumnBatch
		code         codes.Code
		reason       string
		field        string
		column, row  string
		onlyBaseline bool
	}
	for _, test := range []refusal{
		{name: "nothing at all", reason: "STREAM_ORDER", field: "header"},
		{name: "no header", batches: []*driftv1.ColumnBatch{good()}, reason: "STREAM_ORDER", field: "batch"},
		{name: "no batch", header: true, reason: "DATA_EMPTY", field: "batch"},
		{name: "no rows", header: true, batches: []*driftv1.ColumnBatch{drifttest.Batch(drifttest.Numbers("x"), drifttest.Texts("y"))}, reason: "DATA_EMPTY", field: "batch"},
		{name: "no columns", header: true, batches: []*driftv1.ColumnBatch{drifttest.Batch()}, reason: "INVALID_FIELD", field: "batch.columns"},
		{name: "501 columns", header: true, batches: []*driftv1.ColumnBatch{manyColumns}, reason: "INVALID_FIELD", field: "batch.columns"},
		{name: "65,537 rows in a batch", header: true, batches: []*driftv1.ColumnBatch{drifttest.Batch(drifttest.Numbers("x", make([]float64, 65_537)...))}, reason: "INVALID_FIELD", field: "batch.columns[0].numbers.values"},
		{name: "column without values", header: true, batches: []*driftv1.ColumnBatch{drifttest.Batch(&driftv1.Column{Name: "x"})}, reason: "INVALID_FIELD", field: "batch.columns[0].values"},
		{name: "unknown column", header: true, batches: []*driftv1.ColumnBatch{good(), drifttest.Batch(append(good().GetColumns(), drifttest.Numbers("z", make([]float64, 40)...))...)}, reason: "COLUMN_UNKNOWN", field: "batch.columns[2].name", column: "z"},
		{name: "missing column", header: true, batches: []*driftv1.ColumnBatch{drifttest.Batch(good().GetColumns()[0])}, reason: "COLUMN_MISSING", field: "batch.columns", column: "y"},
		{name: "duplicate column", header: true, batches: []*driftv1.ColumnBatch{drifttest.Batch(append(good().GetColumns(), good().GetColumns()[0])...)}, reason: "COLUMN_DUPLICATE", field: "batch.columns[2].name", column: "x"},
		{name: "mistyped column", header: true, batches: []*driftv1.ColumnBatch{drifttest.Batch(drifttest.Booleans("x", true), drifttest.Texts("y", "a"))}, reason: "COLUMN_TYPE", field: "batch.columns[0].booleans", column: "x"},
		{name: "columns of different length", header: true, batches: []*driftv1.ColumnBatch{drifttest.Batch(drifttest.Numbers("x", 1, 2), drifttest.Texts("y", "a"))}, reason: "COLUMN_LENGTH", field: "batch.columns[1].texts.values", column: "y"},
		{name: "short validity", header: true, batches: []*driftv1.ColumnBatch{drifttest.Batch(shortValidity, good().GetColumns()[1])}, reason: "COLUMN_LENGTH", field: "batch.columns[0].validity", column: "x"},
		{name: "infinite", header: true, batches: []*driftv1.ColumnBatch{good(), drifttest.Batch(drifttest.Numbers("x", 1, math.Inf(1)), drifttest.Texts("y", "a", "b"))}, reason: "VALUE_NOT_FINITE", field: "batch.columns[0].numbers.values[1]", column: "x", row: "41"},
		{name: "long category", header: true, batches: []*driftv1.ColumnBatch{drifttest.Batch(drifttest.Numbers("x", 1), drifttest.Texts("y", strings.Repeat("é", 600)))}, reason: "VALUE_TOO_LONG", field: "batch.columns[1].texts.values[0]", column: "y", row: "0"},
		{name: "category of 3 MB", header: true, batches: []*driftv1.ColumnBatch{drifttest.Batch(drifttest.Numbers("x", 1), drifttest.Texts("y", strings.Repeat("x", 3<<20)))}, reason: "VALUE_TOO_LONG", field: "batch.columns[1].texts.values[0]", column: "y", row: "0"},
		{name: "category of 10 MB", header: true, batches: []*driftv1.ColumnBatch{drifttest.Batch(drifttest.Numbers("x", 1), drifttest.Texts("y", strings.Repeat("x", 10<<20)))}, reason: "VALUE_TOO_LONG", field: "batch.columns[1].texts.values[0]", column: "y", row: "0"},
		{name: "message of 20 MB", header: true, batches: []*driftv1.ColumnBatch{drifttest.Batch(drifttest.Numbers("x", 1), drifttest.Texts("y", strings.Repeat("x", 20<<20)))}, code: codes.ResourceExhausted},
		{name: "10,001 categories", header: true, batches: []*driftv1.ColumnBatch{drifttest.Batch(drifttest.Numbers("x", make([]float64, 10_001)...), drifttest.Texts("y", names...))}, reason: "CARDINALITY_TOO_HIGH", field: "batch.columns[1].texts.values[10000]", column: "y"},
		{name: "column without a value", header: true, batches: []*driftv1.ColumnBatch{drifttest.Batch(missing, good().GetColumns()[1])}, reason: "BASELINE_TOO_SMALL", field: "batch", column: "x", onlyBaseline: true},
		{name: "too few rows", header: true, batches: []*driftv1.ColumnBatch{drifttest.Batch(drifttest.Numbers("x", drifttest.Sequence(29, 0, 1)...), drifttest.Texts("y", make([]string, 29)...))}, reason: "BASELINE_TOO_SMALL", field: "batch", column: "x", onlyBaseline: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			check := func(t *testing.T, err error) {
				t.Helper()
				code := test.code
				if code == codes.OK {
					code = invalid
				}
				if test.reason == "" { // gRPC answers by itself when a message is over its limit
					if status.Code(err) != code {
						t.Errorf("got %v, want %s", err, code)
					}
					return
				}
				r := drifttest.Want(t, err, code, test.reason, test.field)
				if r.Metadata["column"] != test.column || r.Metadata["row"] != test.row {
					t.Errorf("got metadata %v", r.Metadata)
				}
			}
			var upload *driftv1.UploadBaselineHeader
			var run *driftv1.RunDetectionHeader
			if test.header {
				upload, run = &driftv1.UploadBaselineHeader{MonitorId: m.GetId()}, &driftv1.RunDetectionHeader{MonitorId: m.GetId()}
			}
			_, err := c.Upload(t, upload, test.batches...)
			check(t, err)
			if !test.onlyBaseline {
				_, err = c.Run(t, run, test.batches...)
				check(t, err)
			}
		})
	}
	t.Run("header twice", func(t *testing.T) {
		header := &driftv1.UploadBaselineRequest{Part: &driftv1.UploadBaselineRequest_Header{Header: &driftv1.UploadBaselineHeader{MonitorId: m.GetId()}}}
		_, err := c.UploadParts(t, header, header)
		drifttest.Want(t, err, invalid, "STREAM_ORDER", "header")
	})
	t.Run("neither header nor batch", func(t *testing.T) {
		_, err := c.UploadParts(t, &driftv1.UploadBaselineRequest{})
		drifttest.Want(t, err, invalid, "INVALID_FIELD", "part")
	})
	t.Run("malformed monitor id", func(t *testing.T) {
		_, err := c.Run(t, &driftv1.RunDetectionHeader{MonitorId: "m"}, good())
		drifttest.Want(t, err, invalid, "INVALID_FIELD", "header.monitor_id")
	})
	t.Run("unknown monitor", func(t *testing.T) {
		_, err := c.Upload(t, &driftv1.UploadBaselineHeader{MonitorId: uuid.NewString()}, good())
		drifttest.Want(t, err, codes.NotFound, "NOT_FOUND", "")
	})
	t.Run("description with a NUL", func(t *testing.T) {
		_, err := c.Upload(t, &driftv1.UploadBaselineHeader{MonitorId: m.GetId(), Description: "a\x00"}, good())
		drifttest.Want(t, err, invalid, "INVALID_FIELD", "header.description")
		_, err = c.Run(t, &driftv1.RunDetectionHeader{MonitorId: m.GetId(), Description: "a\x00"}, good())
		drifttest.Want(t, err, invalid, "INVALID_FIELD", "header.description")
	})
	t.Run("no active baseline", func(t *testing.T) {
		fresh := c.Monitor(t, "fresh", drifttest.Numeric("x"))
		_, err := c.Run(t, &driftv1.RunDetectionHeader{MonitorId: fresh.GetId()}, drifttest.Batch(drifttest.Numbers("x", 1)))
		drifttest.Want(t, err, codes.FailedPrecondition, "BASELINE_NOT_ACTIVE", "header.monitor_id")
	})

	list, err := c.ListBaselines(t.Context(), &driftv1.ListBaselinesRequest{MonitorId: m.GetId()})
	if err != nil || len(list.GetBaselines()) != 1 {
		t.Errorf("got %d baselines, %v: bad uploads left something behind", len(list.GetBaselines()), err)
	}
	detections, err := c.ListDetections(t.Context(), &driftv1.ListDetectionsRequest{})
	if err != nil || len(detections.GetDetections()) != 0 {
		t.Errorf("got %d detections, %v: bad runs left something behind", len(detections.GetDetections()), err)
	}
	next, err := c.Upload(t, &driftv1.UploadBaselineHeader{MonitorId: m.GetId()}, good())
	if err != nil || next.GetNumber() != 2 {
		t.Errorf("the next baseline has number %d, %v", next.GetNumber(), err)
	}
}

func TestWhoMayCall(t *testing.T) {
	t.Parallel()
	s := drifttest.Start(t)
	id := drifttest.NewTenant()
	engineer := s.Client(t, id)
	m := engineer.Monitor(t, "m", drifttest.Numeric("x"))
	viewer := s.Client(t, id, auth.RoleViewer)
	if _, err := viewer.GetMonitor(t.Context(), &driftv1.GetMonitorRequest{MonitorId: m.GetId()}); err != nil {
		t.Errorf("a viewer reads: %v", err)
	}
	_, err := viewer.RegisterModel(t.Context(), &driftv1.RegisterModelRequest{Name: "n", Task: 1, Owner: "o"})
	if r := drifttest.Want(t, err, codes.PermissionDenied, "PERMISSION_MISSING", ""); r.Metadata["permission"] != "model.write" {
		t.Errorf("got %v", r.Metadata)
	}
	_, err = viewer.Upload(t, &driftv1.UploadBaselineHeader{MonitorId: m.GetId()}, drifttest.Batch(drifttest.Numbers("x", 1)))
	drifttest.Want(t, err, codes.PermissionDenied, "PERMISSION_MISSING", "")
	_, err = viewer.Run(t, &driftv1.RunDetectionHeader{MonitorId: m.GetId()}, drifttest.Batch(drifttest.Numbers("x", 1)))
	drifttest.Want(t, err, codes.PermissionDenied, "PERMISSION_MISSING", "")

	_, err = s.ClientWithToken(t, id, "").GetMonitor(t.Context(), &driftv1.GetMonitorRequest{MonitorId: m.GetId()})
	drifttest.Want(t, err, codes.Unauthenticated, "INVALID_TOKEN", "")
	expired := s.Issuer.Sign(t, map[string]any{
		"sub": "engineer", "tenant_id": id.String(), "roles": []string{"ml-engineer"}, "aud": s.Issuer.Audience(), "iss": s.Issuer.URL(),
		"exp": time.Now().Add(-time.Hour).Unix(), "iat": time.Now().Add(-2 * time.Hour).Unix(),
	})
	_, err = s.ClientWithToken(t, id, expired).GetMonitor(t.Context(), &driftv1.GetMonitorRequest{MonitorId: m.GetId()})
	drifttest.Want(t, err, codes.Unauthenticated, "INVALID_TOKEN", "")
}
