package server_test

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/aumos-enterprise/platform/drift/internal/drifttest"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

// TestStreamTenants calls every rpc of streams as one tenant with the ids and page tokens of another.
func TestStreamTenants(t *testing.T) {
	t.Parallel()
	s := drifttest.Start(t)
	a, b := s.Client(t, drifttest.NewTenant()), s.Client(t, drifttest.NewTenant())
	ctx := t.Context()
	adwin := driftv1.StreamDetector_STREAM_DETECTOR_ADWIN
	id := createStream(t, a, "s", adwin).GetId()
	createStream(t, a, "s2", adwin)
	update(t, a, id, 0, errorsOf(2000, 0.1, 0.9)...)
	own := createStream(t, b, "s", adwin) // the same name is free for another tenant
	model := a.Model(t, "m")
	for name, call := range map[string]func() error{
		"GetStream": func() error {
			_, err := b.GetStream(ctx, &driftv1.GetStreamRequest{StreamId: id})
			return err
		},
		"UpdateStream": func() error {
			_, err := b.UpdateStream(ctx, &driftv1.UpdateStreamRequest{StreamId: id, FirstSequence: 2000, Values: []float64{1}})
			return err
		},
		"ResetStream": func() error {
			_, err := b.ResetStream(ctx, &driftv1.ResetStreamRequest{StreamId: id})
			return err
		},
		"ListStreamDrifts": func() error {
			_, err := b.ListStreamDrifts(ctx, &driftv1.ListStreamDriftsRequest{StreamId: id})
			return err
		},
		"CreateStream": func() error {
			_, err := b.CreateStream(ctx, &driftv1.CreateStreamRequest{Name: "of a model", Detector: adwin, ModelId: model.GetId()})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) { drifttest.Want(t, call(), codes.NotFound, "NOT_FOUND", "") })
	}
	list, err := b.ListStreams(ctx, &driftv1.ListStreamsRequest{})
	if err != nil || len(list.GetStreams()) != 1 || list.GetStreams()[0].GetId() != own.GetId() {
		t.Errorf("got %v, %v", list, err)
	}
	first, err := a.ListStreams(ctx, &driftv1.ListStreamsRequest{PageSize: 1})
	if err != nil || first.GetNextPageToken() == "" || first.GetStreams()[0].GetName() != "s2" {
		t.Fatalf("got %v, %v", first, err)
	}
	second, err := a.ListStreams(ctx, &driftv1.ListStreamsRequest{PageSize: 1, PageToken: first.GetNextPageToken()})
	if err != nil || second.GetNextPageToken() != "" || second.GetStreams()[0].GetId() != id || second.GetStreams()[0].GetLastDrift() == nil {
		t.Errorf("got %v, %v", second, err)
	}
	_, err = b.ListStreams(ctx, &driftv1.ListStreamsRequest{PageSize: 1, PageToken: first.GetNextPageToken()})
	drifttest.Want(t, err, invalid, "INVALID_PAGE_TOKEN", "page_token")
	named, err := a.ListStreams(ctx, &driftv1.ListStreamsRequest{Name: "s", ModelId: model.GetId()})
	if err != nil || len(named.GetStreams()) != 0 {
		t.Errorf("got %v, %v", named, err)
	}
}

// TestStreamManyDrifts finds so many drifts in one batch that it has to be sent in two, and lists them by pages.
func TestStreamManyDrifts(t *testing.T) {
	t.Parallel()
	s := drifttest.Start(t)
	c := s.Client(t, drifttest.NewTenant())
	ctx := t.Context()
	restless := createStream(t, c, "restless", driftv1.StreamDetector_STREAM_DETECTOR_DDM, func(r *driftv1.CreateStreamRequest) {
		r.Parameters = map[string]float64{"warm_start": 2, "warning_threshold": 0.1, "drift_threshold": 0.1}
	}).GetId()
	values := errorsOf(65_536, 0.3, 0.3)
	_, err := c.UpdateStream(ctx, &driftv1.UpdateStreamRequest{StreamId: restless, Values: values})
	r := drifttest.Want(t, err, codes.InvalidArgument, "TOO_MANY_DRIFTS", "values")
	n, err := strconv.Atoi(r.Metadata["values"])
	if err != nil || r.Metadata["limit"] != "1000" {
		t.Fatalf("got %v", r.Metadata)
	}
	if resp := update(t, c, restless, 0, values[:n]...); len(resp.GetDrifts()) != 1000 {
		t.Errorf("got %d drifts", len(resp.GetDrifts()))
	}
	last := int64(n)
	total := 0
	for token := ""; ; {
		list, err := c.ListStreamDrifts(ctx, &driftv1.ListStreamDriftsRequest{StreamId: restless, PageSize: 300, PageToken: token})
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range list.GetDrifts() {
			if d.GetSequence() >= last {
				t.Fatalf("%d after %d", d.GetSequence(), last)
			}
			last = d.GetSequence()
			total++
		}
		if token = list.GetNextPageToken(); token == "" {
			break
		}
	}
	if total != 1000 {
		t.Errorf("listed %d drifts", total)
	}
}

// TestStreamHold holds a drift over batches until the stream is reset.
func TestStreamHold(t *testing.T) {
	t.Parallel()
	s := drifttest.Start(t)
	c := s.Client(t, drifttest.NewTenant())
	id := createStream(t, c, "s", driftv1.StreamDetector_STREAM_DETECTOR_HDDM_A, func(r *driftv1.CreateStreamRequest) {
		r.Policy = driftv1.StreamPolicy_STREAM_POLICY_HOLD
	}).GetId()
	values := errorsOf(1000, 0.1, 0.8)
	drift := driftv1.StreamZone_STREAM_ZONE_DRIFT
	if resp := update(t, c, id, 0, values...); resp.GetStream().GetZone() != drift || len(resp.GetDrifts()) != 1 {
		t.Errorf("got %v", resp)
	}
	if resp := update(t, c, id, 1000, values...); resp.GetStream().GetZone() != drift || len(resp.GetDrifts()) != 0 || resp.GetStream().GetDriftCount() != 1 {
		t.Errorf("got %v", resp)
	}
	if _, err := c.ResetStream(t.Context(), &driftv1.ResetStreamRequest{StreamId: id}); err != nil {
		t.Fatal(err)
	}
	if resp := update(t, c, id, 2000, values...); len(resp.GetDrifts()) != 1 || resp.GetDrifts()[0].GetSequence() < 2500 || resp.GetStream().GetDriftCount() != 2 {
		t.Errorf("got %v", resp)
	}
}

// TestDamagedStream alters a stored state as only a superuser can: the stream takes no values until it is reset.
func TestDamagedStream(t *testing.T) {
	t.Parallel()
	s := drifttest.Start(t)
	c := s.Client(t, drifttest.NewTenant())
	id := createStream(t, c, "s", driftv1.StreamDetector_STREAM_DETECTOR_DDM).GetId()
	for i, damage := range []string{"set_byte(state, 30, 77)", "substr(state, 1, 20)", "set_byte(state, 0, 2)"} {
		first := int64(100 * i)
		update(t, c, id, first, make([]float64, 100)...)
		if _, err := s.DB.Admin().Exec(t.Context(), "UPDATE drf_streams SET state = "+damage); err != nil {
			t.Fatal(err)
		}
		_, err := c.UpdateStream(t.Context(), &driftv1.UpdateStreamRequest{StreamId: id, FirstSequence: first + 100, Values: []float64{0}})
		drifttest.Want(t, err, codes.DataLoss, "INTERNAL", "")
		reset, err := c.ResetStream(t.Context(), &driftv1.ResetStreamRequest{StreamId: id})
		if err != nil || reset.GetStream().GetNextSequence() != first+100 {
			t.Errorf("%s: got %v, %v", damage, reset, err)
		}
	}
}

// TestForeignState gives a stream what only a superuser can: the state of another one, or a row that its state knows nothing of. Nothing of that is
// taken for the stream's own.
func TestForeignState(t *testing.T) {
	t.Parallel()
	s := drifttest.Start(t)
	c := s.Client(t, drifttest.NewTenant())
	ddm := driftv1.StreamDetector_STREAM_DETECTOR_DDM
	id := createStream(t, c, "s", ddm).GetId()
	other := createStream(t, c, "other", ddm, func(r *driftv1.CreateStreamRequest) {
		r.Parameters = map[string]float64{"drift_threshold": 9}
	}).GetId()
	update(t, c, other, 0, make([]float64, 100)...)
	update(t, c, id, 0, make([]float64, 100)...)
	for _, damage := range []string{
		"state = (SELECT o.state FROM drf_streams o WHERE o.name = 'other')", "drift_count = 7", "zone = 'WARNING', warning_began = 3", "seed = 5",
		`parameters = '{"drift_threshold": 9}'`, `parameters = '{"drift_threshold": "x"}'`, "last_warnings = '[7]'",
	} {
		t.Run(damage, func(t *testing.T) {
			tx, err := s.DB.Admin().Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var before []byte
			if err := tx.QueryRow(t.Context(), "SELECT to_jsonb(s) FROM drf_streams s WHERE id = $1", id).Scan(&before); err != nil {
				t.Fatal(err)
			}
			if _, err := tx.Exec(t.Context(), "UPDATE drf_streams SET "+damage+" WHERE id = $1", id); err != nil {
				t.Fatal(err)
			}
			if err := tx.Commit(t.Context()); err != nil {
				t.Fatal(err)
			}
			for _, first := range []int64{100, 0} { // the next batch, and the last one again
				if strings.HasPrefix(damage, "last") == (first == 100) || first == 0 && !strings.Contains(damage, `"x"`) && !strings.HasPrefix(damage, "last") {
					continue // what is damaged is not needed
				}
				_, err = c.UpdateStream(t.Context(), &driftv1.UpdateStreamRequest{StreamId: id, FirstSequence: first, Values: make([]float64, 100)})
				drifttest.Want(t, err, codes.DataLoss, "INTERNAL", "")
			}
			_, err = s.DB.Admin().Exec(t.Context(), `
				UPDATE drf_streams s
				SET state = r.state, drift_count = r.drift_count, zone = r.zone, warning_began = r.warning_began, seed = r.seed, parameters = r.parameters,
					last_warnings = r.last_warnings
				FROM jsonb_populate_record(NULL::drf_streams, $2) r
				WHERE s.id = $1`, id, before)
			if err != nil {
				t.Fatal(err)
			}
		})
	}
	update(t, c, id, 100, 0, 1, 0)
}

// TestDetectors creates a stream of each detector that is listed, with the parameters that are listed.
func TestDetectors(t *testing.T) {
	t.Parallel()
	s := drifttest.Start(t)
	c := s.Client(t, drifttest.NewTenant())
	list, err := c.ListDetectors(t.Context(), &driftv1.ListDetectorsRequest{})
	if err != nil || len(list.GetDetectors()) != len(driftv1.StreamDetector_name)-1 {
		t.Fatalf("got %v, %v", list, err)
	}
	for _, d := range list.GetDetectors() {
		for _, convention := range d.GetConventions() {
			parameters := make(map[string]float64)
			for _, p := range d.GetParameters() {
				parameters[p.GetName()] = p.GetDefaultValue()
			}
			id := createStream(t, c, convention[:3]+d.GetDetector().String()+convention[len(convention)-3:], d.GetDetector(), func(r *driftv1.CreateStreamRequest) {
				r.Convention, r.Parameters = convention, parameters
			}).GetId()
			if resp := update(t, c, id, 0, 0, 1, 0); resp.GetStream().GetNextSequence() != 3 {
				t.Errorf("%s: got %v", convention, resp)
			}
		}
	}
}

// TestStreamInterrupted gives up on answers before they can come, and sends the batch again until one does: whether the values of a lost answer were taken or
// not, each is taken once.
func TestStreamInterrupted(t *testing.T) {
	t.Parallel()
	s := drifttest.Start(t)
	c := s.Client(t, drifttest.NewTenant())
	values := errorsOf(4000, 0.15, 0.6)
	hddm := driftv1.StreamDetector_STREAM_DETECTOR_HDDM_A
	whole, parts := createStream(t, c, "whole", hddm), createStream(t, c, "parts", hddm)
	want := update(t, c, whole.GetId(), 0, values...)
	var drifts []*driftv1.StreamDrift
	lost := 0
	for first := 0; first < len(values); first += 100 {
		var resp *driftv1.UpdateStreamResponse
		for patience := time.Duration(first%700) * time.Microsecond; resp == nil; patience = patience*2 + 100*time.Microsecond {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			answer, err := c.UpdateStream(ctx, &driftv1.UpdateStreamRequest{
				StreamId: parts.GetId(), FirstSequence: int64(first), Values: values[first:min(first+100, len(values))],
			})
			cancel()
			if err == nil {
				resp = answer
			} else if lost++; status.Code(err) != codes.DeadlineExceeded && status.Code(err) != codes.Canceled {
				t.Fatal(err)
			}
		}
		drifts = append(drifts, resp.GetDrifts()...)
	}
	own := protocmp.IgnoreFields(&driftv1.StreamDrift{}, "id", "stream_id", "create_time", "evidence")
	if diff := cmp.Diff(want.GetDrifts(), drifts, protocmp.Transform(), own); diff != "" || len(drifts) == 0 || lost == 0 {
		t.Errorf("%d drifts, %d answers lost: %s", len(drifts), lost, diff)
	}
	list, err := c.ListStreamDrifts(t.Context(), &driftv1.ListStreamDriftsRequest{StreamId: parts.GetId()})
	if err != nil || len(list.GetDrifts()) != len(drifts) {
		t.Errorf("got %v, %v", list, err)
	}
	entries := 0
	for _, e := range s.Governance.AwaitEntries(t, c.Tenant, 2+2*len(drifts)) {
		if e.GetEventType() == "drift.concept_drift_detected" && e.GetResource().GetId() == parts.GetId() {
			entries++
		}
	}
	if entries != len(drifts) {
		t.Errorf("%d entries for %d drifts", entries, len(drifts))
	}
}
