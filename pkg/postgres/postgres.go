// Package postgres is the platform's way to PostgreSQL: pools that cannot bypass row-level security, transactions that act for one tenant,
// migrations, the bootstrap of a server, and the meaning of its errors. The SQL of a domain stands in that domain's package.
package postgres
