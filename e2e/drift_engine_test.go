package e2e_test

import (
	"crypto/sha256"
	"encoding/json"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

// TestCompareKeepsNothing compares samples with tests of columns and of rows; neither the wall nor the lists know of it afterwards.
func TestCompareKeepsNothing(t *testing.T) {
	t.Parallel()
	u := deploy(t).newTenant(t)
	compare := func(code int, sample string) (printed struct {
		Comparison struct {
			Status   string `json:"status"`
			Features []any  `json:"features"`
			RowTests []any  `json:"row_tests"`
			Summary  string `json:"summary"`
		} `json:"comparison"`
	},
	) {
		t.Helper()
		u.ctlJSON(t, code, &printed, "drift", "compare", example(t, "flights", "winter.csv"), example(t, "flights", sample), "--row-tests", "mmd,domain_classifier")
		return printed
	}
	summer := compare(1, "summer.csv")
	if c := summer.Comparison; c.Status != "DRIFT_STATUS_DRIFT" || len(c.Features) != 16 || len(c.RowTests) != 2 || !strings.Contains(c.Summary, "Whole rows drifted too") {
		t.Errorf("got %+v", c)
	}
	if again := compare(1, "summer.csv"); again.Comparison.Summary != summer.Comparison.Summary {
		t.Errorf("the same samples say\n%s\nand\n%s", summer.Comparison.Summary, again.Comparison.Summary)
	}
	if c := compare(0, "winter_control.csv").Comparison; c.Status != "DRIFT_STATUS_OK" {
		t.Errorf("the control: got %+v", c)
	}
	for _, list := range [][]string{{"drift", "list"}, {"audit", "list", "--type", "drift."}} {
		if r := u.ctl(t, append(list, "-o", "jsonl")...).want(t, 0); r.stdout != "" {
			t.Errorf("%v knows of comparisons:\n%s", list, r.stdout)
		}
	}
}

// TestDetectionByOtherTests runs a monitor with tests that are no defaults. What they found is evidence: the document names each convention, and its digest is on the
// wall.
func TestDetectionByOtherTests(t *testing.T) {
	t.Parallel()
	u := deploy(t).newTenant(t)
	r := u.ctl(t, "drift", "detect", "--baseline", example(t, "flights", "winter.csv"), "--current", example(t, "flights", "summer.csv"),
		"--tests", "wasserstein,js:js/base2-doane,psi:psi/category", "--document", u.file("document.json"), "--receipt", u.file("summer.tlog-proof"), "-o", "json").want(t, 1)
	detection := decodeDetection(t, r.stdout)
	if detection.GetStatus() != driftv1.DriftStatus_DRIFT_STATUS_DRIFT {
		t.Fatalf("got %v", detection.GetStatus())
	}
	drifted := make(map[string]bool) // conventions
	for _, f := range detection.GetFeatures() {
		for _, test := range f.GetTests() {
			if test.GetStatus() == driftv1.DriftStatus_DRIFT_STATUS_DRIFT {
				drifted[test.GetConvention()] = true
			}
		}
	}
	document, err := os.ReadFile(u.file("document.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, convention := range []string{"wasserstein/std", "js/base2-doane", "psi/category"} {
		if !drifted[convention] || !strings.Contains(string(document), strconv.Quote(convention)) {
			t.Errorf("nothing was found by %s, or the document does not say so", convention)
		}
	}

	u.ctl(t, "audit", "keys", "--out", u.file("wall.vkey")).want(t, 0)
	u.ctl(t, "audit", "verify", u.file("summer.tlog-proof"), "--key", u.file("wall.vkey")).want(t, 0)
	entries := u.entries(t, "drift.detection")
	want := sha256.Sum256(document)
	if len(entries) != 1 || !slices.ContainsFunc(entries[0].Digests, func(d digest) bool { return d.Name == "result" && string(d.SHA256) == string(want[:]) }) {
		t.Errorf("the document with the digest %x is not what is on the wall: %+v", want, entries)
	}
}

// digest is what an entry says of something that it does not hold.
type digest struct {
	Name   string `json:"name"`
	SHA256 []byte `json:"sha256"`
}

// entry is what these tests read of an entry on the wall.
type entry struct {
	EntryID  string         `json:"entry_id"`
	TenantID string         `json:"tenant_id"`
	Details  map[string]any `json:"details"`
	Digests  []digest       `json:"digests"`
}

// entries returns the wall's entries of a type.
func (u *user) entries(t *testing.T, event string) (entries []entry) {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(u.ctl(t, "audit", "list", "--type", event, "-o", "jsonl", "--limit", "0").want(t, 0).stdout))
	for decoder.More() {
		var line struct {
			Entry entry `json:"entry"`
		}
		if err := decoder.Decode(&line); err != nil {
			t.Fatal(err)
		}
		entries = append(entries, line.Entry)
	}
	return entries
}

// TestStreamsOfTwoTenants gives two tenants a stream of one name and the same values, to one of them through a crash of the service. Both streams find the same
// drifts, each drift is on its tenant's wall once, and neither tenant reaches the other's stream.
func TestStreamsOfTwoTenants(t *testing.T) {
	t.Parallel()
	p := deploy(t)
	a, b := p.newTenant(t), p.newTenant(t)
	values := delayErrors(t)
	for _, u := range []*user{a, b} {
		u.write(t, "values.txt", []byte(strings.Join(values, "\n")+"\n"))
		u.ctl(t, "drift", "stream", "create", "delay errors", "--detector", "page-hinkley", "--param", "delta=1", "--param", "threshold=300").want(t, 0)
	}
	update := func(u *user) result {
		return u.ctl(t, "drift", "stream", "update", "delay errors", u.file("values.txt"), "--from", "0", "--batch", "5")
	}
	update(b).want(t, 1)

	var interrupted sync.WaitGroup
	interrupted.Go(func() { update(a) }) // fails, or goes on after the restart
	for began := time.Now(); a.stream(t).NextSequence < 500 && time.Since(began) < readyWithin; {
	}
	p.drift.kill(t)
	p.startDrift(t)
	interrupted.Wait()
	if n := a.stream(t).NextSequence; n < 500 {
		t.Errorf("the crash took the stream back to %d values", n)
	}
	update(a) // 1 if drifts were found in what was left, else 0

	got, want := a.stream(t), b.stream(t)
	if got.NextSequence != len(values) || want.NextSequence != len(values) || want.DriftCount == 0 || got.DriftCount != want.DriftCount {
		t.Fatalf("got %+v and %+v of %d values", got, want, len(values))
	}
	mine, others := a.awaitDrifts(t, want.DriftCount), b.awaitDrifts(t, want.DriftCount)
	if !slices.Equal(mine, others) {
		t.Errorf("drifts at %v, without a crash at %v", mine, others)
	}

	client := driftv1.NewConceptDriftServiceClient(b.dial(t, p.driftAt.GRPC))
	for name, call := range map[string]func() error{
		"GetStream": func() error {
			_, err := client.GetStream(t.Context(), &driftv1.GetStreamRequest{StreamId: got.ID})
			return err
		},
		"UpdateStream": func() error {
			_, err := client.UpdateStream(t.Context(), &driftv1.UpdateStreamRequest{StreamId: got.ID, FirstSequence: int64(len(values)), Values: []float64{1}})
			return err
		},
		"ResetStream": func() error {
			_, err := client.ResetStream(t.Context(), &driftv1.ResetStreamRequest{StreamId: got.ID})
			return err
		},
		"ListStreamDrifts": func() error {
			_, err := client.ListStreamDrifts(t.Context(), &driftv1.ListStreamDriftsRequest{StreamId: got.ID})
			return err
		},
	} {
		if err := call(); status.Code(err) != codes.NotFound {
			t.Errorf("%s of another tenant: got %v, want NOT_FOUND", name, err)
		}
	}
	if again := a.stream(t); again != got {
		t.Errorf("another tenant changed the stream: %+v, was %+v", again, got)
	}
}

// delayErrors are the minutes between the delays of departure and arrival, first of the winter and then of the summer.
func delayErrors(t *testing.T) (values []string) {
	t.Helper()
	for _, sample := range []string{"winter.csv", "summer.csv"} {
		content, err := os.ReadFile(example(t, "flights", sample))
		if err != nil {
			t.Fatal(err)
		}
		for row := range strings.Lines(string(content)) {
			columns := strings.Split(row, ",")
			left, err := strconv.ParseFloat(columns[6], 64)
			arrived, missing := strconv.ParseFloat(columns[7], 64)
			if err != nil || missing != nil {
				continue // the header, and flights that were cancelled
			}
			values = append(values, strconv.FormatFloat(math.Abs(arrived-left), 'g', -1, 64))
		}
	}
	return values
}

// stream is what these tests read of a stream.
type stream struct {
	ID           string `json:"id"`
	NextSequence int    `json:"next_sequence"`
	DriftCount   int    `json:"drift_count"`
	ETag         string `json:"etag"`
}

func (u *user) stream(t *testing.T) stream {
	t.Helper()
	var printed struct {
		Stream stream `json:"stream"`
	}
	u.ctlJSON(t, 0, &printed, "drift", "stream", "get", "delay errors")
	return printed.Stream
}

// awaitDrifts waits until the wall has an entry for each drift of the stream, and returns the sequences at which they were found.
func (u *user) awaitDrifts(t *testing.T, count int) (sequences []int) {
	t.Helper()
	entries := u.entries(t, "drift.concept_drift_detected")
	for began := time.Now(); len(entries) < count && time.Since(began) < readyWithin; {
		entries = u.entries(t, "drift.concept_drift_detected")
	}
	var drifts []struct {
		Sequence int `json:"sequence"`
		Evidence struct {
			EntryID string `json:"entry_id"`
		} `json:"evidence"`
	}
	u.ctlJSON(t, 0, &drifts, "drift", "stream", "drifts", "delay errors", "--limit", "0")
	if len(drifts) != count || len(entries) != count {
		t.Fatalf("%d drifts, %d entries on the wall, want %d", len(drifts), len(entries), count)
	}
	for _, d := range drifts {
		sequences = append(sequences, d.Sequence)
		recorded := slices.ContainsFunc(entries, func(e entry) bool {
			return e.EntryID == d.Evidence.EntryID && e.TenantID == u.tenant && e.Details["sequence"] == float64(d.Sequence)
		})
		if !recorded {
			t.Errorf("the drift at %d has no entry on the wall", d.Sequence)
		}
	}
	return sequences
}
