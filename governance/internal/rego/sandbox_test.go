package rego_test

import (
	"fmt"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
)

// tries is how often an attack must take too long: on a busy machine anything may, once.
const tries = 5

// Every attack is refused by the compiler or answered with ERROR in time, and the goroutine that worked on it ends soon after.
func TestAttacks(t *testing.T) { // not parallel: it measures time
	for _, tt := range attacks {
		t.Run(tt.name, func(t *testing.T) {
			for try := 1; ; try++ {
				tardy := carryOut(t, tt)
				if tardy == "" {
					return
				}
				if try == tries {
					t.Error(tardy)
					return
				}
				t.Log(tardy)
			}
		})
	}
}

// carryOut carries out an attack and says what took too long.
func carryOut(t *testing.T, a attack) (tardy string) {
	t.Helper()
	e := engine(t, rego.Config{})
	ev := question(nil, input(t, a.input))
	start := time.Now()
	c, err := e.Compile(t.Context(), ev.Tenant, rego.Source{Modules: []rego.Module{{Path: "a.rego", Source: "package p\n" + a.source}}})
	if err != nil {
		if took := time.Since(start); took > time.Second+10*slack {
			return fmt.Sprintf("refused after %s", took)
		}
		if got := describe(err); !strings.Contains(got, a.want) {
			t.Errorf("refused with %q, want %q", got, a.want)
		}
		return ""
	}
	ev.Policy = c
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start = time.Now()
	r, err := e.Evaluate(t.Context(), ev)
	took := time.Since(start)
	if err != nil {
		t.Fatalf("Evaluate: %v", err)
	}
	// On a machine that is busy enough, the deadline comes before the guard.
	if r.Outcome != rego.Error || !strings.Contains(a.want, r.Reason.String()) && r.Reason != rego.Deadline {
		t.Errorf("outcome %v %v, want ERROR %s", r.Outcome, r.Reason, a.want)
	}
	if err := e.Close(t.Context()); err != nil {
		t.Error(err)
	}
	ended := time.Since(start)
	runtime.ReadMemStats(&after)
	allocated := (after.TotalAlloc - before.TotalAlloc) >> 20
	t.Logf("%v after %s, ended after %s, allocated %d MiB", r.Reason, took.Round(time.Millisecond), ended.Round(time.Millisecond), allocated)
	if allocated > 512 {
		t.Errorf("allocated %d MiB", allocated)
	}
	switch limit := 250*time.Millisecond + slack; {
	case took > limit:
		return fmt.Sprintf("answered after %s, want at most %s", took, limit)
	case ended > 2*time.Second+10*slack:
		return fmt.Sprintf("the goroutine ended after %s", ended)
	default:
		return ""
	}
}

// Nothing that a module says makes the engine open a connection, neither when it is compiled nor when it is evaluated.
func TestNoEgress(t *testing.T) {
	t.Parallel()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	var connections atomic.Int32
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			_ = c.Close()
		}
	}()
	url := "http://" + listener.Addr().String()
	for name, source := range map[string]string{
		"http.send":          `allow if http.send({"method": "get", "url": "URL"}).status_code == 200`,
		"http.send by with":  "f(x) := x\nallow if f({\"method\": \"get\", \"url\": \"URL\"}) with f as http.send",
		"match_schema":       `allow if json.match_schema({}, {"$ref": "URL"})[0]`,
		"match_schema text":  `allow if json.match_schema("{}", "{\"$ref\": \"URL\"}")[0]`,
		"verify_schema":      `allow if json.verify_schema({"$ref": "URL"})[0]`,
		"lookup_ip_addr":     `allow if net.lookup_ip_addr("example.invalid")`,
		"metadata schema":    "# METADATA\n# schemas:\n#   - input: {\"$ref\": \"URL\"}\nallow if input.x == 1",
		"jwt with a key url": `allow if io.jwt.decode_verify("eyJhbGciOiJSUzI1NiIsImprdSI6IlVSTCJ9.e30.AA", {"cert": "URL"})[0]`,
	} {
		c, err := tryCompile("package p\n" + strings.ReplaceAll(source, "URL", url))
		if err != nil {
			continue
		}
		if r := evaluate(t, c, nil); r.Outcome == rego.Allow {
			t.Errorf("%s: allowed", name)
		}
	}
	if n := connections.Load(); n != 0 {
		t.Errorf("%d connections were opened", n)
	}
	// The listener does see connections, so that this test can fail.
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("read from a closed connection")
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("%d connections, want the test's own", n)
	}
}

// An upgrade of the engine must not widen what policies may do.
func TestProfileIsComplete(t *testing.T) {
	t.Parallel()
	for _, b := range ast.Builtins {
		if !rego.Decided(b.Name) {
			t.Errorf("%s is neither allowed nor refused: decide, with a reason", b.Name)
		}
	}
	for _, name := range rego.Listed() {
		if _, ok := ast.BuiltinMap[name]; !ok {
			t.Errorf("%s is listed but the engine has no such builtin", name)
		}
	}
}
