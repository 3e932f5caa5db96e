package drifttest

import (
	"errors"
	"io"
	"math"
	"testing"

	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

// Numbers returns a column of numbers.
func Numbers(name string, values ...float64) *driftv1.Column {
	return &driftv1.Column{Name: name, Values: &driftv1.Column_Numbers{Numbers: &driftv1.NumberValues{Values: values}}}
}

// Texts returns a column of category names.
func Texts(name string, values ...string) *driftv1.Column {
	return &driftv1.Column{Name: name, Values: &driftv1.Column_Texts{Texts: &driftv1.TextValues{Values: values}}}
}

// Booleans returns a column of booleans.
func Booleans(name string, values ...bool) *driftv1.Column {
	return &driftv1.Column{Name: name, Values: &driftv1.Column_Booleans{Booleans: &driftv1.BooleanValues{Values: values}}}
}

// Batch returns a batch of the columns.
func Batch(columns ...*driftv1.Column) *driftv1.ColumnBatch {
	return &driftv1.ColumnBatch{Columns: columns}
}

// Sequence returns n numbers in a fixed order that looks random: the golden ratio's low-discrepancy sequence in [from, from+width).
func Sequence(n int, from, width float64) []float64 {
	values := make([]float64, n)
	for i := range values {
		_, fraction := math.Modf(float64(i+1) * math.Phi)
		values[i] = from + width*fraction
	}
	return values
}

// Upload sends a baseline and returns the answer. It goes on sending as long as the server reads.
func (c *Client) Upload(tb testing.TB, header *driftv1.UploadBaselineHeader, batches ...*driftv1.ColumnBatch) (*driftv1.Baseline, error) {
	tb.Helper()
	var parts []*driftv1.UploadBaselineRequest
	if header != nil {
		parts = append(parts, &driftv1.UploadBaselineRequest{Part: &driftv1.UploadBaselineRequest_Header{Header: header}})
	}
	for _, b := range batches {
		parts = append(parts, &driftv1.UploadBaselineRequest{Part: &driftv1.UploadBaselineRequest_Batch{Batch: b}})
	}
	return c.UploadParts(tb, parts...)
}

// UploadParts sends the messages as they are.
func (c *Client) UploadParts(tb testing.TB, parts ...*driftv1.UploadBaselineRequest) (*driftv1.Baseline, error) {
	tb.Helper()
	stream, err := c.UploadBaseline(tb.Context())
	if err != nil {
		return nil, err
	}
	if err := sendAll(stream.Send, parts); err != nil {
		return nil, err
	}
	resp, err := stream.CloseAndRecv()
	return resp.GetBaseline(), err
}

// Run sends current data and returns the answer.
func (c *Client) Run(tb testing.TB, header *driftv1.RunDetectionHeader, batches ...*driftv1.ColumnBatch) (*driftv1.Detection, error) {
	tb.Helper()
	stream, err := c.RunDetection(tb.Context())
	if err != nil {
		return nil, err
	}
	var parts []*driftv1.RunDetectionRequest
	if header != nil {
		parts = append(parts, &driftv1.RunDetectionRequest{Part: &driftv1.RunDetectionRequest_Header{Header: header}})
	}
	for _, b := range batches {
		parts = append(parts, &driftv1.RunDetectionRequest{Part: &driftv1.RunDetectionRequest_Batch{Batch: b}})
	}
	if err := sendAll(stream.Send, parts); err != nil {
		return nil, err
	}
	resp, err := stream.CloseAndRecv()
	return resp.GetDetection(), err
}

// Model registers a model.
func (c *Client) Model(tb testing.TB, name string) *driftv1.Model {
	tb.Helper()
	resp, err := c.RegisterModel(tb.Context(), &driftv1.RegisterModelRequest{
		Name: name, Task: driftv1.ModelTask_MODEL_TASK_REGRESSION, Owner: "team-flights", Description: "predicts delays",
	})
	if err != nil {
		tb.Fatal(err)
	}
	return resp.GetModel()
}

// Monitor registers a model and creates a monitor for it.
func (c *Client) Monitor(tb testing.TB, name string, features ...*driftv1.Feature) *driftv1.Monitor {
	tb.Helper()
	m := c.Model(tb, name)
	resp, err := c.CreateMonitor(tb.Context(), &driftv1.CreateMonitorRequest{ModelId: m.GetId(), Name: name, Features: features})
	if err != nil {
		tb.Fatal(err)
	}
	return resp.GetMonitor()
}

// Numeric returns a numeric feature with the default tests.
func Numeric(name string) *driftv1.Feature {
	return &driftv1.Feature{Name: name, Type: driftv1.FeatureType_FEATURE_TYPE_NUMERIC}
}

// Categorical returns a categorical feature with the default tests.
func Categorical(name string) *driftv1.Feature {
	return &driftv1.Feature{Name: name, Type: driftv1.FeatureType_FEATURE_TYPE_CATEGORICAL}
}

// Boolean returns a boolean feature with the default tests.
func Boolean(name string) *driftv1.Feature {
	return &driftv1.Feature{Name: name, Type: driftv1.FeatureType_FEATURE_TYPE_BOOLEAN}
}

// Active uploads a baseline for the monitor and activates it.
func (c *Client) Active(tb testing.TB, m *driftv1.Monitor, batches ...*driftv1.ColumnBatch) *driftv1.Baseline {
	tb.Helper()
	b, err := c.Upload(tb, &driftv1.UploadBaselineHeader{MonitorId: m.GetId(), Description: "reference"}, batches...)
	if err != nil {
		tb.Fatal(err)
	}
	resp, err := c.ActivateBaseline(tb.Context(), &driftv1.ActivateBaselineRequest{BaselineId: b.GetId()})
	if err != nil {
		tb.Fatal(err)
	}
	return resp.GetBaseline()
}

// Times returns a column of timestamps, in microseconds.
func Times(name string, micros ...int64) *driftv1.Column {
	return &driftv1.Column{Name: name, Values: &driftv1.Column_Timestamps{Timestamps: &driftv1.TimestampValues{UnixMicros: micros}}}
}

// Vectors returns a column of vectors, one after the other.
func Vectors(name string, dimension int32, values ...float32) *driftv1.Column {
	return &driftv1.Column{Name: name, Values: &driftv1.Column_Vectors{Vectors: &driftv1.VectorValues{Dimension: dimension, Values: values}}}
}

// Baseline returns rows of the side that is compared with.
func Baseline(columns ...*driftv1.Column) *driftv1.ComparisonBatch {
	return &driftv1.ComparisonBatch{Side: driftv1.ComparisonSide_COMPARISON_SIDE_BASELINE, Rows: Batch(columns...)}
}

// Current returns rows of the side that is compared.
func Current(columns ...*driftv1.Column) *driftv1.ComparisonBatch {
	return &driftv1.ComparisonBatch{Side: driftv1.ComparisonSide_COMPARISON_SIDE_CURRENT, Rows: Batch(columns...)}
}

// CompareSides sends the header and the batches of both sides and returns the answer.
func (c *Client) CompareSides(tb testing.TB, header *driftv1.ComparisonHeader, batches ...*driftv1.ComparisonBatch) (*driftv1.Comparison, error) {
	tb.Helper()
	stream, err := c.Compare(tb.Context())
	if err != nil {
		return nil, err
	}
	var parts []*driftv1.CompareRequest
	if header != nil {
		parts = append(parts, &driftv1.CompareRequest{Part: &driftv1.CompareRequest_Header{Header: header}})
	}
	for _, b := range batches {
		parts = append(parts, &driftv1.CompareRequest{Part: &driftv1.CompareRequest_Batch{Batch: b}})
	}
	if err := sendAll(stream.Send, parts); err != nil {
		return nil, err
	}
	resp, err := stream.CloseAndRecv()
	return resp.GetComparison(), err
}

// sendAll sends as long as the server reads: its answer says why it stopped.
func sendAll[T any](send func(T) error, parts []T) error {
	for _, p := range parts {
		if err := send(p); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
	return nil
}
