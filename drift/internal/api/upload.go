package api

import (
	"context"
	"errors"
	"io"

	"github.com/aumos-enterprise/platform/drift/internal/detect"
	"github.com/aumos-enterprise/platform/drift/internal/monitor"
	"github.com/aumos-enterprise/platform/drift/internal/sample"
	"github.com/aumos-enterprise/platform/pkg/errs"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// part is one message of a stream: a header or a batch.
type part[H, B any] interface {
	GetHeader() *H
	GetBatch() *B
}

// admit makes room for the messages of a stream, before the first of them is received. What it returns must be released.
func (s *service) admit(ctx context.Context) (*sample.Inlet, error) {
	owner, _ := tenant.FromContext(ctx)
	return sample.Admit(owner, s.Budget)
}

// receiveHeader reads the first message of a stream.
func receiveHeader[P part[H, B], H, B any](receive func() (P, error)) (*H, error) {
	first, err := receive()
	switch {
	case errors.Is(err, io.EOF):
		return nil, streamOrder("header", "the stream is empty: send a header, then batches")
	case err != nil:
		return nil, err
	case first.GetHeader() == nil:
		return nil, streamOrder("batch", "the first message must be the header")
	}
	return first.GetHeader(), nil
}

// receiveBatches reads the messages after the header, and takes each.
func receiveBatches[P part[H, B], H, B any](receive func() (P, error), take func(*B) error) error {
	for {
		message, err := receive()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case message.GetBatch() == nil:
			return streamOrder("header", "the header must be sent once, before the batches")
		}
		if err := take(message.GetBatch()); err != nil {
			return err
		}
	}
}

// receiveData reads the batches of an upload for the monitor. What it returns must be released.
func receiveData[P part[H, driftv1.ColumnBatch], H any](inlet *sample.Inlet, receive func() (P, error), m monitor.Monitor) (*sample.Accumulator, error) {
	data := sample.New(inlet, m.Columns())
	take := func(batch *driftv1.ColumnBatch) error { return data.Add(columnsFrom(batch)) }
	if err := receiveBatches(receive, take); err != nil {
		data.Release()
		return nil, err
	}
	return data, nil
}

// finish sorts what was received, and takes its fingerprint, in an evaluation slot.
func (s *service) finish(ctx context.Context, data *sample.Accumulator) (set sample.Set, fingerprint [32]byte, err error) {
	err = s.evaluate(ctx, func(ctx context.Context) (err error) {
		if set, err = data.Finish(ctx); err != nil {
			return err
		}
		fingerprint = set.Fingerprint()
		return nil
	})
	return set, fingerprint, err
}

func streamOrder(field, text string) error {
	return errs.New(errs.InvalidArgument, errs.ReasonStreamOrder, "the stream's messages are out of order: %s", text).Field(field, "%s", text)
}

// columnsFrom does not copy the values.
func columnsFrom(batch *driftv1.ColumnBatch) []sample.Column {
	columns := make([]sample.Column, len(batch.GetColumns()))
	for i, c := range batch.GetColumns() {
		columns[i] = sample.Column{Name: c.GetName(), Validity: c.GetValidity()}
		switch values := c.GetValues().(type) {
		case *driftv1.Column_Numbers:
			columns[i].Type, columns[i].Numbers = detect.Numeric, values.Numbers.GetValues()
		case *driftv1.Column_Texts:
			columns[i].Type, columns[i].Texts = detect.Categorical, values.Texts.GetValues()
		case *driftv1.Column_Booleans:
			columns[i].Type, columns[i].Booleans = detect.Boolean, values.Booleans.GetValues()
		case *driftv1.Column_Timestamps:
			columns[i].Type, columns[i].Times = detect.Timestamp, values.Timestamps.GetUnixMicros()
		case *driftv1.Column_Vectors:
			columns[i].Type, columns[i].Vectors = detect.Vector, values.Vectors.GetValues()
			columns[i].Dimension = int(values.Vectors.GetDimension())
		}
	}
	return columns
}
