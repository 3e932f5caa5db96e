package api_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"net"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

func TestMaskedInputsNeverReachTheLog(t *testing.T) {
	t.Parallel()
	r := keeping(t).replica(rego.Config{})
	c := r.admin(tenantA)
	c.update(&governancev1.DecisionSettings{
		KeepInputs: true, InputRetention: durationpb.New(time.Hour),
		Masks: []*governancev1.InputMask{{Path: "/applicant/name"}, {Path: "/people/*/email"}, {Path: "/secret", DecisionPoint: "a.point"}},
	})
	p := c.active("p", `allow if input.applicant.name == "Hidden"`+"\n"+`obligations contains "log" if input.secret`, "a.point")
	input := map[string]any{
		"applicant": map[string]any{"name": "Hidden", "age": 41.0}, "people": []any{map[string]any{"email": "Hidden@x"}, map[string]any{"id": 7.0}}, "secret": "visible",
	}
	const masked = `{"applicant":{"age":41,"name":null},"people":[{"email":null},{"id":7}],"secret":"visible"}`
	req := askPolicy(p.GetId(), input)
	req.RequestId = uuid.NewString()
	got := c.decide(req)
	if sum := sha256.Sum256([]byte(masked)); got.GetOutcome() != allow || got.GetMaskedPaths() != 2 || !got.GetInputKept() || !bytes.Equal(got.GetInputSha256(), sum[:]) {
		t.Errorf("decision %v, want ALLOW on the input that is not masked", got)
	}
	e := r.newest(tenantA)
	leaf, err := e.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(leaf, []byte("Hidden")) {
		t.Errorf("the log has %q", leaf)
	}
	hmacAt := slices.IndexFunc(e.Digests, func(d auditlog.Digest) bool { return d.Name == "input_hmac" })
	if hmacAt < 0 || e.Details["masked_paths"] != 2.0 || e.Details["input_kept"] != true {
		t.Fatalf("entry %+v", e)
	}
	full, err := rego.NewInput(input)
	if err != nil {
		t.Fatal(err)
	}
	sum := full.SHA256()
	keyed := e.Digests[hmacAt].SHA256
	if hmac.Equal(keyed[:], sum[:]) {
		t.Error("the digest of the unmasked input can be guessed")
	}
	kept := r.open(tenantA, got)
	if string(kept.JSON()) != masked {
		t.Errorf("kept is %s, want %s", kept.JSON(), masked)
	}

	// A retry gets the first decision, and the same id with another masked value none.
	if again := c.decide(req); again.GetId() != got.GetId() || !again.GetInputKept() || again.GetMaskedPaths() != 2 {
		t.Errorf("retry: %v", again)
	}
	other := askPolicy(p.GetId(), map[string]any{
		"applicant": map[string]any{"name": "Another", "age": 41.0}, "people": []any{map[string]any{"email": "Hidden@x"}, map[string]any{"id": 7.0}}, "secret": "visible",
	})
	other.RequestId = req.GetRequestId()
	_, err = c.Evaluate(t.Context(), other)
	wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_REQUEST_ID_REUSED)
	c.update(&governancev1.DecisionSettings{})
	if again := c.decide(req); again.GetId() != got.GetId() {
		t.Errorf("retry without masks: %v", again)
	}
	_, err = c.Evaluate(t.Context(), other)
	wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_REQUEST_ID_REUSED)

	// A decision point has masks of its own.
	c.update(&governancev1.DecisionSettings{Masks: []*governancev1.InputMask{{Path: "/secret", DecisionPoint: "a.point"}}})
	if d := c.decide(askPoint("a.point", input)); d.GetMaskedPaths() != 1 || d.GetInputKept() {
		t.Errorf("asked of the decision point: %v", d)
	}
	if d := c.decide(askPolicy(p.GetId(), input)); d.GetMaskedPaths() != 0 || !bytes.Equal(d.GetInputSha256(), sum[:]) {
		t.Errorf("asked of the policy: %v", d)
	}
}

// deafness makes connections that listen for notifications receive nothing more, as behind a network that loses packets. Everything else goes on.
type deafness struct {
	net.Conn
	on        *atomic.Bool
	listening atomic.Bool
}

func (d *deafness) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte("LISTEN")) {
		d.listening.Store(true)
	}
	return d.Conn.Write(b)
}

func (d *deafness) Read(b []byte) (int, error) {
	for {
		n, err := d.Conn.Read(b)
		if err != nil || !d.on.Load() || !d.listening.Load() {
			return n, err
		}
	}
}

// Masks hold for every decision that begins after the answer, on a replica that hears nothing of the change, too.
func TestMasksHoldEverywhere(t *testing.T) {
	t.Parallel()
	p := keeping(t)
	p.lease = time.Second
	var deaf atomic.Bool
	cfg, err := pgxpool.ParseConfig(p.governance.AppURL)
	if err != nil {
		t.Fatal(err)
	}
	dial := cfg.ConnConfig.DialFunc
	cfg.ConnConfig.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		return &deafness{Conn: conn, on: &deaf}, err
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	here, there := p.replica(rego.Config{}), p.replicaOn(pool, rego.Config{})
	a, b := here.admin(tenantA), there.admin(tenantA)
	policy := a.active("p", "allow := true")
	masked := func() int32 {
		t.Helper()
		return b.decide(askPolicy(policy.GetId(), map[string]any{"name": "Ann"})).GetMaskedPaths()
	}
	masked() // is remembered
	deaf.Store(true)
	if n := masked(); n != 0 {
		t.Fatalf("%d places are masked before", n)
	}
	for _, n := range []int32{1, 0, 1} {
		s := &governancev1.DecisionSettings{}
		if n > 0 {
			s.Masks = maskPaths("/name")
		}
		a.update(s)
		if got := masked(); got != n {
			t.Errorf("after the answer %d places are masked on a replica that hears nothing, want %d", got, n)
		}
	}
}

// Decisions that go on while settings change are masked from the answer on, on every replica.
func TestMasksUnderLoad(t *testing.T) {
	t.Parallel()
	p := keeping(t)
	one, two := p.replica(rego.Config{}), p.replica(rego.Config{})
	a := one.admin(tenantA)
	policy := a.active("p", "allow := true")
	var updates atomic.Int64 // answered; odd: masks are in force
	var begun atomic.Int64   // updates begun
	stop, done := make(chan struct{}), make(chan struct{})
	for _, r := range []*replica{one, two, one, two} {
		c := r.admin(tenantA)
		go func() {
			defer func() { done <- struct{}{} }()
			for {
				select {
				case <-stop:
					return
				default:
				}
				before := updates.Load()
				d, err := c.Evaluate(t.Context(), askPolicy(policy.GetId(), map[string]any{"name": "Ann"}))
				if err != nil {
					t.Error(err)
					return
				}
				if after := begun.Load(); after == before && int64(d.GetDecision().GetMaskedPaths()) != before%2 {
					t.Errorf("after %d updates %d places are masked", before, d.GetDecision().GetMaskedPaths())
				}
			}
		}()
	}
	for n := range 6 {
		begun.Add(1)
		s := &governancev1.DecisionSettings{}
		if n%2 == 0 {
			s.Masks = maskPaths("/name")
		}
		a.update(s)
		updates.Add(1)
	}
	close(stop)
	for range 4 {
		<-done
	}
}
