//go:build linux

package decisionbench_test

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/pkg/postgres"
)

const documentPath = "../../docs/bench-decisions.md"

const documentHead = `# How fast decisions are, beside OPA

` + "`make bench-decisions`" + ` writes this file. It starts governance on a PostgreSQL of its own whose data is on disk and synced, and two of OPA's own servers
(` + "`opa run --server`" + `), one of which writes its decision logs to the console. All three are processes of their own on one machine, have the same
policy ([retrain.rego](../examples/policies/retrain.rego)), and are asked the same question by the same program over loopback. PostgreSQL has
the segments of its log already, as a server that has been running for a while ([settings](audit-wall/writing.md#speed)): to make new ones stalls everybody for up
to 20 ms each time.

What they do is not the same. The platform verifies a token with every question, evaluates inside the sandbox with a deadline, and answers when the decision is
durable on the Audit Wall, with its place there. OPA's server authenticates nobody and keeps nothing; with console decision logs it writes a line that a
crash may lose.

The program that asks is as lean for the one as for the other: a single thread waits for all connections and writes the same bytes again and again, HTTP/1.1 to OPA,
gRPC on HTTP/2 to the platform, with the token on every call. It looks for the outcome in every answer, reads each 64th as a whole, and ends the run at the first that
is wrong. Nearly all that it takes is the system's writing and reading. Client libraries take two to four times as much, more for gRPC than for HTTP, of processors that
the server shares here; they are the caller's, on other machines, and not what is compared.

Each caller waits for its answer before it asks again. The contenders take turns; a ratio is the median of the ratios of the rounds. "Steady" asks at
80 % of the contender's own highest rate, looked at in the two seconds before, whether or not earlier questions are answered, and counts a question's time from
when it was due; of five rounds it is the median. "Even" asks all contenders at one rate in the same way: 80 % of the slowest one's highest. The connections are the same. HTTP/2 carries questions side by side, so that none that is due waits for another's answer; in HTTP/1.1 it does, when every
connection has one open. A question that is refused because the server has too much to do (RESOURCE_EXHAUSTED), or because something that it needs does not answer (UNAVAILABLE), is put again
at once, and its time goes on; the table is followed by how often that was. "CPU" is the processor time of one answer: the server's, PostgreSQL's and that of the program that asks.

Goals, on two cores that servers, PostgreSQL and the load share: at least OPA's rate, and 1.8 times that of OPA with console decision logs, with 32 and with 256 connections; p99 below
20 ms at 80 % of the highest rate. Run it on a machine that does nothing else: what other programs take, the contenders lack, and not in step.

The last column explains the rates: what governance and PostgreSQL take of the cores together for a durable decision, beside what OPA's server takes for one that nothing keeps. Where PostgreSQL has
processors of its own the ratios are others. "Steady" shows stalls rather than speed: 80 % leaves a fifth of the time to catch up, so that a wait, for the disk or for a core that another program has,
is felt several times as long as it lasts. These waits are counted, and are most of a high p99.
`

// document is everything measured.
type document struct {
	machine string
	results []result
}

// table is what was measured.
func (d document) table() string {
	var t strings.Builder
	t.WriteString("| Callers | | Decisions/s | Beside OPA | Beside OPA with logs | p50 | p99 | Steady p50 | Steady p99 | Even rate | Even p50 | Even p99 | CPU µs each |\n")
	t.WriteString("|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, r := range d.results {
		for _, c := range contenders {
			last := r.saturated[c][len(r.saturated[c])-1]
			fmt.Fprintf(&t, "| %d | %s | %.0f | %.2f× | %.2f× | %s | %s | %s | %s | %.0f | %s | %s | %s |\n", r.callers, c, r.perSecond(c), r.ratio(c, opaAlone), r.ratio(c, opaLogging),
				milliseconds(last.percentile(50)), milliseconds(last.percentile(99)),
				milliseconds(latency(r.steady[c], 50)), milliseconds(latency(r.steady[c], 99)),
				r.evenRate(), milliseconds(latency(r.even[c], 50)), milliseconds(latency(r.even[c], 99)), last.cpu.each(len(last.latency)))
		}
	}
	t.WriteString("\nQuestions that were refused and put again:")
	for i, r := range d.results {
		if i > 0 {
			t.WriteString(";")
		}
		var sum refused
		for _, c := range contenders {
			sum.add(r.refused[c])
		}
		fmt.Fprintf(&t, " with %d callers %d RESOURCE_EXHAUSTED and %d UNAVAILABLE", r.callers, sum.overloaded, sum.unavailable)
	}
	t.WriteString(".\n")
	return t.String()
}

func (d document) write() error {
	return os.WriteFile(documentPath, []byte(documentHead+"\n## What was measured\n\n"+d.machine+"\n\n"+d.table()), 0o600)
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
}

// describe names what the numbers depend on, and fails when what is measured would not survive a crash.
func (p *platform) describe() string {
	p.b.Helper()
	conn, err := pgx.Connect(p.b.Context(), p.AdminURL(postgres.DatabaseAudit))
	if err != nil {
		p.b.Fatal(err)
	}
	defer conn.Close(p.b.Context())
	var version, fsync, synchronous string
	err = conn.QueryRow(p.b.Context(), `SELECT current_setting('server_version'), current_setting('fsync'), current_setting('synchronous_commit')`).
		Scan(&version, &fsync, &synchronous)
	if err != nil {
		p.b.Fatal(err)
	}
	if fsync != "on" || synchronous != "on" {
		p.b.Fatalf("fsync is %s and synchronous_commit is %s: what is measured must survive a crash", fsync, synchronous)
	}
	number, _, _ := strings.Cut(version, " ")
	return fmt.Sprintf("%s, %d cores for the servers, PostgreSQL and the load together; PostgreSQL %s with fsync on; %s.",
		processor(), runtime.NumCPU(), number, runtime.Version())
}

// processor is the model that Linux names.
func processor() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}
