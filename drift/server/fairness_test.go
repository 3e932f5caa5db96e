package server_test

import (
	"context"
	"errors"
	"io"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/aumos-enterprise/platform/drift/internal/cputest"
	"github.com/aumos-enterprise/platform/drift/internal/drifttest"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

var evaluationsMetric = regexp.MustCompile(`(?m)^aumos_drift_evaluations (\S+)$`)

// hours is a small request that takes a processor for very long: the confusion of a thousand classes, permuted as often as may be.
func hours() (header *driftv1.PerformanceHeader, before, after *driftv1.ComparisonBatch) {
	const rows, classes = 400, 1000
	actual, predicted := make([]string, 0, rows), make([]string, 0, rows)
	for i := range rows {
		actual, predicted = append(actual, strconv.Itoa(2*i)), append(predicted, strconv.Itoa((2*i+1)%classes))
	}
	columns := []*driftv1.Column{drifttest.Texts("actual", actual...), drifttest.Texts("predicted", predicted...)}
	return &driftv1.PerformanceHeader{
		Output: &driftv1.ModelOutput{Task: multiTask, Actual: "actual", Predicted: "predicted"}, Permutations: new(int32(9999)),
	}, drifttest.Baseline(columns...), drifttest.Current(columns...)
}

// awaitEvaluations waits until so many evaluations are in progress, and returns how long that took.
func awaitEvaluations(t *testing.T, s *drifttest.Service, n string) time.Duration {
	t.Helper()
	for start := cputest.Now(t); ; {
		_, body := get(t, "http://"+s.Addresses.Admin+"/metrics")
		if match := evaluationsMetric.FindStringSubmatch(body); match == nil {
			t.Fatal("the metric is missing")
		} else if match[1] == n {
			return cputest.Since(t, start)
		}
	}
}

// TestEvaluationsAreShared has one tenant ask for hours of work from many connections: another one is answered meanwhile, and the work ends when
// nobody waits for it.
func TestEvaluationsAreShared(t *testing.T) {
	t.Parallel()
	stack := drifttest.NewStack(t)
	cfg := stack.Config()
	cfg.Upload.Evaluations = 2
	s := stack.Run(t, cfg)
	greedy, modest := s.Client(t, drifttest.NewTenant()), s.Client(t, drifttest.NewTenant())
	header, before, after := hours()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var calls sync.WaitGroup
	for range 4 {
		calls.Go(func() {
			stream, err := greedy.EvaluatePerformance(ctx)
			for _, part := range []*driftv1.EvaluatePerformanceRequest{
				{Part: &driftv1.EvaluatePerformanceRequest_Header{Header: header}},
				{Part: &driftv1.EvaluatePerformanceRequest_Batch{Batch: before}},
				{Part: &driftv1.EvaluatePerformanceRequest_Batch{Batch: after}},
			} {
				if err == nil {
					err = stream.Send(part)
				}
			}
			if err == nil || errors.Is(err, io.EOF) {
				_, err = stream.CloseAndRecv()
			}
			if status.Code(err) != codes.Canceled {
				t.Errorf("got %v", err)
			}
		})
	}
	awaitEvaluations(t, s, "1")
	x := drifttest.Numbers("x", drifttest.Sequence(100, 0, 1)...)
	for range 3 {
		if _, err := modest.CompareSides(t, &driftv1.ComparisonHeader{}, drifttest.Baseline(x), drifttest.Current(x)); err != nil {
			t.Errorf("another tenant: %v", err)
		}
	}
	awaitEvaluations(t, s, "1") // the greedy one's, still
	cancel()
	if took := awaitEvaluations(t, s, "0"); took > 10*time.Second {
		t.Errorf("work that nobody waits for went on for %v", took)
	}
	calls.Wait()
	awaitNoUpload(t, s)
}

// TestEvaluationEnds has a client wait without a deadline.
func TestEvaluationEnds(t *testing.T) {
	t.Parallel()
	stack := drifttest.NewStack(t)
	cfg := stack.Config()
	cfg.Upload.EvaluationTime = 300 * time.Millisecond
	s := stack.Run(t, cfg)
	c := s.Client(t, drifttest.NewTenant())
	header, before, after := hours()
	_, err := c.Evaluate(t, header, before, after)
	if r := drifttest.Want(t, err, invalid, "DATA_TOO_LARGE", ""); r.Metadata["limit"] != "300ms" || r.Retry {
		t.Errorf("got %v", r)
	}
	awaitEvaluations(t, s, "0")
	awaitNoUpload(t, s)
}

// TestStreamWritersLeaveConnections writes to one stream of a tenant from everywhere, while its row is locked: other tenants, and reads of the same one,
// still reach the database.
func TestStreamWritersLeaveConnections(t *testing.T) {
	t.Parallel()
	stack := drifttest.NewStack(t)
	cfg := stack.Config()
	cfg.Database.MaxConns = 8
	s := stack.Run(t, cfg)
	greedy, modest := s.Client(t, drifttest.NewTenant()), s.Client(t, drifttest.NewTenant())
	adwin := driftv1.StreamDetector_STREAM_DETECTOR_ADWIN
	id := createStream(t, greedy, "s", adwin).GetId()
	own := createStream(t, modest, "s", adwin).GetId()
	tx, err := s.DB.Admin().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	if _, err := tx.Exec(t.Context(), "SELECT FROM drf_streams WHERE id = $1 FOR UPDATE", id); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var calls sync.WaitGroup
	for i := range 40 {
		calls.Go(func() {
			var err error
			if i%2 == 0 {
				_, err = greedy.UpdateStream(ctx, &driftv1.UpdateStreamRequest{StreamId: id, Values: []float64{1}})
			} else {
				_, err = greedy.ResetStream(ctx, &driftv1.ResetStreamRequest{StreamId: id})
			}
			if status.Code(err) != codes.Canceled {
				t.Errorf("got %v", err)
			}
		})
	}
	for waiting := 0; waiting < 2; { // as many as one tenant may have
		if err := s.DB.Admin().QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND wait_event_type = 'Lock'", s.DB.Name).Scan(&waiting); err != nil {
			t.Fatal(err)
		}
	}
	update(t, modest, own, 0, 0, 1, 0)
	if _, err := greedy.GetStream(t.Context(), &driftv1.GetStreamRequest{StreamId: id}); err != nil {
		t.Errorf("a read beside the writers: %v", err)
	}
	cancel()
	calls.Wait()
}

// TestStreamsAreAdmitted opens streams and sends nothing: memory for a message is taken before one is received, so that no more are let in than fit.
func TestStreamsAreAdmitted(t *testing.T) {
	t.Parallel()
	stack := drifttest.NewStack(t)
	cfg := stack.Config()
	cfg.Upload.MemoryBytes = 128 << 20
	s := stack.Run(t, cfg)
	c, other := s.Client(t, drifttest.NewTenant()), s.Client(t, drifttest.NewTenant())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for range 2 {
		if _, err := c.Compare(ctx); err != nil {
			t.Fatal(err)
		}
	}
	for used := 0.0; used < 64<<20; { // until both have come to their place
		_, body := get(t, "http://"+s.Addresses.Admin+"/metrics")
		match := uploadMetric.FindStringSubmatch(body)
		if match == nil {
			t.Fatal("the metric is missing")
		}
		used, _ = strconv.ParseFloat(match[1], 64)
	}
	x := drifttest.Numbers("x", drifttest.Sequence(100, 0, 1)...)
	_, err := c.CompareSides(t, &driftv1.ComparisonHeader{}, drifttest.Baseline(x), drifttest.Current(x))
	drifttest.Want(t, err, codes.ResourceExhausted, "OVERLOADED", "")
	if _, err := other.CompareSides(t, &driftv1.ComparisonHeader{}, drifttest.Baseline(x), drifttest.Current(x)); err != nil {
		t.Errorf("another tenant: %v", err)
	}
	cancel()
	awaitNoUpload(t, s)
}
