package wallbench_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/durabletest"
	"github.com/aumos-enterprise/platform/migrations"
)

// The measurements in this file were made to choose the table's form. They are kept to repeat them on other machines and versions.

const (
	designRounds = 3
	designRows   = 20_000
	designBatch  = 128
)

// BenchmarkIndexes measures what each index costs the insertion: with all, and without it, in turns.
func BenchmarkIndexes(b *testing.B) {
	db := durabletest.Start(b)
	w := startWall(b, db)
	ids := newTenants(1)
	fill(b, w, ids[0], 0, designRows)
	t := readTable(b, db, ids, designRows)
	unseal(b, db.AuditAdmin)
	rows, err := db.AuditAdmin.Query(b.Context(), `
		SELECT indexname::text, indexdef
		FROM pg_indexes
		WHERE tablename = 'gov_audit_trail_entries' AND indexname LIKE '%_idx'
		ORDER BY indexname`)
	if err != nil {
		b.Fatal(err)
	}
	indexes, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct{ Name, Definition string }])
	if err != nil {
		b.Fatal(err)
	}
	with, without := make([]measured, len(indexes)), make([]measured, len(indexes))
	insert := func(into *measured) {
		t.renew()
		// The least of the rounds: whatever else the machine does only adds to it.
		if m := plain(b, db, t, designBatch); into.entries == 0 || m.cpu < into.cpu {
			*into = m
		}
	}
	for range designRounds {
		for i, index := range indexes {
			insert(&with[i])
			exec(b, db.AuditAdmin, `DROP INDEX `+pgx.Identifier{index.Name}.Sanitize())
			insert(&without[i])
			exec(b, db.AuditAdmin, strings.Replace(index.Definition, " ON ONLY ", " ON ", 1))
		}
	}
	var bare, all measured
	for range designRounds {
		insert(&all)
	}
	for _, index := range indexes {
		exec(b, db.AuditAdmin, `DROP INDEX `+pgx.Identifier{index.Name}.Sanitize())
	}
	for range designRounds {
		insert(&bare)
	}
	for i, index := range indexes {
		compare(index.Name, with[i], without[i])
	}
	compare("all of them", all, bare)
	b.ReportMetric(0, "ns/op")
}

func compare(name string, with, without measured) {
	_, _ = fmt.Fprintf(os.Stdout, "%-45s with %s and %4d bytes of WAL a row, without %s and %4d: %+.1f %% and %+.1f %%\n", name,
		with.cpuPerEntry(), with.walPerEntry(), without.cpuPerEntry(), without.walPerEntry(),
		100*(float64(with.cpu)/float64(with.entries)*float64(without.entries)/float64(max(1, without.cpu))-1),
		100*(float64(with.wal)/float64(with.entries)*float64(without.entries)/float64(without.wal)-1))
}

// BenchmarkPartitions measures the wall and the plain insertion on tables of 1, 4 and 8 partitions, in turns.
func BenchmarkPartitions(b *testing.B) {
	counts := []int{1, 4, 8}
	walls := make([]wall, len(counts))
	for i, n := range counts {
		db := durabletest.Start(b)
		partition(b, db, n)
		walls[i] = startWall(b, db)
	}
	for _, tenants := range []int{1, 200} {
		appended, inserted := make([]measured, len(counts)), make([]measured, len(counts))
		for range designRounds {
			for i, w := range walls {
				ids := newTenants(tenants)
				do := func(ctx context.Context, _ int, number int64) error {
					_, err := w.Append(ctx, newEntry(ids[number%int64(tenants)], number))
					return err
				}
				appended[i] = appended[i].add(w.watch(b, func() measured { return callers(b, 256, 1, runFor, 0, do) }))
				if m := plain(b, w.db, readTable(b, w.db, ids, designRows), designBatch); inserted[i].entries == 0 || m.cpuPerEntry() < inserted[i].cpuPerEntry() {
					inserted[i] = m // the least of the rounds, as above
				}
			}
		}
		for i, n := range counts {
			_, _ = fmt.Fprintf(os.Stdout, "%3d tenants, %d partitions: wall %8.0f entries/s, p99 %s; plain %8.0f rows/s, %s and %d bytes of WAL a row\n", tenants, n, appended[i].perSecond(),
				milliseconds(appended[i].percentile(99)), inserted[i].perSecond(), inserted[i].cpuPerEntry(), inserted[i].walPerEntry())
		}
	}
	b.ReportMetric(0, "ns/op")
}

// partition makes the wall's tables again, by their migration, with n partitions in place of 4.
func partition(b *testing.B, db durabletest.Databases, n int) {
	b.Helper()
	text, err := fs.ReadFile(migrations.Audit(), "0002_trail.sql")
	if err != nil {
		b.Fatal(err)
	}
	var names strings.Builder
	for i := range n {
		fmt.Fprintf(&names, "'gov_audit_trail_entries_p%d', ", i)
	}
	sql := strings.NewReplacer(
		"FOR i IN 0..3 LOOP", fmt.Sprintf("FOR i IN 0..%d LOOP", n-1),
		"MODULUS 4", fmt.Sprintf("MODULUS %d", n),
		"'gov_audit_trail_entries_p0', 'gov_audit_trail_entries_p1', 'gov_audit_trail_entries_p2',", names.String(),
		"        'gov_audit_trail_entries_p3', ", "        ",
	).Replace(string(text))
	unseal(b, db.AuditAdmin)
	exec(b, db.AuditAdmin, `DROP TABLE gov_audit_trail_entries, gov_audit_checkpoints, gov_audit_cosignatures; SET ROLE aumos_audit_owner`)
	exec(b, db.AuditAdmin, sql)
	exec(b, db.AuditAdmin, `RESET ROLE`)
	for _, pool := range []interface{ Reset() }{db.Writer, db.Reader} {
		pool.Reset() // their prepared statements are the old tables'
	}
}

func unseal(b *testing.B, admin *pgx.Conn) {
	b.Helper()
	exec(b, admin, `ALTER EVENT TRIGGER aumos_audit_deny_ddl DISABLE; ALTER EVENT TRIGGER aumos_audit_deny_rewrite DISABLE`)
}

func exec(b *testing.B, conn *pgx.Conn, sql string) {
	b.Helper()
	if _, err := conn.Exec(b.Context(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
		b.Fatalf("%.80s: %v", sql, err)
	}
}

// renew gives the rows to tenants that have none.
func (t *table) renew() {
	others := map[[16]byte][16]byte{}
	for i, id := range t.tenantIDs {
		if _, ok := others[id]; !ok {
			others[id] = newTenants(1)[0]
		}
		t.tenantIDs[i] = others[id]
	}
}
