package server_test

import (
	"context"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/aumos-enterprise/platform/drift/internal/drifttest"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

// recordedOnce looks that the detection's evidence is on the wall exactly once, and that the service says so.
func recordedOnce(t *testing.T, s *drifttest.Service, c *drifttest.Client, d *driftv1.Detection) {
	t.Helper()
	entries := 0
	for _, e := range s.Governance.Entries(c.Tenant) {
		if e.GetResource().GetId() == d.GetId() {
			entries++
		}
	}
	got, err := c.GetDetection(t.Context(), &driftv1.GetDetectionRequest{DetectionId: d.GetId()})
	if err != nil {
		t.Fatal(err)
	}
	e := got.GetDetection().GetEvidence()
	if entries != 1 || e.GetState() != driftv1.EvidenceState_EVIDENCE_STATE_RECORDED || e.GetEntryId() != d.GetEvidence().GetEntryId() ||
		e.GetReceipt() != drifttest.Receipt(e.GetEntryId()) {
		t.Errorf("got %d entries, evidence %v", entries, e)
	}
}

// setUp returns a service whose runs do not wait for evidence, a client, a monitor with a baseline, and data.
func setUp(t *testing.T) (*drifttest.Service, *drifttest.Client, *driftv1.RunDetectionHeader, *driftv1.ColumnBatch) {
	t.Helper()
	stack := drifttest.NewStack(t)
	cfg := stack.Config()
	cfg.Upload.EvidenceWait = time.Millisecond
	s := stack.Run(t, cfg)
	c := s.Client(t, drifttest.NewTenant())
	m := c.Monitor(t, "m", drifttest.Numeric("x"))
	batch := drifttest.Batch(drifttest.Numbers("x", drifttest.Sequence(50, 0, 1)...))
	c.Active(t, m, batch)
	s.Governance.AwaitEntries(t, c.Tenant, 5)
	return s, c, &driftv1.RunDetectionHeader{MonitorId: m.GetId()}, batch
}

// TestGovernanceDown runs detections while governance is down, refuses or loses its answers: each is answered, and recorded exactly once later.
func TestGovernanceDown(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		interrupt func(g *drifttest.Governance, err error)
		err       error
	}{
		{"down", (*drifttest.Governance).Fail, drifttest.ErrDown},
		{"refuses the service", (*drifttest.Governance).Fail, status.Error(codes.PermissionDenied, "no")},
		{"refuses the entry", (*drifttest.Governance).Fail, status.Error(codes.InvalidArgument, "no")},
		{"defective", (*drifttest.Governance).Fail, status.Error(codes.Internal, "oops")},
		{"answers are lost", (*drifttest.Governance).LoseAnswers, status.Error(codes.DeadlineExceeded, "lost")},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s, c, header, batch := setUp(t)
			test.interrupt(s.Governance, test.err)
			calls := s.Governance.Calls()
			var detections []*driftv1.Detection
			for range 3 {
				d, err := c.Run(t, header, batch)
				if err != nil {
					t.Fatal(err)
				}
				e := d.GetEvidence()
				if e.GetState() != driftv1.EvidenceState_EVIDENCE_STATE_PENDING || e.GetEntryId() == "" || e.GetReceipt() != "" || len(e.GetLeafHash()) != 0 || e.GetRecordTime() != nil {
					t.Errorf("got evidence %v", e)
				}
				detections = append(detections, d)
			}
			s.Governance.AwaitCalls(t, calls+7) // each was tried, and again
			if code, body := get(t, "http://"+s.Addresses.Admin+"/readyz"); code != 200 {
				t.Errorf("readiness depends on governance: %d %s", code, body)
			}
			recorded := s.Listen(t)
			test.interrupt(s.Governance, nil)
			for _, d := range detections {
				recorded.Await(t, d.GetEvidence().GetEntryId())
				recordedOnce(t, s, c, d)
			}
		})
	}
}

// TestRunWaits shows that a run answers as soon as its evidence is recorded, and no sooner.
func TestRunWaits(t *testing.T) {
	t.Parallel()
	s := drifttest.Start(t) // waits a minute
	c := s.Client(t, drifttest.NewTenant())
	m := c.Monitor(t, "m", drifttest.Numeric("x"))
	batch := drifttest.Batch(drifttest.Numbers("x", drifttest.Sequence(50, 0, 1)...))
	c.Active(t, m, batch)
	s.Governance.AwaitEntries(t, c.Tenant, 5)
	s.Governance.Fail(drifttest.ErrDown)
	calls := s.Governance.Calls()
	answer := make(chan *driftv1.Detection)
	go func() {
		d, err := c.Run(t, &driftv1.RunDetectionHeader{MonitorId: m.GetId()}, batch)
		if err != nil {
			t.Error(err)
		}
		answer <- d
	}()
	s.Governance.AwaitCalls(t, calls+2)
	select {
	case d := <-answer:
		t.Errorf("answered while governance was down: %v", d.GetEvidence())
	default:
	}
	s.Governance.Fail(nil)
	d := <-answer
	if d.GetEvidence().GetState() != driftv1.EvidenceState_EVIDENCE_STATE_RECORDED {
		t.Errorf("got %v", d.GetEvidence())
	}
	recordedOnce(t, s, c, d)
}

// TestEvidenceKeepsTheOrderOfChanges changes resources while governance is down, and lets many workers record it: the states of each follow each other as the
// changes did.
func TestEvidenceKeepsTheOrderOfChanges(t *testing.T) {
	t.Parallel()
	s := drifttest.Start(t)
	s.Governance.Fail(drifttest.ErrDown)
	c := s.Client(t, drifttest.NewTenant())
	m := c.Monitor(t, "m", drifttest.Numeric("x"))
	var baselines []string
	for range 2 {
		b, err := c.Upload(t, &driftv1.UploadBaselineHeader{MonitorId: m.GetId()}, drifttest.Batch(drifttest.Numbers("x", drifttest.Sequence(50, 0, 1)...)))
		if err != nil {
			t.Fatal(err)
		}
		baselines = append(baselines, b.GetId())
	}
	const activations = 12
	for i := range activations {
		if _, err := c.ActivateBaseline(t.Context(), &driftv1.ActivateBaselineRequest{BaselineId: baselines[i%2]}); err != nil {
			t.Fatal(err)
		}
	}
	s.Governance.Fail(nil)
	const entries = 4 + 2 + 3*(activations-1) // the first activation retires nothing
	states := map[string][]map[string]any{}
	for _, e := range s.Governance.AwaitEntries(t, c.Tenant, entries) {
		states[e.GetResource().GetId()] = append(states[e.GetResource().GetId()], e.GetResource().GetState().AsMap())
	}
	for i, state := range states[m.GetId()] {
		want := any(nil)
		if i > 0 {
			want = baselines[(i-1)%2]
		}
		if state["active_baseline_id"] != want {
			t.Errorf("state %d of the monitor has baseline %v, want %v", i, state["active_baseline_id"], want)
		}
	}
	for i, id := range baselines {
		for j, state := range states[id] {
			if want := []string{"RETIRED", "ACTIVE"}[j%2]; j > 0 && state["state"] != want || j == 0 && state["state"] != "READY" {
				t.Errorf("state %d of baseline %d is %v, want %s", j, i, state["state"], want)
			}
		}
	}
}

// TestRestart stops the service with evidence pending; the next one records it.
func TestRestart(t *testing.T) {
	t.Parallel()
	s, c, header, batch := setUp(t)
	s.Governance.Fail(drifttest.ErrDown)
	d, err := c.Run(t, header, batch)
	if err != nil {
		t.Fatal(err)
	}
	s.Stop()
	recorded := s.Listen(t)
	s.Governance.Fail(nil)
	next := s.Run(t, s.Config())
	recorded.Await(t, d.GetEvidence().GetEntryId())
	recordedOnce(t, next, next.Client(t, c.Tenant), d)
}

// TestLostJob deletes the jobs of pending evidence, as a restored backup or an operator may: the sweep brings them back.
func TestLostJob(t *testing.T) {
	t.Parallel()
	s, c, header, batch := setUp(t)
	s.Governance.Fail(drifttest.ErrDown)
	d, err := c.Run(t, header, batch)
	if err != nil {
		t.Fatal(err)
	}
	s.Stop()
	admin := s.DB.Admin()
	if _, err := admin.Exec(t.Context(), "DELETE FROM river.river_job"); err != nil {
		t.Fatal(err)
	}
	recorded := s.Listen(t)
	s.Governance.Fail(nil)
	next := s.Run(t, s.Config())
	recorded.Await(t, d.GetEvidence().GetEntryId())
	recordedOnce(t, next, next.Client(t, c.Tenant), d)
}

// heard tells of the first line of a log that has the text.
type heard struct {
	text string
	once sync.Once
	done chan struct{}
}

func (h *heard) Write(line []byte) (int, error) {
	if strings.Contains(string(line), h.text) {
		h.once.Do(func() { close(h.done) })
	}
	return len(line), nil
}

// TestSweepFails takes from the sweep what it looks with: how much evidence waits is then not known, which a metric says.
func TestSweepFails(t *testing.T) {
	t.Parallel()
	stack := drifttest.NewStack(t)
	failure := &heard{text: "pending evidence could not be swept", done: make(chan struct{})}
	stack.Log = failure
	if _, err := stack.DB.Admin().Exec(t.Context(), "ALTER FUNCTION drf_evidence_backlog() RENAME TO gone"); err != nil {
		t.Fatal(err)
	}
	s := stack.Run(t, stack.Config())
	<-failure.done
	if _, exposed := get(t, "http://"+s.Addresses.Admin+"/metrics"); !strings.Contains(exposed, "\naumos_drift_evidence_sweep_failed 1\n") {
		t.Error("the metrics do not say that the sweep failed")
	}
}

var recordedMetric = regexp.MustCompile(`(?m)^aumos_drift_evidence_recorded_total (\d+)$`)

// TestReplicas runs two services on one database, each with one worker, and lets governance answer only when both call at once.
func TestReplicas(t *testing.T) {
	t.Parallel()
	stack := drifttest.NewStack(t)
	cfg := stack.Config()
	cfg.Evidence.Workers = 1
	one, two := stack.Run(t, cfg), stack.Run(t, cfg)
	var meeting sync.WaitGroup
	meeting.Add(2)
	var mu sync.Mutex
	arrived := 0
	stack.Governance.Gate(func(ctx context.Context) {
		mu.Lock()
		arrived++
		mine := arrived
		mu.Unlock()
		if mine > 2 {
			return
		}
		meeting.Done()
		met := make(chan struct{})
		go func() {
			meeting.Wait()
			close(met)
		}()
		select {
		case <-met:
		case <-ctx.Done(): // the other replica never came
		}
	})
	id := drifttest.NewTenant()
	a, b := one.Client(t, id), two.Client(t, id)
	m := a.Monitor(t, "m", drifttest.Numeric("x"))
	batch := drifttest.Batch(drifttest.Numbers("x", drifttest.Sequence(50, 0, 1)...))
	a.Active(t, m, batch)
	const runs = 10
	var group sync.WaitGroup
	detections := make([]*driftv1.Detection, 2*runs)
	for i := range detections {
		c := a
		if i%2 == 1 {
			c = b
		}
		group.Go(func() {
			d, err := c.Run(t, &driftv1.RunDetectionHeader{MonitorId: m.GetId()}, batch)
			if err != nil {
				t.Error(err)
			}
			detections[i] = d
		})
	}
	group.Wait()
	for _, d := range detections {
		// Whichever replica recorded it, the one that was asked knew and answered with the receipt.
		if d.GetEvidence().GetState() != driftv1.EvidenceState_EVIDENCE_STATE_RECORDED {
			t.Errorf("got %v", d.GetEvidence())
		}
		recordedOnce(t, two, b, d)
	}
	if n := len(stack.Governance.AwaitEntries(t, id, 5+2*runs)); n != 5+2*runs { // those before the runs may come after theirs
		t.Errorf("got %d entries, want %d", n, 5+2*runs)
	}
	for _, s := range []*drifttest.Service{one, two} {
		_, body := get(t, "http://"+s.Addresses.Admin+"/metrics")
		match := recordedMetric.FindStringSubmatch(body)
		if match == nil {
			t.Fatal("the metric is missing")
		}
		if n, _ := strconv.Atoi(match[1]); n == 0 {
			t.Error("one of the replicas recorded nothing")
		}
	}
}

// TestKilledReplica leaves a job as a replica does that was killed while it recorded: it goes to another one.
func TestKilledReplica(t *testing.T) {
	t.Parallel()
	s, c, header, batch := setUp(t)
	s.Governance.Fail(drifttest.ErrDown)
	d, err := c.Run(t, header, batch)
	if err != nil {
		t.Fatal(err)
	}
	s.Stop()
	tag, err := s.DB.Admin().Exec(t.Context(), `
		UPDATE river.river_job
		SET state = 'running', attempt = attempt + 1, attempted_at = now() - interval '2 minutes', attempted_by = ARRAY['killed']
		WHERE args ->> 'entry_id' = $1
		AND state IN ('available', 'scheduled', 'retryable')`, d.GetEvidence().GetEntryId())
	if err != nil || tag.RowsAffected() != 1 {
		t.Fatalf("%s, %v", tag, err)
	}
	recorded := s.Listen(t)
	s.Governance.Fail(nil)
	next := s.Run(t, s.Config())
	recorded.Await(t, d.GetEvidence().GetEntryId())
	recordedOnce(t, next, next.Client(t, c.Tenant), d)
}
