package wallbench_test

import (
	"fmt"
	"strings"
	"time"
)

const documentPath = "../../../docs/bench-wall.md"

const documentHead = `# How fast the Audit Wall is

` + "`make bench-wall`" + ` writes this file. It starts a PostgreSQL of its own whose data is on disk and synced, makes the wall's tables by their migrations,
and lets callers append entries of about 600 bytes: decisions, and every eighth time the change of a resource with its new state. Each caller waits
for its answer, which comes when the entry is durable, before it sends the next.

**The limit** is what PostgreSQL does by itself: the rows that the wall has just written are read back and inserted again, for other tenants, into the
same table with the same indexes and guards, as the same role, by one ` + "`INSERT ... SELECT FROM unnest(...)`" + ` and one transaction for each batch, one
after the other, in batches of the size that the wall's had on average. The wall and the limit take turns. What the wall does besides (a queue, an
answer for each entry, the Merkle tree, positions, signed heads) is the difference.

Goals, on two cores that PostgreSQL, the service and the load share: at least 60 % of the limit with 256 callers, on one tenant and on 200; at
least 12,000 entries/s through gRPC; p99 below 50 ms; a single caller below 3 ms (p50); a cost that does not grow with the log. Run it
on a machine that does nothing else: other work lowers the rates and the limit, not in step, and raises latencies most. On the shared machine below,
two runs came to 90 % on one tenant, 70 and 79 % on 200, 17,100 and 19,400 entries/s through gRPC, and a single caller's 0.24 and 0.27 ms; the p99 of 256 callers
was between 15 and 41 ms, 69 ms once on 200 tenants, and above 50 ms where a long log keeps the disk busy.

## The form of the table

` + "`BenchmarkPartitions`" + ` and ` + "`BenchmarkIndexes`" + ` in ` + "`governance/internal/wallbench`" + ` measured these; the numbers are the processor time of the server's
process and the bytes of its log (WAL) for each row, in batches of 128, the least of three rounds, with PostgreSQL 15. Bytes are exact; times,
taken on a busy machine, hold to about 10 %.

| Partitions | One tenant | 200 tenants |
|--:|--:|--:|
| 1 | 19.3 µs, 2,218 bytes | 28.9 µs, 2,356 bytes |
| 4 | 19.8 µs, 2,220 bytes | 34.2 µs, 2,330 bytes |
| 8 | 20.1 µs, 2,219 bytes | 38.1 µs, 2,320 bytes |

Partitions by hash of the tenant make no insertion faster: there is one writer, and a batch that touches more partitions opens more indexes. What they
are for is upkeep. An append-only table is never vacuumed for dead rows but must be frozen, and its indexes rebuilt now and then: both go by table. Four
keep that in pieces of a quarter for one row in six more on many tenants and nothing on one; eight would cost twice that. Ranges of the index
would need new partitions at run time, each with all guards: there is no DDL on the wall at run time.

A row is 1,911 bytes of WAL with all seven secondary indexes and 1,205 with none, and 14.3 µs of processor time against 6.7. What each one costs, in bytes of
WAL a row and as a share of the row without it:

| Index | Bytes | Share |
|---|--:|--:|
| kind (every entry) | 240 | 14.4 % |
| resource | 182 | 10.5 % |
| correlation (none where there is no correlation id) | 134 | 7.5 % |
| actor | 112 | 6.2 % |
| state, effect (changes of a resource alone) | 26 each | 1.4 % |
| outcome (what did not succeed alone) | 10 | 0.5 % |

The kind is event type, action, resource type and source: an index of each of the four, and one of recorded times, made it 2,324 bytes and 22.1 µs.
The partial ones are why: what most entries share is not indexed. The others are what listing by each filter in any log costs. Neither BRIN (a filter's
matches lie scattered over the log) nor hash indexes (no order, so no pages) can serve a list in the order of the log; hashes of the
texts in place of the texts would save about 40 bytes of each.
`

// row is a line of the table.
type row struct {
	name             string
	callers, tenants int
	wall, limit      measured
}

// document is everything measured.
type document struct {
	machine string
	rows    []row
	curve   []point
}

func (d *document) add(r row) { d.rows = append(d.rows, r) }

// render writes what was measured.
func (d *document) render() string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n## What was measured\n\n%s\n\n", d.machine)
	b.WriteString("| What | Callers | Tenants | Entries/s | p50 | p99 | Entries a transaction | Limit, rows/s | Of the limit |\n")
	b.WriteString("|---|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, r := range d.rows {
		limit, share := "–", "–"
		if r.limit.entries > 0 {
			limit, share = thousands(r.limit.perSecond()), fmt.Sprintf("%.0f %%", 100*r.wall.perSecond()/r.limit.perSecond())
		}
		fmt.Fprintf(&b, "| %s | %d | %d | %s | %s | %s | %.0f | %s | %s |\n", r.name, r.callers, r.tenants, thousands(r.wall.perSecond()),
			milliseconds(r.wall.percentile(50)), milliseconds(r.wall.percentile(99)), r.wall.perBatch, limit, share)
	}
	b.WriteString("\n## Cost and size of the log\n\nOne tenant's log; the next 40,000 appends of 256 callers, and then 1,000 of one.\n\n")
	b.WriteString("| Entries in the log | Entries/s | Cost of an append | p99 | Single caller, p50 | Single caller, p99 |\n|--:|--:|--:|--:|--:|--:|\n")
	for _, p := range d.curve {
		fmt.Fprintf(&b, "| %s | %s | %.1f µs | %s | %s | %s |\n", thousands(float64(p.size)), thousands(p.many.perSecond()),
			1e6/p.many.perSecond(), milliseconds(p.many.percentile(99)), milliseconds(p.alone.percentile(50)), milliseconds(p.alone.percentile(99)))
	}
	return b.String()
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.2f ms", float64(d.Microseconds())/1000)
}

// thousands writes a number with separators.
func thousands(f float64) string {
	s := fmt.Sprintf("%.0f", f)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
