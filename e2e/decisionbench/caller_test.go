//go:build linux

package decisionbench_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// decisions answers as the platform does, and every call after the first so many wrongly.
type decisions struct {
	governancev1.UnimplementedDecisionServiceServer

	right int64
	wrong func(*governancev1.EvaluateResponse) error
	calls atomic.Int64
}

// Evaluate implements DecisionServiceServer.
func (d *decisions) Evaluate(ctx context.Context, req *governancev1.EvaluateRequest) (*governancev1.EvaluateResponse, error) {
	if md, _ := metadata.FromIncomingContext(ctx); strings.Join(md["authorization"], "") != "Bearer secret" || req.GetDecisionPoint() != "drift.retrain" {
		return nil, status.Error(codes.InvalidArgument, "not the question")
	}
	answer := &governancev1.EvaluateResponse{Decision: &governancev1.Decision{
		Id: strings.Repeat("long", 1000), Outcome: governancev1.DecisionOutcome_DECISION_OUTCOME_ALLOW, Results: []*governancev1.PolicyResult{{}},
		Position: &governancev1.LogPosition{LeafIndex: 1},
	}}
	if d.calls.Add(1) <= d.right {
		return answer, nil
	}
	return answer, d.wrong(answer)
}

func serveDecisions(t *testing.T, d *decisions, callers, connections int) *load {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer() // with windows that it estimates by pings
	governancev1.RegisterDecisionServiceServer(server, d)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	message, err := proto.Marshal(&governancev1.EvaluateRequest{Target: &governancev1.EvaluateRequest_DecisionPoint{DecisionPoint: "drift.retrain"}})
	if err != nil {
		t.Fatal(err)
	}
	at := listener.Addr().String()
	return newLoad(t, at, callers, connections, func() caller {
		c, err := newGRPCCaller(at, governancev1.DecisionService_Evaluate_FullMethodName, "secret", message, platformAllows())
		if err != nil {
			t.Fatal(err)
		}
		return c
	})
}

// opaServer answers as OPA does, and every request after the first so many with the other text.
func opaServer(t *testing.T, right int64, callers int, wrong func(http.ResponseWriter)) *load {
	t.Helper()
	var calls atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if body, err := io.ReadAll(r.Body); err != nil || string(body) != "{}" || r.URL.Path != "/v1/data" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		if calls.Add(1) > right {
			wrong(w)
			return
		}
		_, _ = io.WriteString(w, `{"result":{"allow":true,"violations":[]}}`)
	}))
	t.Cleanup(server.Close)
	at := strings.TrimPrefix(server.URL, "http://")
	return newLoad(t, at, callers, callers, func() caller { return newHTTPCaller(at, "/v1/data", []byte("{}"), opaAllows()) })
}

// so many questions, one after the other on each connection.
func upTo(questions int) func(int) (time.Time, bool) {
	return func(sent int) (time.Time, bool) { return time.Now(), sent < questions }
}

func TestCallersAreAnswered(t *testing.T) {
	t.Parallel()
	const questions = 2000 // more than the windows at the start
	for name, l := range map[string]*load{
		"gRPC": serveDecisions(t, &decisions{right: questions}, 4, 4), "gRPC, shared": serveDecisions(t, &decisions{right: questions}, 32, 2),
		"HTTP": opaServer(t, questions, 4, nil),
	} {
		m, err := l.run((*connection).callers, upTo(questions))
		if err != nil || len(m.latency) != questions || m.percentile(50) <= 0 {
			t.Errorf("%s: %d answers, half of them in %v: %v", name, len(m.latency), m.percentile(50), err)
		}
	}
}

// TestRefusedQuestionsArePutAgain: their time counts from when they were put first, and all are answered in the end.
func TestRefusedQuestionsArePutAgain(t *testing.T) {
	t.Parallel()
	const questions, refusals = 100, 40 // every fourth of which is UNAVAILABLE
	d := &decisions{right: 10}
	d.wrong = func(*governancev1.EvaluateResponse) error {
		switch n := d.calls.Load(); {
		case n > d.right+refusals:
		case n%4 == 0:
			return status.Error(codes.Unavailable, "later")
		default:
			return status.Error(codes.ResourceExhausted, "later")
		}
		return nil
	}
	l := serveDecisions(t, d, 1, 1)
	start := time.Now()
	m, err := l.run((*connection).callers, func(sent int) (time.Time, bool) { return start, sent < questions })
	if err != nil || len(m.latency) != questions || d.calls.Load() != questions+refusals {
		t.Errorf("%d answers to %d calls: %v", len(m.latency), d.calls.Load(), err)
	}
	if want := (refused{overloaded: refusals * 3 / 4, unavailable: refusals / 4}); m.refused != want {
		t.Errorf("counted %+v, want %+v", m.refused, want)
	}
}

// TestRefusalsForLongEndTheRun: a server that answers nothing else is not waited for.
func TestRefusalsForLongEndTheRun(t *testing.T) {
	t.Parallel()
	l := serveDecisions(t, &decisions{wrong: func(*governancev1.EvaluateResponse) error { return status.Error(codes.Unavailable, "later") }}, 1, 1)
	long := time.Now().Add(-2 * patience)
	if m, err := l.run((*connection).callers, func(sent int) (time.Time, bool) { return long, sent < 1 }); err == nil || m.refused.unavailable != 1 {
		t.Errorf("%+v, %v", m.refused, err)
	}
}

// TestWrongAnswersEndTheRun: each after the first, which is among those that are read as a whole. Of four questions at once a wrong answer may come before the right
// ones to the other three.
func TestWrongAnswersEndTheRun(t *testing.T) {
	t.Parallel()
	const right, callers = 30, 4
	for name, wrong := range map[string]func(*governancev1.EvaluateResponse) error{
		"another outcome": func(r *governancev1.EvaluateResponse) error {
			r.Decision.Outcome = governancev1.DecisionOutcome_DECISION_OUTCOME_DENY
			return nil
		},
		"no decision": func(r *governancev1.EvaluateResponse) error { r.Decision = nil; return nil },
		"no place on the wall": func(r *governancev1.EvaluateResponse) error {
			r.Decision.Position = nil
			return nil
		},
		"failure": func(*governancev1.EvaluateResponse) error { return status.Error(codes.Internal, "never") },
	} {
		if m, err := serveDecisions(t, &decisions{right: right, wrong: wrong}, callers, 1).run((*connection).callers, upTo(200)); err == nil || len(m.latency) <= right-callers {
			t.Errorf("gRPC, %s: %d answers, %v", name, len(m.latency), err)
		}
	}
	for name, wrong := range map[string]func(http.ResponseWriter){
		"another outcome": func(w http.ResponseWriter) { _, _ = io.WriteString(w, `{"result":{"allow":false,"violations":[]}}`) },
		"failure":         func(w http.ResponseWriter) { http.Error(w, `{"allow":true}`, http.StatusInternalServerError) },
		"violations":      func(w http.ResponseWriter) { _, _ = io.WriteString(w, `{"result":{"allow":true,"violations":[{}]}}`) },
		"half an answer": func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, `{"result":{"allow":true}}`)
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		},
	} {
		if m, err := opaServer(t, right, callers, wrong).run((*connection).callers, upTo(callers*2*thorough)); err == nil || len(m.latency) <= right-callers {
			t.Errorf("HTTP, %s: %d answers, %v", name, len(m.latency), err)
		}
	}
}

// TestPartsAreJoined: what arrives byte by byte is the same answer.
func TestPartsAreJoined(t *testing.T) {
	t.Parallel()
	text := "HTTP/1.1 200 OK\r\nContent-Length: 25\r\n\r\n" + `{"result":{"allow":true}}`
	c := newHTTPCaller("host", "/", nil, opaAllows())
	answered := 0
	for n := range len(text) + 1 {
		rest, _, err := c.take([]byte(text[:n]), func(uint32, answer) error { answered++; return nil })
		if err != nil || (answered == 1) != (n == len(text)) || answered == 0 && len(rest) != n {
			t.Fatalf("after %d bytes: %d answers, %q left, %v", n, answered, rest, err)
		}
	}
}

// TestSteadyTimesCountFromWhenQuestionsWereDue: those behind a slow one have waited, too.
func TestSteadyTimesCountFromWhenQuestionsWereDue(t *testing.T) {
	t.Parallel()
	const stall = 100 * time.Millisecond
	l := opaServer(t, 0, 4, func(w http.ResponseWriter) {
		<-time.After(stall)
		fmt.Fprint(w, `{"result":{"allow":true}}`)
	})
	m := sustain(t, l, 1000, 20*time.Millisecond)
	if len(m.latency) != 20 || m.latency[19] < 4*stall || m.latency[0] < stall { // 4 connections, 5 questions each
		t.Fatalf("%d answers, the last after %v", len(m.latency), m.latency[19])
	}
}

// TestQuestionsGoSideBySide: those that are due do not wait for answers to others where the protocol carries them.
func TestQuestionsGoSideBySide(t *testing.T) {
	t.Parallel()
	const questions = 40
	var together sync.WaitGroup
	together.Add(questions)
	l := serveDecisions(t, &decisions{wrong: func(*governancev1.EvaluateResponse) error {
		together.Done()
		together.Wait() // for ever, if one of them waits for an answer
		return nil
	}}, 2, 2)
	if m := sustain(t, l, 10_000, questions*time.Second/10_000); len(m.latency) != questions {
		t.Errorf("%d answers, want %d", len(m.latency), questions)
	}
}
