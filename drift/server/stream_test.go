package server_test

import (
	"math"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/aumos-enterprise/platform/drift/internal/drifttest"
	"github.com/aumos-enterprise/platform/pkg/auth"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// errorsOf returns n errors and correct predictions with the rates of two halves, in a fixed order that looks random.
func errorsOf(n int, before, after float64) []float64 {
	values := drifttest.Sequence(n, 0, 1)
	for i, v := range values {
		rate := before
		if i >= n/2 {
			rate = after
		}
		values[i] = 0
		if v < rate {
			values[i] = 1
		}
	}
	return values
}

func createStream(t *testing.T, c *drifttest.Client, name string, detector driftv1.StreamDetector, change ...func(*driftv1.CreateStreamRequest)) *driftv1.Stream {
	t.Helper()
	req := &driftv1.CreateStreamRequest{Name: name, Detector: detector}
	for _, f := range change {
		f(req)
	}
	resp, err := c.CreateStream(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	return resp.GetStream()
}

func update(t *testing.T, c *drifttest.Client, id string, first int64, values ...float64) *driftv1.UpdateStreamResponse {
	t.Helper()
	resp, err := c.UpdateStream(t.Context(), &driftv1.UpdateStreamRequest{StreamId: id, FirstSequence: first, Values: values})
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

// TestStream goes the whole way from a stream to the entry of its drift on the wall.
func TestStream(t *testing.T) {
	t.Parallel()
	s := drifttest.Start(t)
	c := s.Client(t, drifttest.NewTenant())
	model := c.Model(t, "delays")
	created := createStream(t, c, "errors of delays", driftv1.StreamDetector_STREAM_DETECTOR_DDM, func(r *driftv1.CreateStreamRequest) {
		r.ModelId, r.Parameters = model.GetId(), map[string]float64{"warm_start": 50}
	})
	if created.GetNextSequence() != 0 || created.GetZone() != driftv1.StreamZone_STREAM_ZONE_STABLE || created.GetConvention() != "ddm/river" ||
		created.GetParameters()["warm_start"] != 50 || created.GetParameters()["drift_threshold"] != 3 || created.GetLastDrift() != nil ||
		created.GetPolicy() != driftv1.StreamPolicy_STREAM_POLICY_RESTART || created.GetModelId() != model.GetId() {
		t.Errorf("got %v", created)
	}
	values := errorsOf(2000, 0.1, 0.5)
	var drifts []*driftv1.StreamDrift
	var warnings []*driftv1.StreamWarning
	for first := 0; first < len(values); first += 300 {
		resp := update(t, c, created.GetId(), int64(first), values[first:min(first+300, len(values))]...)
		drifts, warnings = append(drifts, resp.GetDrifts()...), append(warnings, resp.GetWarnings()...)
	}
	if len(drifts) != 1 || len(warnings) == 0 {
		t.Fatalf("got %d drifts, %d warnings", len(drifts), len(warnings))
	}
	d := drifts[0]
	if d.GetSequence() < 1000 || d.GetSequence() > 1200 || d.GetBeganSequence() < 950 || d.GetBeganSequence() > d.GetSequence() ||
		d.GetDirection() != driftv1.DriftDirection_DRIFT_DIRECTION_INCREASE || d.GetMeanAfter() < 0.4 || math.Abs(d.GetMeanBefore()-0.1) > 0.05 ||
		d.GetEvidence().GetState() != driftv1.EvidenceState_EVIDENCE_STATE_PENDING {
		t.Errorf("got %v", d)
	}
	got, err := c.GetStream(t.Context(), &driftv1.GetStreamRequest{StreamId: created.GetId()})
	if err != nil {
		t.Fatal(err)
	}
	stream := got.GetStream()
	if stream.GetNextSequence() != 2000 || stream.GetDriftCount() != 1 || stream.GetLastDrift().GetId() != d.GetId() || stream.GetEtag() == created.GetEtag() {
		t.Errorf("got %v", stream)
	}
	checkStreamEvidence(t, s, c, stream, d)
	reset, err := c.ResetStream(t.Context(), &driftv1.ResetStreamRequest{StreamId: created.GetId(), Etag: stream.GetEtag(), RequestId: uuid.NewString()})
	if err != nil || reset.GetStream().GetNextSequence() != 2000 || reset.GetStream().GetZone() != driftv1.StreamZone_STREAM_ZONE_STABLE {
		t.Errorf("got %v, %v", reset, err)
	}
	_, err = c.ResetStream(t.Context(), &driftv1.ResetStreamRequest{StreamId: created.GetId(), Etag: stream.GetEtag()})
	drifttest.Want(t, err, codes.Aborted, "STALE_ETAG", "")
}

func checkStreamEvidence(t *testing.T, s *drifttest.Service, c *drifttest.Client, stream *driftv1.Stream, d *driftv1.StreamDrift) {
	t.Helper()
	entries := s.Governance.AwaitEntries(t, c.Tenant, 3)
	i := slices.IndexFunc(entries, func(e *governancev1.RecordEntryRequest) bool {
		return e.GetEventType() == "drift.concept_drift_detected"
	})
	if i < 0 {
		t.Fatalf("got %v", entries)
	}
	e, details := entries[i], entries[i].GetDetails().AsMap()
	if e.GetEntryId() != d.GetEvidence().GetEntryId() || e.GetAction() != "drift.update_stream" || e.GetResource().GetType() != "stream" ||
		e.GetResource().GetId() != stream.GetId() || e.GetResource().GetName() != stream.GetName() || len(e.GetDigests()) != 1 ||
		details["sequence"] != float64(d.GetSequence()) || details["began_sequence"] != float64(d.GetBeganSequence()) || details["direction"] != "INCREASE" ||
		details["model_id"] != stream.GetModelId() || details["mean_after"] != d.GetMeanAfter() || details["detector"] != "DDM" {
		t.Errorf("got %v", e)
	}
	list, err := c.ListStreamDrifts(t.Context(), &driftv1.ListStreamDriftsRequest{StreamId: stream.GetId()})
	if err != nil || len(list.GetDrifts()) != 1 || list.GetDrifts()[0].GetEvidence().GetEntryId() != e.GetEntryId() {
		t.Errorf("got %v, %v", list, err)
	}
}

// TestStreamExactlyOnce sends batches again, early and late: each value is taken once.
func TestStreamExactlyOnce(t *testing.T) {
	t.Parallel()
	s := drifttest.Start(t)
	c := s.Client(t, drifttest.NewTenant())
	ctx := t.Context()
	id := createStream(t, c, "s", driftv1.StreamDetector_STREAM_DETECTOR_HDDM_W).GetId()
	values := errorsOf(600, 0.1, 0.7)
	first := update(t, c, id, 0, values[:400]...)
	if again := update(t, c, id, 0, values[:400]...); !again.GetRepeatedBatch() || len(first.GetDrifts()) != 1 || len(first.GetWarnings()) == 0 ||
		!cmp.Equal(first.GetStream(), again.GetStream(), protocmp.Transform()) || !cmp.Equal(first.GetWarnings(), again.GetWarnings(), protocmp.Transform()) ||
		!cmp.Equal(first.GetDrifts(), again.GetDrifts(), protocmp.Transform(), protocmp.IgnoreFields(&driftv1.StreamDrift{}, "evidence")) {
		t.Errorf("the repeated batch differs:\n%v\n%v", first, again)
	}
	send := func(first int64, values ...float64) error {
		_, err := c.UpdateStream(ctx, &driftv1.UpdateStreamRequest{StreamId: id, FirstSequence: first, Values: values})
		return err
	}
	for name, err := range map[string]error{
		"a gap":         send(401, 0),
		"an overlap":    send(399, 0, 0),
		"other values":  send(0, make([]float64, 400)...),
		"another value": send(0, append([]float64{1 - values[0]}, values[1:400]...)...),
	} {
		r := drifttest.Want(t, err, codes.FailedPrecondition, "STREAM_SEQUENCE", "")
		if r.Metadata["expected_sequence"] != "400" {
			t.Errorf("%s: got %v", name, r.Metadata)
		}
	}
	update(t, c, id, 400, values[400:]...)
	// Of an older batch the drifts are known.
	old := update(t, c, id, 0, values[:400]...)
	if !old.GetRepeatedBatch() || old.GetStream().GetNextSequence() != 600 || len(old.GetDrifts()) != 1 || len(old.GetWarnings()) != 0 {
		t.Errorf("got %v", old)
	}
	part := update(t, c, id, 0, values[:100]...)
	if !part.GetRepeatedBatch() || len(part.GetDrifts()) != 0 {
		t.Errorf("got %v", part)
	}
}

// TestStreamReplay kills the service between batches, sends each batch several times from two writers at once, and compares with one batch of all values.
func TestStreamReplay(t *testing.T) {
	t.Parallel()
	stack := drifttest.NewStack(t)
	s := stack.Run(t, stack.Config())
	tenant := drifttest.NewTenant()
	c := s.Client(t, tenant)
	values := errorsOf(3000, 0.2, 0.6)
	for _, detector := range []driftv1.StreamDetector{
		driftv1.StreamDetector_STREAM_DETECTOR_ADWIN, driftv1.StreamDetector_STREAM_DETECTOR_RDDM, driftv1.StreamDetector_STREAM_DETECTOR_KSWIN,
		driftv1.StreamDetector_STREAM_DETECTOR_EDDM,
	} {
		whole := createStream(t, c, "whole "+strconv.Itoa(int(detector)), detector)
		parts := createStream(t, c, "parts "+strconv.Itoa(int(detector)), detector)
		want := update(t, c, whole.GetId(), 0, values...)
		var drifts []*driftv1.StreamDrift
		for first, size := 0, 1; first < len(values); first, size = first+size, size*3%701+1 {
			if first > 1000 && first < 1400 {
				s.Stop()
				s = stack.Run(t, stack.Config())
				c = s.Client(t, tenant)
			}
			drifts = append(drifts, twice(t, c, parts.GetId(), first, values[first:min(first+size, len(values))])...)
		}
		got, err := c.GetStream(t.Context(), &driftv1.GetStreamRequest{StreamId: parts.GetId()})
		if err != nil {
			t.Fatal(err)
		}
		own := protocmp.IgnoreFields(&driftv1.StreamDrift{}, "id", "stream_id", "create_time", "evidence")
		rest := protocmp.IgnoreFields(&driftv1.Stream{}, "id", "name", "etag", "create_time", "update_time")
		if diff := cmp.Diff(want.GetDrifts(), drifts, protocmp.Transform(), own); diff != "" || len(drifts) == 0 {
			t.Errorf("%s: %d drifts: %s", detector, len(drifts), diff)
		}
		if diff := cmp.Diff(want.GetStream(), got.GetStream(), protocmp.Transform(), own, rest); diff != "" {
			t.Errorf("%s: %s", detector, diff)
		}
	}
}

// twice sends a batch from two writers at once. One of them takes it; the other's answer is the same.
func twice(t *testing.T, c *drifttest.Client, id string, first int, values []float64) []*driftv1.StreamDrift {
	t.Helper()
	var group sync.WaitGroup
	answers := make([]*driftv1.UpdateStreamResponse, 2)
	for i := range answers {
		group.Go(func() {
			var err error
			answers[i], err = c.UpdateStream(t.Context(), &driftv1.UpdateStreamRequest{StreamId: id, FirstSequence: int64(first), Values: values})
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if answers[0].GetRepeatedBatch() == answers[1].GetRepeatedBatch() {
		t.Errorf("batch at %d: repeated %v and %v", first, answers[0].GetRepeatedBatch(), answers[1].GetRepeatedBatch())
	}
	evidence := protocmp.IgnoreFields(&driftv1.StreamDrift{}, "evidence")
	if diff := cmp.Diff(answers[0].GetDrifts(), answers[1].GetDrifts(), protocmp.Transform(), evidence); diff != "" {
		t.Error(diff)
	}
	return answers[0].GetDrifts()
}

// TestStreamRefusals sends what the contract excludes; nothing is taken.
func TestStreamRefusals(t *testing.T) {
	t.Parallel()
	s := drifttest.Start(t)
	c := s.Client(t, drifttest.NewTenant())
	ctx := t.Context()
	ddm, adwin := driftv1.StreamDetector_STREAM_DETECTOR_DDM, driftv1.StreamDetector_STREAM_DETECTOR_ADWIN
	errorStream, numberStream := createStream(t, c, "errors", ddm).GetId(), createStream(t, c, "numbers", adwin).GetId()
	unitStream := createStream(t, c, "unit", driftv1.StreamDetector_STREAM_DETECTOR_HDDM_A).GetId()
	send := func(id string, first int64, values ...float64) error {
		_, err := c.UpdateStream(ctx, &driftv1.UpdateStreamRequest{StreamId: id, FirstSequence: first, Values: values})
		return err
	}
	create := func(change func(*driftv1.CreateStreamRequest)) error {
		req := &driftv1.CreateStreamRequest{Name: "n", Detector: ddm}
		change(req)
		_, err := c.CreateStream(ctx, req)
		return err
	}
	for _, test := range []struct {
		name, field string
		err         error
	}{
		{"NaN", "values[2]", send(errorStream, 0, 0, 1, math.NaN())},
		{"infinity", "values[0]", send(numberStream, 0, math.Inf(-1))},
		{"half an error", "values[1]", send(errorStream, 0, 0, 0.5)},
		{"over one", "values[0]", send(unitStream, 0, 1.5)},
		{"too large", "values[0]", send(numberStream, 0, 1e101)},
		{"no values", "values", send(numberStream, 0)},
		{"too many values", "values", send(numberStream, 0, make([]float64, 65_537)...)},
		{"negative sequence", "first_sequence", send(numberStream, -1, 0)},
		{"malformed id", "stream_id", send("x", 0, 0)},
		{"no name", "name", create(func(r *driftv1.CreateStreamRequest) { r.Name = "" })},
		{"no detector", "detector", create(func(r *driftv1.CreateStreamRequest) { r.Detector = 0 })},
		{"unknown convention", "convention", create(func(r *driftv1.CreateStreamRequest) { r.Convention = "ddm/own" })},
		{"unknown parameter", `parameters["delta"]`, create(func(r *driftv1.CreateStreamRequest) { r.Parameters = map[string]float64{"delta": 1} })},
		{"parameter of NaN", `parameters["warm_start"]`, create(func(r *driftv1.CreateStreamRequest) { r.Parameters = map[string]float64{"warm_start": math.NaN()} })},
		{"policy of another detector", "policy", create(func(r *driftv1.CreateStreamRequest) { r.Policy = driftv1.StreamPolicy_STREAM_POLICY_CONTINUE })},
		{"negative seed", "seed", create(func(r *driftv1.CreateStreamRequest) { r.Seed = -1 })},
	} {
		t.Run(test.name, func(t *testing.T) { drifttest.Want(t, test.err, codes.InvalidArgument, "INVALID_FIELD", test.field) })
	}
	drifttest.Want(t, create(func(r *driftv1.CreateStreamRequest) { r.Name = "errors" }), codes.AlreadyExists, "ALREADY_EXISTS", "name")
	drifttest.Want(t, create(func(r *driftv1.CreateStreamRequest) { r.ModelId = uuid.NewString() }), codes.NotFound, "NOT_FOUND", "")
	drifttest.Want(t, send(uuid.NewString(), 0, 0), codes.NotFound, "NOT_FOUND", "")
	for _, id := range []string{errorStream, numberStream, unitStream} {
		got, err := c.GetStream(ctx, &driftv1.GetStreamRequest{StreamId: id})
		if err != nil || got.GetStream().GetNextSequence() != 0 {
			t.Errorf("got %v, %v", got, err)
		}
	}
	viewer := s.Client(t, c.Tenant, auth.RoleViewer)
	if _, err := viewer.GetStream(ctx, &driftv1.GetStreamRequest{StreamId: errorStream}); err != nil {
		t.Error(err)
	}
	_, err := viewer.UpdateStream(ctx, &driftv1.UpdateStreamRequest{StreamId: errorStream, Values: []float64{0}})
	drifttest.Want(t, err, codes.PermissionDenied, "PERMISSION_MISSING", "")
}
