package cli_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

// driftDouble keeps models, monitors and baselines, and finds drift where current data differs from the baseline at all.
type driftDouble struct {
	driftv1.UnimplementedModelServiceServer
	driftv1.UnimplementedMonitorServiceServer
	driftv1.UnimplementedBaselineServiceServer
	driftv1.UnimplementedDetectionServiceServer

	pending int                 // so many times a detection's evidence is still pending when it is asked for
	verdict driftv1.DriftStatus // of every detection, if set
	refuse  error               // the answer to uploads, if set; the stream is not read
	silent  chan struct{}       // if set, uploads are answered when it is closed

	mu         sync.Mutex // guards what follows
	models     []*driftv1.Model
	monitors   []*driftv1.Monitor
	baselines  []*driftv1.Baseline
	requests   map[string]*driftv1.Baseline
	detections []*driftv1.Detection
	uploads    int
	batches    []*driftv1.ColumnBatch // of the last upload that ended
	compared   []compared
}

func newDriftDouble() *driftDouble {
	return &driftDouble{requests: make(map[string]*driftv1.Baseline)}
}

func (d *driftDouble) RegisterModel(_ context.Context, req *driftv1.RegisterModelRequest) (*driftv1.RegisterModelResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	m := &driftv1.Model{Id: id(400 + len(d.models)), Name: req.GetName(), Task: req.GetTask(), Owner: req.GetOwner()}
	d.models = append(d.models, m)
	return &driftv1.RegisterModelResponse{Model: m}, nil
}

func (d *driftDouble) ListModels(_ context.Context, req *driftv1.ListModelsRequest) (*driftv1.ListModelsResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	res := &driftv1.ListModelsResponse{}
	for _, m := range d.models {
		if m.GetName() == req.GetName() {
			res.Models = append(res.Models, m)
		}
	}
	return res, nil
}

// CreateMonitor fills in the defaults, as the service does.
func (d *driftDouble) CreateMonitor(_ context.Context, req *driftv1.CreateMonitorRequest) (*driftv1.CreateMonitorResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	m := &driftv1.Monitor{Id: id(500 + len(d.monitors)), ModelId: req.GetModelId(), Name: req.GetName(), Rule: &driftv1.DecisionRule{
		FalseDiscoveryRate: new(0.05), MinRows: proto.Int32(30), MinDriftedFeatures: proto.Int32(1),
	}}
	proto.Merge(m.GetRule(), req.GetRule())
	for _, f := range req.GetFeatures() {
		f = proto.CloneOf(f)
		if len(f.GetTests()) == 0 {
			test := driftv1.DriftTest_DRIFT_TEST_CHI_SQUARE
			if f.GetType() == driftv1.FeatureType_FEATURE_TYPE_NUMERIC {
				test = driftv1.DriftTest_DRIFT_TEST_KOLMOGOROV_SMIRNOV
			}
			f.Tests = []*driftv1.TestSetting{{Test: test}}
		}
		for _, test := range f.GetTests() {
			if test.MinEffect == nil {
				test.MinEffect = new(0.1)
			}
		}
		f.Tests = append(f.Tests, &driftv1.TestSetting{Test: driftv1.DriftTest_DRIFT_TEST_MISSING_RATE, MinEffect: new(0.05)})
		m.Features = append(m.Features, f)
	}
	d.monitors = append(d.monitors, m)
	return &driftv1.CreateMonitorResponse{Monitor: m}, nil
}

func (d *driftDouble) ListMonitors(_ context.Context, req *driftv1.ListMonitorsRequest) (*driftv1.ListMonitorsResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	res := &driftv1.ListMonitorsResponse{}
	for _, m := range d.monitors {
		if m.GetName() == req.GetName() {
			res.Monitors = append(res.Monitors, proto.CloneOf(m))
		}
	}
	return res, nil
}

func (d *driftDouble) monitor(id string) *driftv1.Monitor {
	i := slices.IndexFunc(d.monitors, func(m *driftv1.Monitor) bool { return m.GetId() == id })
	return d.monitors[i]
}

// collected is what an upload brought: the rows, and a fingerprint that does not depend on their order or on batches.
type collected struct {
	rows        int64
	fingerprint []byte
}

// collect reads batches until the stream ends and checks that they are well formed.
func (d *driftDouble) collect(monitor *driftv1.Monitor, next func() (*driftv1.ColumnBatch, error)) (c collected, err error) {
	var batches []*driftv1.ColumnBatch
	values := make(map[string][]string)
	for {
		batch, err := next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return c, err
		}
		batches = append(batches, proto.CloneOf(batch))
		rows := -1
		for _, column := range batch.GetColumns() {
			texts := columnTexts(column)
			if rows >= 0 && len(texts) != rows {
				return c, refuse(codes.InvalidArgument, "COLUMN_LENGTH", "the columns differ in length")
			}
			rows = len(texts)
			values[column.GetName()] = append(values[column.GetName()], texts...)
		}
		c.rows += int64(rows)
		if len(batch.GetColumns()) != len(monitor.GetFeatures()) {
			return c, refuse(codes.InvalidArgument, "COLUMN_MISSING", "a feature is missing")
		}
	}
	h := sha256.New()
	for _, f := range monitor.GetFeatures() {
		column := values[f.GetName()]
		slices.Sort(column)
		fmt.Fprintf(h, "%q%q", f.GetName(), column)
	}
	c.fingerprint = h.Sum(nil)
	d.mu.Lock()
	d.batches = batches
	d.mu.Unlock()
	return c, nil
}

func columnTexts(c *driftv1.Column) []string {
	var texts []string
	switch v := c.GetValues().(type) {
	case *driftv1.Column_Numbers:
		for _, x := range v.Numbers.GetValues() {
			texts = append(texts, fmt.Sprint(x))
		}
	case *driftv1.Column_Texts:
		texts = append(texts, v.Texts.GetValues()...)
	case *driftv1.Column_Booleans:
		for _, x := range v.Booleans.GetValues() {
			texts = append(texts, strconv.FormatBool(x))
		}
	}
	for i := range texts {
		if len(c.GetValidity()) > 0 && c.GetValidity()[i/8]&(1<<(i%8)) == 0 {
			texts[i] = "(missing)"
		}
	}
	return texts
}

func (d *driftDouble) UploadBaseline(stream grpc.ClientStreamingServer[driftv1.UploadBaselineRequest, driftv1.UploadBaselineResponse]) error {
	if d.refuse != nil {
		return d.refuse
	}
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	d.mu.Lock()
	monitor := d.monitor(first.GetHeader().GetMonitorId())
	d.mu.Unlock()
	data, err := d.collect(monitor, func() (*driftv1.ColumnBatch, error) {
		m, err := stream.Recv()
		return m.GetBatch(), err
	})
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.uploads++
	b, replayed := d.requests[first.GetHeader().GetRequestId()]
	if !replayed {
		b = &driftv1.Baseline{
			Id: id(600 + len(d.baselines)), MonitorId: monitor.GetId(), Number: int32(len(d.baselines) + 1), Description: first.GetHeader().GetDescription(),
			State: driftv1.BaselineState_BASELINE_STATE_READY, RowCount: data.rows, FingerprintSha256: data.fingerprint,
		}
		d.baselines = append(d.baselines, b)
		d.requests[first.GetHeader().GetRequestId()] = b
	}
	return stream.SendAndClose(&driftv1.UploadBaselineResponse{Baseline: b})
}

func (d *driftDouble) GetBaseline(_ context.Context, req *driftv1.GetBaselineRequest) (*driftv1.GetBaselineResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, b := range d.baselines {
		if b.GetId() == req.GetBaselineId() {
			return &driftv1.GetBaselineResponse{Baseline: b}, nil
		}
	}
	return nil, refuse(codes.NotFound, "NOT_FOUND", "baseline not found")
}

func (d *driftDouble) ActivateBaseline(ctx context.Context, req *driftv1.ActivateBaselineRequest) (*driftv1.ActivateBaselineResponse, error) {
	res, err := d.GetBaseline(ctx, &driftv1.GetBaselineRequest{BaselineId: req.GetBaselineId()})
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	monitor := d.monitor(res.GetBaseline().GetMonitorId())
	monitor.ActiveBaselineId = req.GetBaselineId()
	return &driftv1.ActivateBaselineResponse{Baseline: res.GetBaseline(), Monitor: monitor}, nil
}

func (d *driftDouble) RunDetection(stream grpc.ClientStreamingServer[driftv1.RunDetectionRequest, driftv1.RunDetectionResponse]) error {
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	d.mu.Lock()
	monitor := d.monitor(first.GetHeader().GetMonitorId())
	d.mu.Unlock()
	data, err := d.collect(monitor, func() (*driftv1.ColumnBatch, error) {
		m, err := stream.Recv()
		return m.GetBatch(), err
	})
	if err != nil {
		return err
	}
	if d.silent != nil {
		<-d.silent
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	detection := detectionOf(monitor, data.rows, first.GetHeader().GetDescription())
	for _, b := range d.baselines {
		if b.GetId() == monitor.GetActiveBaselineId() && string(b.GetFingerprintSha256()) == string(data.fingerprint) {
			detection.Status, detection.DriftedFeatureCount = driftv1.DriftStatus_DRIFT_STATUS_OK, 0
		}
	}
	if d.verdict != 0 {
		detection.Status = d.verdict
	}
	if d.pending == 0 {
		record(detection)
	}
	d.detections = append(d.detections, detection)
	return stream.SendAndClose(&driftv1.RunDetectionResponse{Detection: detection})
}

func (d *driftDouble) GetDetection(_ context.Context, req *driftv1.GetDetectionRequest) (*driftv1.GetDetectionResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, detection := range d.detections {
		if detection.GetId() == req.GetDetectionId() {
			if d.pending--; d.pending <= 0 {
				record(detection)
			}
			return &driftv1.GetDetectionResponse{Detection: proto.CloneOf(detection)}, nil
		}
	}
	return nil, refuse(codes.NotFound, "NOT_FOUND", "detection not found")
}

func (d *driftDouble) ListDetections(_ context.Context, req *driftv1.ListDetectionsRequest) (*driftv1.ListDetectionsResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	res := &driftv1.ListDetectionsResponse{}
	for _, detection := range d.detections {
		if (req.GetStatus() == 0 || req.GetStatus() == detection.GetStatus()) && (req.GetMonitorId() == "" || req.GetMonitorId() == detection.GetMonitorId()) {
			head := proto.CloneOf(detection)
			head.Features, head.Document = nil, nil
			res.Detections = append(res.Detections, head)
		}
	}
	return res, nil
}

func record(d *driftv1.Detection) {
	d.Evidence = &driftv1.Evidence{
		State: driftv1.EvidenceState_EVIDENCE_STATE_RECORDED, EntryId: entryID(1), LeafIndex: 12, LeafHash: make([]byte, 32), Receipt: "c2sp.org/tlog-proof@v1\n",
	}
}

// detectionOf is a detection with one feature of each kind of result.
func detectionOf(monitor *driftv1.Monitor, rows int64, description string) *driftv1.Detection {
	const (
		ok      = driftv1.DriftStatus_DRIFT_STATUS_OK
		drift   = driftv1.DriftStatus_DRIFT_STATUS_DRIFT
		few     = driftv1.DriftStatus_DRIFT_STATUS_INSUFFICIENT_DATA
		ks      = driftv1.DriftTest_DRIFT_TEST_KOLMOGOROV_SMIRNOV
		chi2    = driftv1.DriftTest_DRIFT_TEST_CHI_SQUARE
		missing = driftv1.DriftTest_DRIFT_TEST_MISSING_RATE
	)
	result := func(test driftv1.DriftTest, status driftv1.DriftStatus, statistic, p, effect float64, direction driftv1.DriftDirection) *driftv1.TestResult {
		return &driftv1.TestResult{
			Test: test, Status: status, Statistic: &statistic, PValue: &p, QValue: &p, Effect: &effect, MinEffect: 0.1, Direction: direction,
			PValueMethod: driftv1.PValueMethod_P_VALUE_METHOD_EXACT, BaselineCount: 2964, CurrentCount: 2980,
		}
	}
	document := []byte(`{"format":"test"}`)
	digest := sha256.Sum256(document)
	return &driftv1.Detection{
		Id: id(700), MonitorId: monitor.GetId(), ModelId: monitor.GetModelId(), BaselineId: monitor.GetActiveBaselineId(),
		BaselineFingerprintSha256: []byte{0xab, 0xcd, 0xef, 1, 2, 3, 4}, Description: description, Status: drift, Severity: 0.75,
		RowCount: rows, FeatureCount: 4, DriftedFeatureCount: 2, Document: document, DocumentSha256: digest[:],
		Evidence:   &driftv1.Evidence{State: driftv1.EvidenceState_EVIDENCE_STATE_PENDING, EntryId: entryID(1)},
		CreateTime: timestamppb.New(time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)),
		Features: []*driftv1.FeatureResult{
			{
				Feature: "temp", Type: driftv1.FeatureType_FEATURE_TYPE_NUMERIC, Status: drift, Severity: 0.75, Reason: "KS: distance 0.99 is at least 0.1",
				Tests: []*driftv1.TestResult{
					result(ks, drift, 0.9933, 0, 0.9933, driftv1.DriftDirection_DRIFT_DIRECTION_INCREASE),
					result(missing, ok, 0.1, 0.9, 0.0004, driftv1.DriftDirection_DRIFT_DIRECTION_DECREASE),
				},
				BaselineMissingRate: 0.0012, CurrentMissingRate: 0.0008,
				BaselineSummary: &driftv1.NumericSummary{Median: 35.96}, CurrentSummary: &driftv1.NumericSummary{Median: 78.08},
			},
			{
				Feature: "gust", Type: driftv1.FeatureType_FEATURE_TYPE_NUMERIC, Status: drift, Severity: 0.6,
				Tests: []*driftv1.TestResult{
					result(ks, ok, 0.02, 0.4, 0.02, driftv1.DriftDirection_DRIFT_DIRECTION_CHANGED),
					result(missing, drift, 7.26, 3.7e-13, 0.0817, driftv1.DriftDirection_DRIFT_DIRECTION_INCREASE),
				},
				BaselineMissingRate: 0.705, CurrentMissingRate: 0.787,
			},
			{
				Feature: "dest\x1b[2J", Type: driftv1.FeatureType_FEATURE_TYPE_CATEGORICAL, Status: ok,
				Tests:            []*driftv1.TestResult{result(chi2, ok, 157.3, 0.2, 0.05, driftv1.DriftDirection_DRIFT_DIRECTION_CHANGED)},
				UnseenCategories: []string{"ABQ", "ACK", "AVL", "BGR"}, VanishedCategories: []string{"EGE"},
			},
			{
				Feature: "rare", Type: driftv1.FeatureType_FEATURE_TYPE_BOOLEAN, Status: few, Reason: "CHI_SQUARE: baseline has 3 usable rows, 30 are needed",
				Tests: []*driftv1.TestResult{{Test: chi2, Status: few, MinEffect: 0.1, Reason: "baseline has 3 usable rows, 30 are needed", BaselineCount: 3, CurrentCount: 2980}},
			},
		},
	}
}
