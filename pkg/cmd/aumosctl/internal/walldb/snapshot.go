// Package walldb reads the tables of the Audit Wall as an auditor does: as the role that may only read, without the platform, and all of it in one
// snapshot. Rows come through cursors, so that a log of any size takes the same memory.
package walldb

import (
	"context"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// Snapshot is the database at one moment.
type Snapshot struct {
	conn    *pgx.Conn
	cursors int
	named   map[tenant.ID]*commitments // what the platform's log commits to, once it was verified
}

// Open connects and takes the snapshot. What the URL leaves out is taken from libpq's environment (PGPASSWORD, PGPASSFILE, PGSSLROOTCERT).
func Open(ctx context.Context, url string) (*Snapshot, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("open the wall's database: %w", err) // pgx redacts the password
	}
	config.RuntimeParams["application_name"] = "aumosctl"
	config.RuntimeParams["timezone"] = "UTC"
	config.RuntimeParams["default_transaction_read_only"] = "on"
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open the wall's database: %w", err)
	}
	s := &Snapshot{conn: conn}
	for _, sql := range []string{
		`BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`,
		`SET LOCAL search_path = pg_catalog, pg_temp`, // nothing that somebody put into another schema stands in for the tables
		`SELECT FROM public.gov_audit_checkpoints LIMIT 0`,
	} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			_ = conn.Close(ctx) // nothing was done
			return nil, fmt.Errorf("open the wall's database: %w", err)
		}
	}
	return s, nil
}

// Close ends the snapshot.
func (s *Snapshot) Close() error {
	return s.conn.Close(context.Background()) // which rolls back; nothing was written
}

// setTenant lets row-level security show the rows of one tenant.
const setTenant = `SELECT set_config('aumos.tenant_id', $1, true)`

// cursor reads the rows of a query bit by bit.
type cursor[T any] struct {
	s    *Snapshot
	id   tenant.ID // whose rows they are
	name string
	size int
	scan pgx.RowToFunc[T]

	rows []T
	at   int
	done bool
}

// declare opens a cursor. The query's one parameter, $1, is the tenant.
func declare[T any](ctx context.Context, s *Snapshot, id tenant.ID, size int, scan pgx.RowToFunc[T], query string, args ...any) (*cursor[T], error) {
	s.cursors++
	c := &cursor[T]{s: s, id: id, name: "audit_" + strconv.Itoa(s.cursors), size: size, scan: scan}
	if _, err := s.conn.Exec(ctx, setTenant, id.String()); err != nil {
		return nil, fmt.Errorf("read the wall's database: %w", err)
	}
	_, err := s.conn.Exec(ctx, `DECLARE `+c.name+` NO SCROLL CURSOR FOR `+query, append([]any{[16]byte(id)}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("read the wall's database: %w", err)
	}
	return c, nil
}

// peek returns the next row without moving on; nil after the last. The row is valid until the next call.
func (c *cursor[T]) peek(ctx context.Context) (*T, error) {
	if c.at == len(c.rows) && !c.done {
		batch := &pgx.Batch{}
		batch.Queue(setTenant, c.id.String()) // cursors of other tenants were read meanwhile
		batch.Queue(`FETCH ` + strconv.Itoa(c.size) + ` FROM ` + c.name)
		results := c.s.conn.SendBatch(ctx, batch)
		_, err := results.Exec()
		if err == nil {
			var rows pgx.Rows
			if rows, err = results.Query(); err == nil {
				c.rows, err = pgx.AppendRows(c.rows[:0], rows, c.scan)
			}
		}
		if closed := results.Close(); err == nil {
			err = closed
		}
		if err != nil {
			return nil, fmt.Errorf("read the wall's database: %w", err)
		}
		c.at, c.done = 0, len(c.rows) < c.size
	}
	if c.at == len(c.rows) {
		return nil, nil // the end
	}
	return &c.rows[c.at], nil
}

// next moves on.
func (c *cursor[T]) next() { c.at++ }

func (c *cursor[T]) close(ctx context.Context) error {
	if _, err := c.s.conn.Exec(ctx, `CLOSE `+c.name); err != nil {
		return fmt.Errorf("read the wall's database: %w", err)
	}
	return nil
}
