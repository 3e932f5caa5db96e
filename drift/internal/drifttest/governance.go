package drifttest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// Governance stands for the governance service, which is another process: it keeps the contract of RecordEntry and GetReceipt over a real connection,
// and fails when it is told to.
type Governance struct {
	governancev1.UnimplementedAuditServiceServer

	verifier *auth.Verifier
	target   string

	mu      sync.Mutex // guards what follows
	logs    map[string][]*governancev1.RecordEntryRequest
	index   map[string]int // by tenant and entry id
	calls   int            // of RecordEntry, whether they failed or not
	fail    error          // instead of recording
	lose    error          // after recording, instead of the answer
	changed chan struct{}  // closed and replaced at each change
	gate    func(ctx context.Context)
}

func startGovernance(tb testing.TB, verifier *auth.Verifier) *Governance {
	tb.Helper()
	g := &Governance{
		verifier: verifier, logs: make(map[string][]*governancev1.RecordEntryRequest), index: make(map[string]int), changed: make(chan struct{}),
	}
	var listen net.ListenConfig
	listener, err := listen.Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	g.target = listener.Addr().String()
	server := grpc.NewServer()
	governancev1.RegisterAuditServiceServer(server, g)
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	tb.Cleanup(func() {
		server.Stop()
		if err := <-done; err != nil && !errors.Is(err, grpc.ErrServerStopped) { // stopped before it began
			tb.Errorf("serve governance: %v", err)
		}
	})
	return g
}

// Fail makes RecordEntry fail without recording; nil ends that.
func (g *Governance) Fail(err error) { g.set(func() { g.fail = err }) }

// LoseAnswers makes RecordEntry record and then fail; nil ends that.
func (g *Governance) LoseAnswers(err error) { g.set(func() { g.lose = err }) }

// Gate makes RecordEntry call f first.
func (g *Governance) Gate(f func(ctx context.Context)) { g.set(func() { g.gate = f }) }

func (g *Governance) set(change func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	change()
	g.wake()
}

// wake tells those who await; g.mu is held.
func (g *Governance) wake() {
	close(g.changed)
	g.changed = make(chan struct{})
}

// ErrDown is the error of a service that does not answer.
var ErrDown = status.Error(codes.Unavailable, "governance is down")

// Entries returns the tenant's log.
func (g *Governance) Entries(id tenant.ID) []*governancev1.RecordEntryRequest {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]*governancev1.RecordEntryRequest(nil), g.logs[id.String()]...)
}

// Calls returns how often RecordEntry was called.
func (g *Governance) Calls() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.calls
}

// AwaitEntries waits until the tenant's log has n entries, and returns it.
func (g *Governance) AwaitEntries(tb testing.TB, id tenant.ID, n int) []*governancev1.RecordEntryRequest {
	tb.Helper()
	g.await(tb, fmt.Sprintf("%d entries", n), func() bool { return len(g.logs[id.String()]) >= n })
	return g.Entries(id)
}

// AwaitCalls waits until RecordEntry was called n times.
func (g *Governance) AwaitCalls(tb testing.TB, n int) {
	tb.Helper()
	g.await(tb, fmt.Sprintf("%d calls", n), func() bool { return g.calls >= n })
}

func (g *Governance) await(tb testing.TB, what string, reached func() bool) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	for {
		g.mu.Lock()
		done, changed := reached(), g.changed
		g.mu.Unlock()
		if done {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			tb.Fatalf("governance did not get %s", what)
		}
	}
}

// RecordEntry implements governancev1.AuditServiceServer.
func (g *Governance) RecordEntry(ctx context.Context, req *governancev1.RecordEntryRequest) (*governancev1.RecordEntryResponse, error) {
	id, err := g.authenticate(ctx)
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	g.calls++
	fail, gate := g.fail, g.gate
	g.wake()
	g.mu.Unlock()
	if gate != nil {
		gate(ctx)
	}
	if fail != nil {
		return nil, fail
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	key := id + "/" + req.GetEntryId()
	at, known := g.index[key]
	switch {
	case !known:
		at = len(g.logs[id])
		g.index[key] = at
		g.logs[id] = append(g.logs[id], req)
		g.wake()
	case !proto.Equal(g.logs[id][at], req):
		return nil, status.Error(codes.AlreadyExists, "another entry has this id")
	}
	if g.lose != nil {
		return nil, g.lose
	}
	return &governancev1.RecordEntryResponse{Position: g.position(id, at)}, nil
}

// GetReceipt implements governancev1.AuditServiceServer.
func (g *Governance) GetReceipt(ctx context.Context, req *governancev1.GetReceiptRequest) (*governancev1.GetReceiptResponse, error) {
	id, err := g.authenticate(ctx)
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	at, known := g.index[id+"/"+req.GetEntryId()]
	if !known {
		return nil, status.Error(codes.NotFound, "entry not found")
	}
	return &governancev1.GetReceiptResponse{Position: g.position(id, at), Receipt: Receipt(req.GetEntryId())}, nil
}

// Receipt is the text that GetReceipt answers for an entry.
func Receipt(entryID string) string { return "receipt of " + entryID + "\n" }

// position stands for the entry's; g.mu is held.
func (g *Governance) position(id string, at int) *governancev1.LogPosition {
	entry := g.logs[id][at]
	hash := sha256.Sum256([]byte(entry.GetEntryId()))
	return &governancev1.LogPosition{EntryId: entry.GetEntryId(), LeafIndex: int64(at), LeafHash: hash[:], Position: int64(at) + 1}
}

// authenticate wants a service's token and the tenant that it acts for.
func (g *Governance) authenticate(ctx context.Context) (tenantID string, err error) {
	md, _ := metadata.FromIncomingContext(ctx)
	if len(md.Get("authorization")) != 1 || len(md.Get(tenant.MetadataKey)) != 1 {
		return "", status.Error(codes.Unauthenticated, "a token and a tenant are needed")
	}
	p, err := g.verifier.Verify(ctx, md.Get("authorization")[0][len("Bearer "):])
	if err != nil || p.Kind != auth.KindService {
		return "", status.Error(codes.Unauthenticated, "a service's token is needed")
	}
	return md.Get(tenant.MetadataKey)[0], nil
}
