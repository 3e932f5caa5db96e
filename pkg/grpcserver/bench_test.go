package grpcserver_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"runtime"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/grpcserver/grpcservertest"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// decisions answers every question at once: what is measured is everything around the handler.
type decisions struct {
	governancev1.UnimplementedDecisionServiceServer
}

func (decisions) Evaluate(context.Context, *governancev1.EvaluateRequest) (*governancev1.EvaluateResponse, error) {
	hash := make([]byte, 32)
	return &governancev1.EvaluateResponse{Decision: &governancev1.Decision{
		Id: policyID, Outcome: governancev1.DecisionOutcome_DECISION_OUTCOME_ALLOW, DecisionPoint: "drift.retrain", InputSha256: hash, EngineVersion: "opa/v1.0.0",
		EvaluationDuration: durationpb.New(time.Microsecond), DecideTime: timestamppb.New(time.Unix(1, 1)), Subject: "author",
		Results: []*governancev1.PolicyResult{{
			PolicyId: policyID, PolicyName: "retrain", PolicyVersionId: policyID, ContentSha256: hash, Outcome: governancev1.DecisionOutcome_DECISION_OUTCOME_ALLOW,
		}},
	}}, nil
}

// caller asks one question over a connection of its own, with as little work of its own as HTTP/2 lets it do.
type caller struct {
	conn   net.Conn
	framer *http2.Framer
	call   []byte // the frames of a call, as they are once the connection has seen its headers
	data   int    // where the second of them begins
	stream uint32
}

func newCaller(b *testing.B, target, token string, request proto.Message) *caller {
	b.Helper()
	conn, err := (&net.Dialer{}).DialContext(b.Context(), "tcp", target)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close() })
	message, err := proto.Marshal(request)
	if err != nil {
		b.Fatal(err)
	}
	message = append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message))), message...)
	out, header := bytes.NewBufferString(http2.ClientPreface), &bytes.Buffer{}
	c := &caller{conn: conn, framer: http2.NewFramer(out, bufio.NewReader(conn)), stream: 1}
	c.framer.SetReuseFrames()
	encoder := hpack.NewEncoder(header)
	err = errors.Join(c.framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 20}), c.framer.WriteWindowUpdate(0, 1<<30))
	for range 2 { // the second time every header is in the connection's table
		if _, err := conn.Write(out.Bytes()); err != nil {
			b.Fatal(err)
		}
		out.Reset()
		header.Reset()
		for _, f := range [][2]string{
			{":method", "POST"},
			{":scheme", "http"},
			{":path", governancev1.DecisionService_Evaluate_FullMethodName},
			{":authority", target},
			{"content-type", "application/grpc"},
			{"user-agent", "grpc-go/1.85.0"},
			{"te", "trailers"},
			{"authorization", "Bearer " + token},
		} {
			err = errors.Join(err, encoder.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]}))
		}
		err = errors.Join(err, c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: c.stream, BlockFragment: header.Bytes(), EndHeaders: true}))
		c.data = out.Len()
		err = errors.Join(err, c.framer.WriteData(c.stream, true, message))
	}
	c.call = out.Bytes()
	if err := errors.Join(err, c.answer()); err != nil {
		b.Fatal(err)
	}
	return c
}

func (c *caller) ask() error {
	binary.BigEndian.PutUint32(c.call[5:], c.stream)
	binary.BigEndian.PutUint32(c.call[c.data+5:], c.stream)
	if _, err := c.conn.Write(c.call); err != nil {
		return err
	}
	return c.answer()
}

// answer reads up to the trailers of a call that succeeds: there is a header before them.
func (c *caller) answer() error {
	for headers := 0; ; {
		frame, err := c.framer.ReadFrame()
		if err != nil {
			return err
		}
		switch f := frame.(type) {
		case *http2.HeadersFrame:
			if headers++; !f.StreamEnded() {
				continue
			}
			c.stream += 2
			if headers != 2 {
				return errors.New("the call failed")
			}
			return nil
		case *http2.GoAwayFrame, *http2.RSTStreamFrame:
			return io.ErrUnexpectedEOF
		}
	}
}

// BenchmarkCall is a question through the real server and its chain, from the socket to the socket, with 16 callers for each processor.
func BenchmarkCall(b *testing.B) {
	s := grpcservertest.Start(b, "bench.aumos", grpcservertest.Options{LogLevel: slog.LevelError}, func(s *grpc.Server) {
		governancev1.RegisterDecisionServiceServer(s, decisions{})
	})
	id, err := tenant.Parse(tenantID)
	if err != nil {
		b.Fatal(err)
	}
	input, err := structpb.NewStruct(map[string]any{
		"detection": map[string]any{
			"id": policyID, "status": "DRIFT_STATUS_DRIFT", "severity": 0.8, "drifted_feature_count": 3.0, "feature_count": 8.0, "row_count": 5000.0,
			"evidence": map[string]any{"state": "EVIDENCE_STATE_RECORDED"},
		},
		"model": map[string]any{"id": policyID, "name": "delays", "task": "REGRESSION", "owner": "ops"},
	})
	if err != nil {
		b.Fatal(err)
	}
	request := &governancev1.EvaluateRequest{Target: &governancev1.EvaluateRequest_DecisionPoint{DecisionPoint: "drift.retrain"}, Input: input}
	token := s.Issuer.Token(b, "author", id, auth.RoleAdmin)
	callers := make(chan *caller, 16*runtime.GOMAXPROCS(0))
	for range cap(callers) {
		callers <- newCaller(b, s.Addr(), token, request)
	}
	b.SetParallelism(16)
	b.ReportAllocs()
	before := processorTime(b)
	b.RunParallel(func(pb *testing.PB) {
		c := <-callers
		defer func() { callers <- c }()
		for pb.Next() {
			if err := c.ask(); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(processorTime(b)-before)/float64(b.N), "cpu-ns/op") // of both sides: the machine may be busy with something else
}

// processorTime is what this process has used.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
