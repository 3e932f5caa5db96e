// Package wallbench holds no code but measurements of the Audit Wall's write path, beside what PostgreSQL does by itself with the same rows.
// docs/bench-wall.md is the table of what they gave.
package wallbench
