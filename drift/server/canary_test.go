package server_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/aumos-enterprise/platform/drift/internal/drifttest"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

// buffer is a log in memory.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// TestValuesStayHere sends values that stand for people, in requests that succeed and in such that fail in every way: none is in the log, in the
// metrics or on the wall.
func TestValuesStayHere(t *testing.T) {
	t.Parallel()
	stack := drifttest.NewStack(t)
	log := &buffer{}
	stack.Log = log
	s := stack.Run(t, stack.Config())
	c := s.Client(t, drifttest.NewTenant())
	ctx := t.Context()
	// A number of so many digits that no time, port or count has them: a search for five finds them there once in a hundred runs.
	const canary, number = "canary@example.com", 31337424242.5
	digits := []string{canary, "13374242", "26748484"} // of the number and of its double, however they are printed
	n := 200
	names, free := make([]string, n), make([]string, n)
	for i := range names {
		names[i], free[i] = fmt.Sprintf("%s%d", canary, i%7), fmt.Sprintf("the %s of row %d says no", canary, i)
	}
	numbers := drifttest.Sequence(n, number, 1e-3)
	columns := []*driftv1.Column{drifttest.Texts("name", names...), drifttest.Numbers("salary", numbers...), drifttest.Texts("note", free...)}
	header := &driftv1.ComparisonHeader{Features: []*driftv1.ComparedFeature{
		{Name: "name", Type: driftv1.FeatureType_FEATURE_TYPE_CATEGORICAL},
		{Name: "salary", Type: driftv1.FeatureType_FEATURE_TYPE_NUMERIC},
		{Name: "note", Type: driftv1.FeatureType_FEATURE_TYPE_TEXT, Constraint: &driftv1.FeatureConstraint{Pattern: canary}},
	}}
	calls, refused := 0, 0
	call := func(_ any, err error) {
		calls++
		if err != nil {
			refused++
		}
	}
	call(c.CompareSides(t, header, drifttest.Baseline(columns...), drifttest.Current(drifttest.Texts("name", names[:50]...), drifttest.Numbers("salary", numbers[:50]...), drifttest.Texts("note", free[50:100]...))))
	call(c.CompareSides(t, header, drifttest.Baseline(columns...), drifttest.Current(drifttest.Texts("name", names...), drifttest.Texts("salary", names...), drifttest.Texts("note", names...))))
	header.Features[2].Constraint.Pattern = canary + "("
	call(c.CompareSides(t, header, drifttest.Baseline(columns...)))
	header.Features[2].Constraint.Pattern = ""
	call(c.CompareSides(t, header, drifttest.Baseline(drifttest.Texts("name", canary+strings.Repeat("x", 2000)))))
	call(c.CompareSides(t, header, drifttest.Baseline(drifttest.Texts("name", names[0], names[1]), drifttest.Numbers("salary", number))))
	call(c.Evaluate(t, &driftv1.PerformanceHeader{Output: &driftv1.ModelOutput{Task: binaryTask, Actual: "name", Predicted: "note"}}, drifttest.Baseline(columns...), drifttest.Current(columns...)))
	call(c.Evaluate(t, &driftv1.PerformanceHeader{Output: &driftv1.ModelOutput{Task: multiTask, Actual: "name", Predicted: "name2"}}, drifttest.Baseline(columns...), drifttest.Current(columns...)))
	stream := createStream(t, c, "s", driftv1.StreamDetector_STREAM_DETECTOR_PAGE_HINKLEY)
	values := append(make([]float64, 500), drifttest.Sequence(500, number, 10)...)
	call(c.UpdateStream(ctx, &driftv1.UpdateStreamRequest{StreamId: stream.GetId(), Values: values}))
	call(c.UpdateStream(ctx, &driftv1.UpdateStreamRequest{StreamId: stream.GetId(), Values: values[500:]}))
	call(c.UpdateStream(ctx, &driftv1.UpdateStreamRequest{StreamId: stream.GetId(), FirstSequence: 1000, Values: []float64{number * 1e290}}))
	// A failure of the service itself, whose cause is logged.
	if _, err := s.DB.Admin().Exec(context.WithoutCancel(ctx), "ALTER TABLE drf_stream_drifts ADD CONSTRAINT broken CHECK (sequence < 0) NOT VALID"); err != nil {
		t.Fatal(err)
	}
	call(c.UpdateStream(ctx, &driftv1.UpdateStreamRequest{StreamId: stream.GetId(), FirstSequence: 1000, Values: append(drifttest.Sequence(500, 2*number, 1), make([]float64, 500)...)}))
	if calls-refused < 2 || refused < 7 {
		t.Fatalf("of %d calls %d were refused", calls, refused)
	}
	if text := log.String(); !strings.Contains(text, "UpdateStream") || !strings.Contains(text, "broken") {
		t.Fatalf("the log is not complete: %s", text)
	}
	_, metrics := get(t, "http://"+s.Addresses.Admin+"/metrics")
	var wall strings.Builder
	for _, e := range s.Governance.AwaitEntries(t, c.Tenant, 2) {
		wall.WriteString(protojson.Format(e))
	}
	for _, place := range []struct {
		name, text string
		secrets    []string
	}{
		{"log", log.String(), digits},
		{"metrics", metrics, digits},
		{"wall", wall.String(), []string{canary}}, // which has the means of a drift
	} {
		for _, secret := range place.secrets {
			if at := strings.Index(place.text, secret); at >= 0 {
				t.Errorf("%s in the %s: %s", secret, place.name, place.text[max(0, at-300):min(len(place.text), at+300)])
			}
		}
	}
}
