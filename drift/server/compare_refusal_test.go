package server_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/aumos-enterprise/platform/drift/internal/drifttest"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

func TestCompareRefusals(t *testing.T) {
	t.Parallel()
	s := drifttest.Start(t)
	c := s.Client(t, drifttest.NewTenant())
	numeric, categorical := driftv1.FeatureType_FEATURE_TYPE_NUMERIC, driftv1.FeatureType_FEATURE_TYPE_CATEGORICAL
	x := func(change func(*driftv1.ComparedFeature)) *driftv1.ComparisonHeader {
		f := &driftv1.ComparedFeature{Name: "x", Type: numeric}
		change(f)
		return &driftv1.ComparisonHeader{Features: []*driftv1.ComparedFeature{f}}
	}
	at := func(change func(*driftv1.ComparedFeature)) *driftv1.ComparisonHeader {
		return x(func(f *driftv1.ComparedFeature) {
			f.Type = driftv1.FeatureType_FEATURE_TYPE_TIMESTAMP
			change(f)
		})
	}
	tests := func(tests ...driftv1.DriftTest) (settings []*driftv1.TestSetting) {
		for _, test := range tests {
			settings = append(settings, &driftv1.TestSetting{Test: test})
		}
		return settings
	}
	many := &driftv1.ComparisonHeader{}
	for i := range 500 {
		many.Features = append(many.Features, &driftv1.ComparedFeature{Name: strconv.Itoa(i), Type: numeric})
	}
	ks, chi := driftv1.DriftTest_DRIFT_TEST_KOLMOGOROV_SMIRNOV, driftv1.DriftTest_DRIFT_TEST_CHI_SQUARE
	any30 := drifttest.Sequence(30, 0, 1)
	before, after := drifttest.Baseline(drifttest.Numbers("x", any30...)), drifttest.Current(drifttest.Numbers("x", any30...))
	both := []*driftv1.ComparisonBatch{before, after}
	none := &driftv1.ComparisonHeader{}
	for _, test := range []struct {
		name    string
		header  *driftv1.ComparisonHeader
		batches []*driftv1.ComparisonBatch
		reason  string
		field   string
	}{
		{"no header", nil, both, "STREAM_ORDER", "batch"},
		{"nothing", nil, nil, "STREAM_ORDER", "header"},
		{"no rows", none, nil, "DATA_EMPTY", "batch.rows"},
		{"no current rows", none, both[:1], "DATA_EMPTY", "batch.rows"},
		{"no side", none, []*driftv1.ComparisonBatch{{Rows: before.GetRows()}}, "INVALID_FIELD", "batch.side"},
		{"no rows in a batch", none, []*driftv1.ComparisonBatch{{Side: 1}}, "INVALID_FIELD", "batch.rows"},
		{"twice", &driftv1.ComparisonHeader{Features: append(x(func(*driftv1.ComparedFeature) {}).GetFeatures(), &driftv1.ComparedFeature{Name: "x", Type: numeric})}, both, "INVALID_FIELD", "header.features[1].name"},
		{"control characters", x(func(f *driftv1.ComparedFeature) { f.Name = "x\n" }), both, "INVALID_FIELD", "header.features[0].name"},
		{"test of another type", x(func(f *driftv1.ComparedFeature) { f.Tests = tests(chi) }), both, "INVALID_FIELD", "header.features[0].tests[0].test"},
		{"test twice", x(func(f *driftv1.ComparedFeature) { f.Tests = tests(ks, ks) }), both, "INVALID_FIELD", "header.features[0].tests[1].test"},
		{"convention", x(func(f *driftv1.ComparedFeature) { f.Tests = []*driftv1.TestSetting{{Test: ks, Convention: "ks/own"}} }), both, "INVALID_FIELD", "header.features[0].tests[0].convention"},
		{"effect out of reach", x(func(f *driftv1.ComparedFeature) {
			f.Tests = []*driftv1.TestSetting{{Test: ks, MinEffect: new(1.5)}}
		}), both, "INVALID_FIELD", "header.features[0].tests[0].min_effect"},
		{"row test of a feature", &driftv1.ComparisonHeader{RowTests: tests(ks)}, both, "INVALID_FIELD", "header.row_tests[0].test"},
		{"zone", at(func(f *driftv1.ComparedFeature) { f.TimeZone = "Mars/Olympus" }), both, "INVALID_FIELD", "header.features[0].time_zone"},
		{"own zone", at(func(f *driftv1.ComparedFeature) { f.TimeZone = "Local" }), both, "INVALID_FIELD", "header.features[0].time_zone"},
		{"pattern", x(func(f *driftv1.ComparedFeature) {
			f.Type, f.Constraint = categorical, &driftv1.FeatureConstraint{Pattern: "a)(b"}
		}), both, "INVALID_FIELD", "header.features[0].constraint.pattern"},
		{"range", x(func(f *driftv1.ComparedFeature) {
			f.Constraint = &driftv1.FeatureConstraint{Min: new(2.0), Max: new(1.0)}
		}), both, "INVALID_FIELD", "header.features[0].constraint.min"},
		{"importance", x(func(f *driftv1.ComparedFeature) { f.Importance = new(-1.0) }), both, "INVALID_FIELD", "header.features[0].importance"},
		{"permutations", &driftv1.ComparisonHeader{Permutations: new(int32(98))}, both, "INVALID_FIELD", "header.permutations"},
		{"drifted features", &driftv1.ComparisonHeader{Rule: &driftv1.DecisionRule{MinDriftedFeatures: new(int32(2))}}, both, "INVALID_FIELD", "header.rule.min_drifted_features"},
		{"absent", x(func(f *driftv1.ComparedFeature) { f.Name = "y" }), both, "COLUMN_MISSING", "header.features[0].name"},
		{"type of both sides", x(func(f *driftv1.ComparedFeature) { f.Type = categorical }), both, "COLUMN_TYPE", "header.features[0].type"},
		{"many tests", widen(many, ks), both, "INVALID_FIELD", ""},
		{"another column later", none, append(both[:2:2], drifttest.Baseline(drifttest.Numbers("x", 1), drifttest.Numbers("y", 1))), "COLUMN_UNKNOWN", "batch.rows.columns[1].name"},
	} {
		_, err := c.CompareSides(t, test.header, test.batches...)
		t.Run(test.name, func(t *testing.T) { drifttest.Want(t, err, invalid, test.reason, test.field) })
	}
	stream, err := c.Compare(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	part := &driftv1.CompareRequest{Part: &driftv1.CompareRequest_Header{Header: none}}
	for range 2 {
		if err := stream.Send(part); err != nil {
			t.Fatal(err)
		}
	}
	_, err = stream.CloseAndRecv()
	drifttest.Want(t, err, invalid, "STREAM_ORDER", "header")
}

// widen gives every feature more tests than fit into an answer, were they made.
func widen(header *driftv1.ComparisonHeader, test driftv1.DriftTest) *driftv1.ComparisonHeader {
	for _, f := range header.GetFeatures() {
		f.Tests = nil
		for i := range 8 {
			f.Tests = append(f.Tests, &driftv1.TestSetting{Test: test, MinEffect: new(float64(i+1) / 10)})
		}
	}
	return header
}

// TestCompareWidest uses every limit on names and numbers of features at once: the answer must still fit into a message.
func TestCompareWidest(t *testing.T) {
	t.Parallel()
	s := drifttest.Start(t)
	c := s.Client(t, drifttest.NewTenant())
	before, after := drifttest.Baseline(), drifttest.Current()
	for i := range 500 {
		name := fmt.Sprintf("%03d", i) + strings.Repeat("€", 125)
		if i%2 == 0 {
			before.Rows.Columns = append(before.Rows.Columns, drifttest.Numbers(name, drifttest.Sequence(40, 1e-300, 1)...))
			after.Rows.Columns = append(after.Rows.Columns, drifttest.Numbers(name, drifttest.Sequence(40, 0.7, 1)...))
			continue
		}
		var old, fresh []string
		for j := range 10 {
			old, fresh = append(old, strconv.Itoa(j)+strings.Repeat("\x01", 60)), append(fresh, "new"+strconv.Itoa(j)+strings.Repeat("\x01", 60))
		}
		before.Rows.Columns = append(before.Rows.Columns, drifttest.Texts(name, repeat(40, old...)...))
		after.Rows.Columns = append(after.Rows.Columns, drifttest.Texts(name, repeat(40, fresh...)...))
	}
	got, err := c.CompareSides(t, &driftv1.ComparisonHeader{}, before, after)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the answer has %d bytes", proto.Size(got))
	if got.GetDriftedFeatureCount() != 500 || proto.Size(got) > maxMessage*9/10 {
		t.Errorf("%d features drifted, the answer has %d bytes", got.GetDriftedFeatureCount(), proto.Size(got))
	}
}

// TestCompareOverload fills the memory that one tenant may have, and gives it back.
func TestCompareOverload(t *testing.T) {
	t.Parallel()
	stack := drifttest.NewStack(t)
	cfg := stack.Config()
	cfg.Upload.MemoryBytes = 128 << 20
	s := stack.Run(t, cfg)
	c := s.Client(t, drifttest.NewTenant())
	before := drifttest.Baseline(drifttest.Numbers("x", drifttest.Sequence(65536, 0, 1)...))
	var batches []*driftv1.ComparisonBatch
	for range 15 {
		batches = append(batches, before)
	}
	after := drifttest.Current(before.GetRows().GetColumns()...)
	_, err := c.CompareSides(t, &driftv1.ComparisonHeader{}, append(batches, after)...)
	if err != nil {
		t.Errorf("8 MB of numbers: %v", err)
	}
	wide := drifttest.Baseline()
	for i := range 80 {
		wide.Rows.Columns = append(wide.Rows.Columns, drifttest.Numbers(strconv.Itoa(i), drifttest.Sequence(8192, 0, 1)...))
	}
	for range 30 {
		batches = append(batches, wide)
	}
	_, err = c.CompareSides(t, &driftv1.ComparisonHeader{}, batches[15:]...)
	if r := drifttest.Want(t, err, codes.ResourceExhausted, "OVERLOADED", ""); !r.Retry {
		t.Error("no advice when to retry")
	}
	awaitNoUpload(t, s)
}

// TestCompareCancelled leaves in the middle of a stream.
func TestCompareCancelled(t *testing.T) {
	t.Parallel()
	s := drifttest.Start(t)
	c := s.Client(t, drifttest.NewTenant())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stream, err := c.Compare(ctx)
	if err != nil {
		t.Fatal(err)
	}
	batch := drifttest.Baseline(drifttest.Numbers("x", drifttest.Sequence(1000, 0, 1)...))
	for _, part := range []*driftv1.CompareRequest{
		{Part: &driftv1.CompareRequest_Header{Header: &driftv1.ComparisonHeader{}}}, {Part: &driftv1.CompareRequest_Batch{Batch: batch}},
	} {
		if err := stream.Send(part); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	if err := stream.RecvMsg(new(driftv1.CompareResponse)); status.Code(err) != codes.Canceled {
		t.Errorf("got %v", err)
	}
	awaitNoUpload(t, s)
	// A client whose time is over while it still sends.
	short, cancelShort := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancelShort()
	if stream, err = c.Compare(short); err == nil {
		part := &driftv1.CompareRequest{Part: &driftv1.CompareRequest_Header{Header: &driftv1.ComparisonHeader{}}}
		for err == nil {
			err = stream.Send(part)
			part = &driftv1.CompareRequest{Part: &driftv1.CompareRequest_Batch{Batch: batch}} // a second header would be refused, perhaps sooner
			<-short.Done()
		}
		err = stream.RecvMsg(&driftv1.CompareResponse{})
	}
	if code := status.Code(err); code != codes.DeadlineExceeded {
		t.Errorf("got %v", err)
	}
	awaitNoUpload(t, s)
}

// awaitNoUpload waits until no upload holds memory.
func awaitNoUpload(t *testing.T, s *drifttest.Service) {
	t.Helper()
	for used := "1"; used != "0"; {
		_, body := get(t, "http://"+s.Addresses.Admin+"/metrics")
		match := uploadMetric.FindStringSubmatch(body)
		if match == nil {
			t.Fatal("the metric is missing")
		}
		used = match[1]
	}
}
