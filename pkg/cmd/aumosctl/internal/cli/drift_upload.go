package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/table"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

// batchLimits keep a message well below the 16 MiB that the services accept.
var batchLimits = table.Limits{Rows: 65536, Bytes: 2816 << 10} //nolint:gochecknoglobals // a constant

// ensureBaseline uploads the data and makes it the monitor's active baseline, unless the active one has the same fingerprint.
//
// The upload's request id is made from the data, so that running the command again within a day neither stores nor records it again.
func (a *app) ensureBaseline(
	ctx context.Context, clients *driftClients, monitor *driftv1.Monitor, data *table.Table, columns []table.Feature, rows int64, missing []string,
) error {
	digest, err := data.Digest()
	if err != nil {
		return err
	}
	description := fmt.Sprintf("%s, %s", filepath.Base(data.Path()), plural(rows, "row"))
	header := &driftv1.UploadBaselineRequest{Part: &driftv1.UploadBaselineRequest_Header{Header: &driftv1.UploadBaselineHeader{
		MonitorId: monitor.GetId(), Description: description, RequestId: uploadID(monitor.GetId(), description, digest, columns, missing),
	}}}
	wrap := func(batch *driftv1.ColumnBatch) *driftv1.UploadBaselineRequest {
		return &driftv1.UploadBaselineRequest{Part: &driftv1.UploadBaselineRequest_Batch{Batch: batch}}
	}
	res, err := upload(ctx, a, clients.baselines.UploadBaseline, header, wrap, data, columns)
	if err != nil {
		return err
	}
	baseline := res.GetBaseline()
	if active := monitor.GetActiveBaselineId(); active != "" {
		same, err := call(ctx, a, clients.baselines.GetBaseline, &driftv1.GetBaselineRequest{BaselineId: active})
		if err != nil {
			return err
		}
		if bytes.Equal(same.GetBaseline().GetFingerprintSha256(), baseline.GetFingerprintSha256()) {
			return nil
		}
	}
	_, err = call(ctx, a, clients.baselines.ActivateBaseline, &driftv1.ActivateBaselineRequest{BaselineId: baseline.GetId()})
	if err == nil {
		a.note("activated baseline %d (%s)", baseline.GetNumber(), description)
	}
	return err
}

// uploadID derives a request id from everything that the upload sends. Its number changes with the way batches are cut.
func uploadID(monitorID, description string, digest [32]byte, columns []table.Feature, missing []string) string {
	parts := []string{"baseline upload 1", monitorID, description, string(digest[:]), strings.Join(slices.Sorted(slices.Values(missing)), "\x00")}
	for _, c := range columns {
		parts = append(parts, c.Name, c.Kind.String())
	}
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte(strings.Join(parts, "\x00"))).String()
}

func (a *app) runDetection(
	ctx context.Context, clients *driftClients, monitor *driftv1.Monitor, data *table.Table, columns []table.Feature,
) (*driftv1.Detection, error) {
	header := &driftv1.RunDetectionRequest{Part: &driftv1.RunDetectionRequest_Header{Header: &driftv1.RunDetectionHeader{
		MonitorId: monitor.GetId(), Description: filepath.Base(data.Path()),
	}}}
	wrap := func(batch *driftv1.ColumnBatch) *driftv1.RunDetectionRequest {
		return &driftv1.RunDetectionRequest{Part: &driftv1.RunDetectionRequest_Batch{Batch: batch}}
	}
	res, err := upload(ctx, a, clients.detections.RunDetection, header, wrap, data, columns)
	return res.GetDetection(), err
}

// errNoAnswer ends an upload whose answer does not come.
var errNoAnswer = errors.New("no answer in time")

// upload streams a header and the table's batches and returns the answer. --timeout counts from the last batch on: how long sending takes is
// the data's and the network's affair. An upload that fails before its end leaves nothing behind.
func upload[Req, Res any](
	ctx context.Context, a *app, open func(context.Context, ...grpc.CallOption) (grpc.ClientStreamingClient[Req, Res], error),
	header *Req, wrap func(*driftv1.ColumnBatch) *Req, data *table.Table, columns []table.Feature,
) (*Res, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stream, err := open(ctx)
	if err != nil {
		return nil, err
	}
	bar := output.NewBar(a.stderr, "sending "+filepath.Base(data.Path()))
	defer bar.Done()
	err = stream.Send(header)
	if err == nil {
		_, err = data.Batches(ctx, columns, batchLimits, bar.Set, func(batch table.Batch) error { return stream.Send(wrap(columnBatch(batch))) })
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	// io.EOF means that the server has answered already: the answer says why.
	if a.timeout > 0 {
		timer := time.AfterFunc(a.timeout, func() { cancel(errNoAnswer) })
		defer timer.Stop()
	}
	res, err := stream.CloseAndRecv()
	if err != nil && errors.Is(context.Cause(ctx), errNoAnswer) {
		return nil, fmt.Errorf("no answer within %s after the last row of %s: allow more with --timeout", a.timeout, data.Path())
	}
	return res, err
}

// columnBatch is the batch as the contract has it; it shares the batch's memory.
func columnBatch(batch table.Batch) *driftv1.ColumnBatch {
	columns := make([]*driftv1.Column, len(batch.Columns))
	for i, c := range batch.Columns {
		column := &driftv1.Column{Name: c.Name, Validity: c.Validity}
		switch c.Kind {
		case table.Numeric:
			column.Values = &driftv1.Column_Numbers{Numbers: &driftv1.NumberValues{Values: c.Numbers}}
		case table.Timestamp:
			column.Values = &driftv1.Column_Timestamps{Timestamps: &driftv1.TimestampValues{UnixMicros: c.Times}}
		case table.Vector:
			column.Values = &driftv1.Column_Vectors{Vectors: &driftv1.VectorValues{Dimension: int32(c.Dimension), Values: c.Vectors}}
		case table.Categorical, table.Text:
			column.Values = &driftv1.Column_Texts{Texts: &driftv1.TextValues{Values: c.Texts}}
		case table.Boolean:
			column.Values = &driftv1.Column_Booleans{Booleans: &driftv1.BooleanValues{Values: c.Booleans}}
		}
		columns[i] = column
	}
	return &driftv1.ColumnBatch{Columns: columns}
}
