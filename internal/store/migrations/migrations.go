// Package migrations carries the schema of both engines, one folder each, embedded in the binary.
package migrations

import "embed"

// SQLite is the schema of the embedded engine.
//
//go:embed sqlite/*.sql
var SQLite embed.FS

// Postgres is the same schema for PostgreSQL; a test compares the two.
//
//go:embed postgres/*.sql
var Postgres embed.FS
