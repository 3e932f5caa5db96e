// Package migrations holds the SQL that makes the platform's databases: one directory per database with forward-only files named
// NNNN_name.sql, and the bootstrap that a server needs once. pkg/postgres runs them.
package migrations

import (
	"embed"
	"io/fs"
)

//go:embed */*.sql
var files embed.FS

// Governance returns the migrations of the governance database.
func Governance() fs.FS { return directory("governance") }

// Audit returns the migrations of the audit database.
func Audit() fs.FS { return directory("audit") }

// Drift returns the migrations of the drift database.
func Drift() fs.FS { return directory("drift") }

// Bootstrap returns what a server needs before the first migration: the roles, and each database's privileges.
func Bootstrap() fs.FS { return directory("bootstrap") }

func directory(name string) fs.FS {
	sub, err := fs.Sub(files, name)
	if err != nil { // only for a name that is not a valid path
		panic(err)
	}
	return sub
}
