package rego_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

func itoa(i int) string { return strconv.Itoa(i) }

// closeWithin is longer than any evaluation goes on on a busy machine after its deadline.
const closeWithin = 30 * time.Second

// engine makes an engine that is closed, and found idle, when the test ends.
func engine(t testing.TB, c rego.Config) *rego.Engine {
	t.Helper()
	e := rego.NewEngine(c)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), closeWithin)
		defer cancel()
		if err := e.Close(ctx); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return e
}

// stuckEngine is for policies that are stuck: they have no processor.
func stuckEngine(t *testing.T, c rego.Config) *rego.Engine {
	t.Helper()
	e := engine(t, c)
	rego.CountWaits(e)
	return e
}

// stuck are the gates at which evaluations of uuid.rfc4122(<name>) wait, deaf to cancellation, like a builtin that does not come to an end.
var stuck sync.Map // string -> chan struct{}

func TestMain(m *testing.M) {
	name := ast.UUIDRFC4122.Name
	original := topdown.GetBuiltin(name)
	topdown.RegisterBuiltinFunc(name, func(bctx topdown.BuiltinContext, in []*ast.Term, iter func(*ast.Term) error) error {
		if gate, ok := stuck.Load(string(in[0].Value.(ast.String))); ok {
			<-gate.(chan struct{})
		}
		return original(bctx, in, iter)
	})
	os.Exit(m.Run())
}

// stuckPolicy returns a policy whose evaluations do not end before the returned function is called.
func stuckPolicy(t *testing.T) (*rego.Compiled, func()) {
	t.Helper()
	gate := make(chan struct{})
	stuck.Store(t.Name(), gate)
	open := sync.OnceFunc(func() { close(gate) })
	return compile(t, "package p\nallow if {\n\tinput.stuck\n\tuuid.rfc4122(\""+t.Name()+"\")\n}\nallow if not input.stuck"), open
}

var (
	sticks = map[string]any{"stuck": true}
	passes = map[string]any{"stuck": false}
)

func TestAnswerComesWhileTheEvaluationIsStuck(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, open := stuckPolicy(t)
		defer open()
		e := stuckEngine(t, rego.Config{Deadline: 100 * time.Millisecond})
		start := time.Now()
		r, err := e.Evaluate(t.Context(), question(c, input(t, sticks)))
		if took := time.Since(start); took != 100*time.Millisecond {
			t.Errorf("answered after %s", took)
		}
		if want := rego.Failed(rego.Deadline); err != nil || r.Outcome != want.Outcome || r.Reason != want.Reason {
			t.Errorf("got %v, %v, want %v", r, err, want)
		}
	})
}

// Where other programs have the processors, as here for all of the time, a policy has overrun nothing, however often: the caller is to ask again.
// What works until the deadline has overrun it, on the machine's clocks.
func TestStuckEvaluationsUseUpTheTenantsShareOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // time passes only while all evaluations are stuck, however busy the machine is
		c, open := stuckPolicy(t)
		e := stuckEngine(t, rego.Config{Deadline: 50 * time.Millisecond, TenantSlots: 2})
		for range 2 {
			if r, err := e.Evaluate(t.Context(), question(c, input(t, sticks))); err != nil || r.Reason != rego.Deadline {
				t.Fatalf("got %v, %v, want DEADLINE", r, err)
			}
		}
		start := time.Now()
		_, err := e.Evaluate(t.Context(), question(c, input(t, passes)))
		if errs.ReasonOf(err) != errs.ReasonOverloaded {
			t.Errorf("with both slots taken: %v, want %s", err, errs.ReasonOverloaded)
		}
		if took := time.Since(start); took != 50*time.Millisecond {
			t.Errorf("refused after %s", took)
		}
		other := question(c, input(t, passes))
		other.Tenant = tenant.ID(uuid.MustParse("01890000-0000-7000-8000-0000000000ff"))
		if r, err := e.Evaluate(t.Context(), other); err != nil || r.Outcome != rego.Allow {
			t.Errorf("another tenant: %v, %v, want ALLOW", r, err)
		}
		open()
		waitFor(t, func() bool {
			r, err := e.Evaluate(t.Context(), question(c, input(t, passes)))
			return err == nil && r.Outcome == rego.Allow
		})
	})
}

func TestCallerLeaves(t *testing.T) {
	t.Parallel()
	c, open := stuckPolicy(t)
	defer open()
	e := stuckEngine(t, rego.Config{Deadline: time.Minute})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := e.Evaluate(ctx, question(c, input(t, sticks)))
		done <- err
	}()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

func TestCloseIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, open := stuckPolicy(t)
		e := stuckEngine(t, rego.Config{Deadline: 20 * time.Millisecond})
		if _, err := e.Evaluate(t.Context(), question(c, input(t, sticks))); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if err := e.Close(ctx); err == nil || !strings.Contains(err.Error(), "1 goroutines") {
			t.Errorf("Close with a stuck evaluation: %v", err)
		}
		if _, err := e.Evaluate(t.Context(), question(c, input(t, passes))); errs.ReasonOf(err) != errs.ReasonUnavailable {
			t.Errorf("after Close: %v, want %s", err, errs.ReasonUnavailable)
		}
		open()
	})
}

func TestCompileDeadline(t *testing.T) {
	t.Parallel()
	e := engine(t, rego.Config{CompileDeadline: time.Millisecond})
	slow := []rego.Module{{Path: "a.rego", Source: "package p\nallow if a0 == 1\na1999 := 1\n" + repeat(1990, func(i string) string { return "a" + i + " := a" + next(i) + "\n" }) + "a1990 := a1999\n"}}
	for { // OVERLOADED until the compilation has the processor for most of the time
		_, err := e.Compile(t.Context(), question(nil, rego.Input{}).Tenant, rego.Source{Modules: slow})
		if errs.ReasonOf(err) == errs.ReasonRegoInvalid {
			break
		}
		if errs.ReasonOf(err) != errs.ReasonOverloaded {
			t.Fatalf("got %v, want %s", err, errs.ReasonRegoInvalid)
		}
	}
	if _, err := e.CompileStored(t.Context(), question(nil, rego.Input{}).Tenant, rego.Source{Modules: slow}); errs.ReasonOf(err) != errs.ReasonOverloaded {
		t.Errorf("of a stored version: got %v, want %s", err, errs.ReasonOverloaded)
	}
}

func next(i string) string {
	n, _ := strconv.Atoi(i)
	return itoa(n + 1)
}

// A tenant whose policies burn processor time does not hold up another one's answers for longer than the scheduler takes to share out the processors.
func TestNeighboursAreServed(t *testing.T) { // not parallel: it measures time
	burn := compile(t, "package p\nallow if count([1 | some i in numbers.range(1, 30000); some j in numbers.range(1, 30000); i == j + 1000000]) > 0")
	quick := compile(t, "package p\nallow if input.x == 1")
	e := engine(t, rego.Config{Deadline: time.Second, TenantSlots: 4})
	ctx, cancel := context.WithCancel(t.Context())
	var busy sync.WaitGroup
	for i := range 8 {
		busy.Go(func() {
			q := question(burn, input(t, nil))
			for n := 0; ctx.Err() == nil; n++ {
				q.Tenure.Version[15] = byte(i) // another version each time, so that no quarantine ends the test
				q.Tenure.Version[14] = byte(n)
				_, _ = e.Evaluate(ctx, q)
			}
		})
	}
	q := question(quick, input(t, map[string]any{"x": 1.0}))
	q.Tenant[0]++
	var took []time.Duration
	for range 200 {
		start := time.Now()
		if r, err := e.Evaluate(t.Context(), q); err != nil || r.Outcome != rego.Allow {
			t.Errorf("got %v, %v, want ALLOW", r, err)
		}
		took = append(took, time.Since(start))
	}
	cancel()
	busy.Wait()
	slices.Sort(took)
	median := took[len(took)/2]
	t.Logf("median %s, p99 %s", median, took[len(took)*99/100])
	if median > 100*time.Millisecond+slack {
		t.Errorf("median %s", median)
	}
}

func TestSeedAndClockDecide(t *testing.T) {
	t.Parallel()
	c := compile(t, "package p\nallow := true\nviolations := [uuid.rfc4122(\"a\"), sprintf(\"%d\", [rand.intn(\"b\", 1000000000)]), sprintf(\"%d\", [time.now_ns()])]")
	e := engine(t, rego.Config{})
	ask := func(seed byte, now time.Time) string {
		q := question(c, input(t, nil))
		q.Seed, q.Now = rego.Seed{seed}, now
		r, err := e.Evaluate(t.Context(), q)
		if err != nil || len(r.Violations) != 3 {
			t.Fatalf("got %v, %v", r, err)
		}
		return r.Violations[0].Message + r.Violations[1].Message + r.Violations[2].Message
	}
	first := ask(1, decideTime)
	if got := ask(1, decideTime); got != first {
		t.Errorf("the same seed and clock: %q and %q", first, got)
	}
	if got := ask(2, decideTime); got == first {
		t.Errorf("another seed: %q again", got)
	}
	if got := ask(1, decideTime.Add(1)); got == first {
		t.Errorf("another time: %q again", got)
	}
}

// waitFor polls a condition that another goroutine brings about.
func waitFor(t *testing.T, condition func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("condition did not come true")
		}
	}
}
