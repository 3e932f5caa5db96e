package server_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/aumos-enterprise/platform/drift/internal/drifttest"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

// contents counts what the tenants' tables hold, as a superuser sees it.
func contents(t *testing.T, s *drifttest.Service) map[string]int {
	t.Helper()
	counts := make(map[string]int)
	admin := s.DB.Admin()
	for _, table := range []string{"drf_baselines", "drf_baseline_features", "drf_detections", "drf_evidence", "idempotency_keys", "river.river_job"} {
		var n int
		if err := admin.QueryRow(t.Context(), "SELECT count(*) FROM "+table).Scan(&n); err != nil {
			t.Fatal(err)
		}
		counts[table] = n
	}
	return counts
}

// TestNothingStoredHalf ends uploads in every way that is not their end.
func TestNothingStoredHalf(t *testing.T) {
	t.Parallel()
	s := drifttest.Start(t)
	c := s.Client(t, drifttest.NewTenant())
	m := c.Monitor(t, "m", drifttest.Numeric("x"), drifttest.Numeric("y"))
	batch := drifttest.Batch(drifttest.Numbers("x", drifttest.Sequence(50, 0, 1)...), drifttest.Numbers("y", drifttest.Sequence(50, 0, 1)...))
	c.Active(t, m, batch)
	before := contents(t, s)
	header := &driftv1.UploadBaselineRequest{Part: &driftv1.UploadBaselineRequest_Header{Header: &driftv1.UploadBaselineHeader{MonitorId: m.GetId(), RequestId: uuid.NewString()}}}
	part := &driftv1.UploadBaselineRequest{Part: &driftv1.UploadBaselineRequest_Batch{Batch: batch}}

	t.Run("the caller cancels", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		stream, err := c.UploadBaseline(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(stream.Send(header), stream.Send(part)); err != nil {
			t.Fatal(err)
		}
		cancel()
		// Only received: to close might be to end the upload, before the service hears that nobody wants it any more.
		if err := stream.RecvMsg(new(driftv1.UploadBaselineResponse)); status.Code(err) != codes.Canceled {
			t.Errorf("got %v", err)
		}
	})
	t.Run("the caller is gone", func(t *testing.T) {
		other := s.Client(t, c.Tenant)
		stream, err := other.RunDetection(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		err = errors.Join(
			stream.Send(&driftv1.RunDetectionRequest{Part: &driftv1.RunDetectionRequest_Header{Header: &driftv1.RunDetectionHeader{MonitorId: m.GetId()}}}),
			stream.Send(&driftv1.RunDetectionRequest{Part: &driftv1.RunDetectionRequest_Batch{Batch: batch}}))
		if err != nil {
			t.Fatal(err)
		}
		if err := other.Conn.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := stream.CloseAndRecv(); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("the database connection is killed in the middle", func(t *testing.T) {
		// The server process that inserts the second feature ends itself, as one that is killed from outside would.
		admin := s.DB.Admin()
		_, err := admin.Exec(t.Context(), `
			CREATE FUNCTION kill() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
			BEGIN
				PERFORM pg_terminate_backend(pg_backend_pid());
				RETURN NEW;
			END $$;
			CREATE TRIGGER kill BEFORE INSERT ON drf_baseline_features FOR EACH ROW WHEN (NEW.ordinal = 2) EXECUTE FUNCTION kill();
			CREATE TRIGGER kill BEFORE INSERT ON drf_detections FOR EACH ROW EXECUTE FUNCTION kill()`)
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.UploadParts(t, header, part)
		if r := drifttest.Want(t, err, codes.Unavailable, "UNAVAILABLE", ""); !r.Retry {
			t.Error("no advice when to retry")
		}
		_, err = c.Run(t, &driftv1.RunDetectionHeader{MonitorId: m.GetId()}, batch)
		drifttest.Want(t, err, codes.Unavailable, "UNAVAILABLE", "")
		if _, err := admin.Exec(t.Context(), "DROP FUNCTION kill CASCADE"); err != nil {
			t.Fatal(err)
		}
	})
	if diff := cmp.Diff(before, contents(t, s)); diff != "" {
		t.Errorf("something was left behind: %s", diff)
	}
	// All memory is given back: the same request works afterwards, and is not taken for a repetition.
	b, err := c.UploadParts(t, header, part)
	if err != nil || b.GetNumber() != 2 {
		t.Errorf("got %v, %v", b, err)
	}
}

// TestIdempotency repeats every mutation.
func TestIdempotency(t *testing.T) {
	t.Parallel()
	s := drifttest.Start(t)
	c := s.Client(t, drifttest.NewTenant())
	ctx := t.Context()
	id := func() string { return uuid.NewString() }
	values := drifttest.Sequence(50, 0, 1)
	whole := drifttest.Batch(drifttest.Numbers("x", values...))
	halves := []*driftv1.ColumnBatch{drifttest.Batch(drifttest.Numbers("x", values[:9]...)), drifttest.Batch(drifttest.Numbers("x", values[9:]...))}
	other := drifttest.Batch(drifttest.Numbers("x", drifttest.Sequence(50, 0, 2)...))

	register := &driftv1.RegisterModelRequest{Name: "m", Task: driftv1.ModelTask_MODEL_TASK_REGRESSION, Owner: "team", RequestId: id()}
	model, err := c.RegisterModel(ctx, register)
	if err != nil {
		t.Fatal(err)
	}
	create := &driftv1.CreateMonitorRequest{ModelId: model.GetModel().GetId(), Name: "m", Features: []*driftv1.Feature{drifttest.Numeric("x")}, RequestId: id()}
	monitor, err := c.CreateMonitor(ctx, create)
	if err != nil {
		t.Fatal(err)
	}
	upload := &driftv1.UploadBaselineHeader{MonitorId: monitor.GetMonitor().GetId(), Description: "d", RequestId: id()}
	baseline, err := c.Upload(t, upload, whole)
	if err != nil {
		t.Fatal(err)
	}
	activate := &driftv1.ActivateBaselineRequest{BaselineId: baseline.GetId(), Etag: monitor.GetMonitor().GetEtag(), RequestId: id()}
	activation, err := c.ActivateBaseline(ctx, activate)
	if err != nil {
		t.Fatal(err)
	}
	run := &driftv1.RunDetectionHeader{MonitorId: monitor.GetMonitor().GetId(), RequestId: id()}
	detection, err := c.Run(t, run, halves...)
	if err != nil {
		t.Fatal(err)
	}

	same := func(name string, want, got any, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%s again: %v", name, err)
		} else if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
			t.Errorf("%s again: %s", name, diff)
		}
	}
	model2, err := c.RegisterModel(ctx, register)
	same("RegisterModel", model, model2, err)
	monitor2, err := c.CreateMonitor(ctx, create)
	same("CreateMonitor", monitor, monitor2, err)
	baseline2, err := c.Upload(t, upload, halves...) // the same data, cut otherwise
	same("UploadBaseline", baseline, baseline2, err)
	activation2, err := c.ActivateBaseline(ctx, activate) // although the etag is stale by now
	same("ActivateBaseline", activation, activation2, err)
	detection2, err := c.Run(t, run, whole)
	same("RunDetection", detection, detection2, err)

	register.Owner = "other"
	_, err = c.RegisterModel(ctx, register)
	drifttest.Want(t, err, invalid, "REQUEST_ID_REUSED", "")
	create.Name = "other"
	_, err = c.CreateMonitor(ctx, create)
	drifttest.Want(t, err, invalid, "REQUEST_ID_REUSED", "")
	_, err = c.Upload(t, upload, other)
	drifttest.Want(t, err, invalid, "REQUEST_ID_REUSED", "")
	_, err = c.Upload(t, &driftv1.UploadBaselineHeader{MonitorId: upload.GetMonitorId(), RequestId: upload.GetRequestId()}, whole)
	drifttest.Want(t, err, invalid, "REQUEST_ID_REUSED", "")
	_, err = c.Run(t, run, other)
	drifttest.Want(t, err, invalid, "REQUEST_ID_REUSED", "")
	_, err = c.Run(t, &driftv1.RunDetectionHeader{MonitorId: run.GetMonitorId(), RequestId: upload.GetRequestId()}, whole)
	drifttest.Want(t, err, invalid, "REQUEST_ID_REUSED", "")

	// Another tenant's request ids are its own.
	stranger := s.Client(t, drifttest.NewTenant())
	register.Owner = "team"
	theirs, err := stranger.RegisterModel(ctx, register)
	if err != nil || theirs.GetModel().GetId() == model.GetModel().GetId() {
		t.Errorf("another tenant: got %v, %v", theirs, err)
	}

	// The activation has two: the baseline's and the monitor's.
	if entries := s.Governance.AwaitEntries(t, c.Tenant, 6); len(entries) != 6 {
		t.Errorf("got %d entries for 5 changes", len(entries))
	}
}

// TestAtOnce sends the same detection, and activations of different baselines, from many callers at once.
func TestAtOnce(t *testing.T) {
	t.Parallel()
	s := drifttest.Start(t)
	c := s.Client(t, drifttest.NewTenant())
	m := c.Monitor(t, "m", drifttest.Numeric("x"))
	batch := drifttest.Batch(drifttest.Numbers("x", drifttest.Sequence(50, 0, 1)...))
	c.Active(t, m, batch)
	const callers = 8
	ids := make([]string, callers)
	baselines := make([]*driftv1.Baseline, callers)
	requestID := uuid.NewString()
	var group sync.WaitGroup
	for i := range callers {
		group.Go(func() {
			d, err := c.Run(t, &driftv1.RunDetectionHeader{MonitorId: m.GetId(), RequestId: requestID}, batch)
			if err != nil {
				t.Error(err)
			}
			ids[i] = d.GetId()
			if baselines[i], err = c.Upload(t, &driftv1.UploadBaselineHeader{MonitorId: m.GetId()}, batch); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	numbers := make(map[int32]bool)
	for i := range callers {
		if ids[i] != ids[0] {
			t.Errorf("one request made detections %s and %s", ids[0], ids[i])
		}
		numbers[baselines[i].GetNumber()] = true
	}
	if len(numbers) != callers {
		t.Errorf("got baseline numbers %v", numbers)
	}
	for i := range callers {
		group.Go(func() {
			if _, err := c.ActivateBaseline(t.Context(), &driftv1.ActivateBaselineRequest{BaselineId: baselines[i].GetId()}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	list, err := c.ListBaselines(t.Context(), &driftv1.ListBaselinesRequest{MonitorId: m.GetId()})
	if err != nil {
		t.Fatal(err)
	}
	active := 0
	for _, b := range list.GetBaselines() {
		if b.GetState() == driftv1.BaselineState_BASELINE_STATE_ACTIVE {
			active++
		}
	}
	got, err := c.GetMonitor(t.Context(), &driftv1.GetMonitorRequest{MonitorId: m.GetId()})
	if err != nil || active != 1 || got.GetMonitor().GetActiveBaselineId() == "" {
		t.Errorf("%d baselines are active, monitor %v, %v", active, got, err)
	}
}

// get reads a page of the admin port.
func get(t *testing.T, url string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}
