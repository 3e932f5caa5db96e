// Package wallattack holds no code but an attack on the Audit Wall: its tests try, on a real PostgreSQL and as every role there is, to change what
// is on the wall, and expect each attempt to be prevented or to be found. docs/attack-wall.md is the table of what they saw.
package wallattack
