package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/aumos-enterprise/platform/drift/internal/drifttest"
	"github.com/aumos-enterprise/platform/drift/internal/embedding"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

// meanings stands in for an embedding service. It understands one thing, whether a text is a complaint, and adds noise that depends on the text.
type meanings struct {
	*httptest.Server

	texts atomic.Int64
	down  atomic.Bool
	stuck chan struct{} // when it is set, requests end with their clients, after they said so here
}

func startMeanings(t *testing.T) *meanings {
	t.Helper()
	m := &meanings{}
	m.Server = httptest.NewServer(m)
	t.Cleanup(m.Close)
	return m
}

func (m *meanings) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct{ Input []string }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || r.Header.Get("Authorization") != "Bearer key" {
		http.Error(w, "no", http.StatusUnauthorized)
		return
	}
	if m.stuck != nil {
		m.stuck <- struct{}{}
		<-r.Context().Done()
		return
	}
	if m.down.Load() {
		http.Error(w, "out of order: "+in.Input[0], http.StatusServiceUnavailable)
		return
	}
	m.texts.Add(int64(len(in.Input)))
	type row struct {
		Index     int       `json:"index"`
		Embedding []float64 `json:"embedding"`
	}
	var out struct {
		Data []row `json:"data"`
	}
	for i, text := range in.Input {
		complaint := 0.0
		if strings.HasPrefix(text, "bad") {
			complaint = 1
		}
		noise := 0
		for _, b := range []byte(text) {
			noise = (noise*31 + int(b)) % 1009
		}
		out.Data = append(out.Data, row{i, []float64{complaint + float64(noise)/1009, float64(noise%97) / 97, float64(noise%89) / 89}})
	}
	_ = json.NewEncoder(w).Encode(out)
}

// embeddingService runs drift with an embedding service.
func embeddingService(t *testing.T, m *meanings) *drifttest.Service {
	t.Helper()
	stack := drifttest.NewStack(t)
	cfg := stack.Config()
	cfg.Embedding = embedding.Config{
		URL: m.URL + "/v1/embeddings", Model: "text-embedding-7", Token: "key", Timeout: time.Minute, TextsTimeout: time.Minute, Comparisons: 1,
	}
	return stack.Run(t, cfg)
}

// reviews are n texts of the same length with the words at their beginning in turn.
func reviews(n int, words ...string) []string {
	texts := make([]string, n)
	for i := range texts {
		texts[i] = fmt.Sprintf("%s %05d", words[i%len(words)], i)
	}
	return texts
}

// embedded asks for the embeddings of the column review.
func embedded(tests ...driftv1.DriftTest) *driftv1.ComparisonHeader {
	f := &driftv1.ComparedFeature{Name: "review", Type: driftv1.FeatureType_FEATURE_TYPE_TEXT, Embed: true}
	for _, test := range tests {
		f.Tests = append(f.Tests, &driftv1.TestSetting{Test: test})
	}
	return &driftv1.ComparisonHeader{Features: []*driftv1.ComparedFeature{{Name: "x", Type: driftv1.FeatureType_FEATURE_TYPE_NUMERIC}, f}, Seed: 5}
}

// reviewOf returns the result of the column review, and checks that of the other.
func reviewOf(t *testing.T, c *driftv1.Comparison) *driftv1.FeatureResult {
	t.Helper()
	var review *driftv1.FeatureResult
	for _, f := range c.GetFeatures() {
		if f.GetFeature() == "review" {
			review = f
		} else if f.GetStatus() != driftv1.DriftStatus_DRIFT_STATUS_OK {
			t.Errorf("got %v", f)
		}
	}
	return review
}

const (
	textLength = driftv1.DriftTest_DRIFT_TEST_TEXT_LENGTH
	mmd        = driftv1.DriftTest_DRIFT_TEST_MAXIMUM_MEAN_DISCREPANCY
	centroid   = driftv1.DriftTest_DRIFT_TEST_CENTROID_SHIFT
	classifier = driftv1.DriftTest_DRIFT_TEST_DOMAIN_CLASSIFIER
)

func TestCompareEmbeds(t *testing.T) {
	t.Parallel()
	m := startMeanings(t)
	c := embeddingService(t, m).Client(t, drifttest.NewTenant())
	numbers := func(n int) *driftv1.Column { return drifttest.Numbers("x", drifttest.Sequence(n, 0, 1)...) }
	compare := func(header *driftv1.ComparisonHeader, n int, words ...string) *driftv1.FeatureResult {
		t.Helper()
		got, err := c.CompareSides(t, header, drifttest.Baseline(numbers(400), drifttest.Texts("review", reviews(400, "good", "nice", "fine")...)),
			drifttest.Current(numbers(n), drifttest.Texts("review", reviews(n, words...)...)))
		if err != nil {
			t.Fatal(err)
		}
		return reviewOf(t, got)
	}
	header := embedded(textLength, mmd, centroid, classifier)
	for name, words := range map[string][]string{"OK": {"nice", "good", "fine"}, "DRIFT": {"bad,", "bad.", "bad!"}} {
		review := compare(header, 300, words...)
		want := driftv1.DriftStatus(driftv1.DriftStatus_value["DRIFT_STATUS_"+name])
		if review.GetStatus() != want || len(review.GetTests()) != 5 {
			t.Fatalf("%s: got %v", name, review)
		}
		for i, r := range review.GetTests()[1:4] {
			checkResult(t, "review", r)
			if r.GetStatus() != want || r.GetBaselineCount() != 400 || r.GetCurrentCount() != 300 {
				t.Errorf("%s, %d: got %v", name, i, r)
			}
		}
		if diff := cmp.Diff(&driftv1.TextEmbedding{Model: "text-embedding-7", BaselineCount: 400, CurrentCount: 300, Dimension: 3}, review.GetEmbedding(), protocmp.Transform()); diff != "" {
			t.Error(diff)
		}
		if again := compare(header, 300, words...); !cmp.Equal(review, again, protocmp.Transform()) {
			t.Errorf("another answer: %s", cmp.Diff(review, again, protocmp.Transform()))
		}
	}
	// Unasked: the recommended tests of texts and of vectors.
	made := make(map[driftv1.DriftTest]bool)
	for _, r := range compare(embedded(), 300, "nice").GetTests() {
		made[r.GetTest()] = true
	}
	if !made[textLength] || !made[mmd] || !made[centroid] {
		t.Errorf("got %v", made)
	}
	// More than are embedded.
	m.texts.Store(0)
	if review := compare(embedded(centroid), 2500, "nice", "good", "fine"); review.GetEmbedding().GetCurrentCount() != 2000 || m.texts.Load() != 2400 {
		t.Errorf("got %v, %d texts were embedded", review, m.texts.Load())
	}
}

func TestCompareEmbedsWhileDown(t *testing.T) {
	t.Parallel()
	m := startMeanings(t)
	m.down.Store(true)
	c := embeddingService(t, m).Client(t, drifttest.NewTenant())
	x, texts := drifttest.Numbers("x", drifttest.Sequence(60, 0, 1)...), drifttest.Texts("review", reviews(60, "secret")...)
	got, err := c.CompareSides(t, embedded(textLength, mmd, centroid, classifier), drifttest.Baseline(x, texts), drifttest.Current(x, texts))
	if err != nil {
		t.Fatal(err)
	}
	review := reviewOf(t, got)
	if got.GetStatus() != driftv1.DriftStatus_DRIFT_STATUS_ERROR || review.GetStatus() != driftv1.DriftStatus_DRIFT_STATUS_ERROR || review.GetEmbedding() != nil ||
		review.GetTests()[0].GetStatus() != driftv1.DriftStatus_DRIFT_STATUS_OK || strings.Contains(got.String(), "secret") {
		t.Errorf("got %v", got)
	}
	for _, r := range review.GetTests()[1:4] {
		if r.GetStatus() != driftv1.DriftStatus_DRIFT_STATUS_ERROR || r.GetReason() != "the texts could not be embedded: the embedding service failed: it answered with status 503" || r.PValue != nil {
			t.Errorf("got %v", r)
		}
	}
}

// TestCompareEmbedsNoLonger has a client that goes while the service thinks.
func TestCompareEmbedsNoLonger(t *testing.T) {
	t.Parallel()
	m := startMeanings(t)
	m.stuck = make(chan struct{}, 1)
	s := embeddingService(t, m)
	c := s.Client(t, drifttest.NewTenant())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stream, err := c.Compare(ctx)
	if err != nil {
		t.Fatal(err)
	}
	x, texts := drifttest.Numbers("x", drifttest.Sequence(60, 0, 1)...), drifttest.Texts("review", reviews(60, "good")...)
	for _, part := range []*driftv1.CompareRequest{
		{Part: &driftv1.CompareRequest_Header{Header: embedded(mmd)}},
		{Part: &driftv1.CompareRequest_Batch{Batch: drifttest.Baseline(x, texts)}},
		{Part: &driftv1.CompareRequest_Batch{Batch: drifttest.Current(x, texts)}},
	} {
		if err := stream.Send(part); err != nil {
			t.Fatal(err)
		}
	}
	go func() {
		<-m.stuck
		cancel()
	}()
	if _, err := stream.CloseAndRecv(); status.Code(err) != codes.Canceled {
		t.Errorf("got %v", err)
	}
	awaitNoUpload(t, s)
}

func TestCompareEmbedRefusals(t *testing.T) {
	t.Parallel()
	s := drifttest.Start(t)
	c := s.Client(t, drifttest.NewTenant())
	texts := []*driftv1.ComparisonBatch{drifttest.Baseline(drifttest.Texts("review", "a")), drifttest.Current(drifttest.Texts("review", "a"))}
	_, err := c.CompareSides(t, embedded(mmd), texts...)
	refused := drifttest.Want(t, err, codes.FailedPrecondition, "EMBEDDING_NOT_CONFIGURED", "header.features[1].embed")
	if refused.Metadata["setting"] != "AUMOS_DRIFT_EMBEDDING__URL" {
		t.Errorf("got %v", refused.Metadata)
	}
	unasked := embedded(mmd)
	unasked.Features[1].Embed = false
	number := embedded()
	number.Features[0].Embed = true
	many := &driftv1.ComparisonHeader{}
	for i := range 9 {
		many.Features = append(many.Features, &driftv1.ComparedFeature{Name: fmt.Sprint("f", i), Type: driftv1.FeatureType_FEATURE_TYPE_TEXT, Embed: true})
	}
	for _, test := range []struct {
		name   string
		header *driftv1.ComparisonHeader
		field  string
	}{
		{"a number", number, "header.features[0].embed"},
		{"for no test", embedded(textLength), "header.features[1].embed"},
		{"vectors of texts that are not embedded", unasked, "header.features[1].tests[0].test"},
		{"a test of numbers", embedded(driftv1.DriftTest_DRIFT_TEST_KOLMOGOROV_SMIRNOV, mmd), "header.features[1].tests[0].test"},
		{"too many", many, "header.features[8].embed"},
	} {
		_, err := c.CompareSides(t, test.header, texts...)
		t.Run(test.name, func(t *testing.T) { drifttest.Want(t, err, invalid, "INVALID_FIELD", test.field) })
	}
}
