//go:build linux

package decisionbench_test

import "github.com/jackc/pgx/v5"

// segments of PostgreSQL's log, 16 MiB each, are more than a run of the benchmark fills.
const segments = 360

// settle makes the new database server one that has been running for a while: its log goes to segments that exist. A server whose log outgrows them fills
// each new one with zeros first and waits for the disk: about once a second here, nobody would get an answer for up to 20 ms.
func (p *platform) settle() {
	p.b.Helper()
	ctx := p.b.Context()
	conn, err := pgx.Connect(ctx, p.AdminURL("postgres"))
	if err != nil {
		p.b.Fatal(err)
	}
	defer conn.Close(ctx)
	execute := func(sql string) {
		if _, err := conn.Exec(ctx, sql); err != nil {
			p.b.Fatalf("%s: %v", sql, err)
		}
	}
	// As docs/audit-wall/writing.md says.
	execute(`ALTER SYSTEM SET min_wal_size = '8GB'`)
	execute(`ALTER SYSTEM SET max_wal_size = '16GB'`)
	execute(`ALTER SYSTEM SET checkpoint_timeout = '10min'`)
	execute(`SELECT pg_reload_conf()`)
	for range segments {
		execute(`SELECT pg_logical_emit_message(false, 'settle', '')`) // a segment without anything in it is not left
		execute(`SELECT pg_switch_wal()`)
	}
	execute(`CHECKPOINT`) // makes future segments of those
}
