package server_test

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/aumos-enterprise/platform/drift/internal/drifttest"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

// maxMessage is the size of messages that clients receive unless told otherwise.
const maxMessage = 4 << 20

var uploadMetric = regexp.MustCompile(`(?m)^aumos_drift_upload_bytes (\S+)$`)

// TestOverload holds two uploads open, which take all the memory that one tenant may have.
func TestOverload(t *testing.T) {
	t.Parallel()
	stack := drifttest.NewStack(t)
	cfg := stack.Config()
	cfg.Upload.MemoryBytes = 128 << 20
	s := stack.Run(t, cfg)
	c := s.Client(t, drifttest.NewTenant())
	m := c.Monitor(t, "m", drifttest.Numeric("x"))
	batch := drifttest.Batch(drifttest.Numbers("x", drifttest.Sequence(50, 0, 1)...))
	c.Active(t, m, batch)

	var streams []driftv1.BaselineService_UploadBaselineClient
	for range 2 {
		stream, err := c.UploadBaseline(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := stream.Send(&driftv1.UploadBaselineRequest{Part: &driftv1.UploadBaselineRequest_Header{Header: &driftv1.UploadBaselineHeader{MonitorId: m.GetId()}}}); err != nil {
			t.Fatal(err)
		}
		streams = append(streams, stream)
	}
	for used := 0.0; used < 64<<20; { // until both have come to their place
		_, body := get(t, "http://"+s.Addresses.Admin+"/metrics")
		match := uploadMetric.FindStringSubmatch(body)
		if match == nil {
			t.Fatal("the metric is missing")
		}
		used, _ = strconv.ParseFloat(match[1], 64)
	}
	_, err := c.Run(t, &driftv1.RunDetectionHeader{MonitorId: m.GetId()}, batch)
	if r := drifttest.Want(t, err, codes.ResourceExhausted, "OVERLOADED", ""); !r.Retry {
		t.Error("no advice when to retry")
	}
	other := s.Client(t, drifttest.NewTenant())
	theirs := other.Monitor(t, "m", drifttest.Numeric("x"))
	other.Active(t, theirs, batch) // another tenant does not notice
	// An upload that needs more memory than there is fails too, and gives back what it had.
	part := &driftv1.UploadBaselineRequest{Part: &driftv1.UploadBaselineRequest_Batch{Batch: batch}}
	if err := streams[0].Send(part); err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	_, err = streams[0].CloseAndRecv()
	drifttest.Want(t, err, codes.ResourceExhausted, "OVERLOADED", "")
	if err := streams[1].Send(part); err != nil {
		t.Fatal(err)
	}
	if _, err := streams[1].CloseAndRecv(); err != nil {
		t.Errorf("the upload that was left: %v", err)
	}
	if _, err := c.Run(t, &driftv1.RunDetectionHeader{MonitorId: m.GetId()}, batch); err != nil {
		t.Errorf("after the uploads: %v", err)
	}
}

// TestWidest uses every limit on names and numbers of features at once: answers must still fit into a message.
func TestWidest(t *testing.T) {
	t.Parallel()
	s := drifttest.Start(t)
	c := s.Client(t, drifttest.NewTenant())
	var features []*driftv1.Feature
	reference, current := drifttest.Batch(), drifttest.Batch()
	tests := []*driftv1.TestSetting{
		{Test: driftv1.DriftTest_DRIFT_TEST_CHI_SQUARE},
		{Test: driftv1.DriftTest_DRIFT_TEST_POPULATION_STABILITY_INDEX},
		{Test: driftv1.DriftTest_DRIFT_TEST_MISSING_RATE},
	}
	for i := range 500 {
		name := fmt.Sprintf("%03d", i) + strings.Repeat("€", 125)
		if i%2 == 0 {
			features = append(features, &driftv1.Feature{Name: name, Type: driftv1.FeatureType_FEATURE_TYPE_NUMERIC, Tests: []*driftv1.TestSetting{
				{Test: driftv1.DriftTest_DRIFT_TEST_KOLMOGOROV_SMIRNOV}, {Test: driftv1.DriftTest_DRIFT_TEST_POPULATION_STABILITY_INDEX},
			}})
			reference.Columns = append(reference.Columns, drifttest.Numbers(name, drifttest.Sequence(40, 1e-300, 1)...))
			current.Columns = append(current.Columns, drifttest.Numbers(name, drifttest.Sequence(40, 0.7, 1)...))
			continue
		}
		features = append(features, &driftv1.Feature{Name: name, Type: driftv1.FeatureType_FEATURE_TYPE_CATEGORICAL, Tests: tests})
		before, after := make([]string, 40), make([]string, 40)
		for j := range before {
			before[j] = fmt.Sprintf("%02d", j%10) + strings.Repeat("\x01", 60)
			after[j] = fmt.Sprintf("new %02d", j%10) + strings.Repeat("\x01", 60)
		}
		reference.Columns = append(reference.Columns, drifttest.Texts(name, before...))
		current.Columns = append(current.Columns, drifttest.Texts(name, after...))
	}
	m := c.Monitor(t, "m", features...)
	c.Active(t, m, reference)
	d, err := c.Run(t, &driftv1.RunDetectionHeader{MonitorId: m.GetId(), Description: strings.Repeat("€", 2000)}, current)
	if err != nil {
		t.Fatal(err)
	}
	if len(d.GetFeatures()) != 500 || d.GetDriftedFeatureCount() != 500 {
		t.Errorf("got %d features, %d drifted", len(d.GetFeatures()), d.GetDriftedFeatureCount())
	}
	if d.GetEvidence().GetState() != driftv1.EvidenceState_EVIDENCE_STATE_RECORDED {
		t.Errorf("got %v", d.GetEvidence())
	}
	t.Logf("the answer has %d bytes, the document %d", proto.Size(d), len(d.GetDocument()))
	if size := proto.Size(d); size > maxMessage*9/10 {
		t.Errorf("the answer has %d bytes, too close to %d", size, maxMessage)
	}
	// Entries are limited to 60,000 bytes on the wall.
	for _, e := range s.Governance.AwaitEntries(t, c.Tenant, 6) {
		if size := proto.Size(e); size > 50_000 {
			t.Errorf("%s has %d bytes", e.GetEventType(), size)
		}
	}
	// A page of such monitors is cut before it gets too large.
	for i := range 12 {
		_, err := c.CreateMonitor(t.Context(), &driftv1.CreateMonitorRequest{ModelId: m.GetModelId(), Name: fmt.Sprint("m", i), Features: features})
		if err != nil {
			t.Fatal(err)
		}
	}
	seen := 0
	for token := ""; ; {
		page, err := c.ListMonitors(t.Context(), &driftv1.ListMonitorsRequest{PageSize: 500, PageToken: token})
		if err != nil {
			t.Fatal(err)
		}
		seen += len(page.GetMonitors())
		if token = page.GetNextPageToken(); token == "" {
			break
		}
	}
	if seen != 13 {
		t.Errorf("saw %d monitors", seen)
	}
}
