package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/serve/ops"
	"github.com/overture-im/overture/internal/store"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// checks are what /readyz asks, and the server itself every two seconds: the first of them is also the node's heartbeat, and the last one
// that survived a failover tells what may be lost. Their names stand in the runbook, docs/OPERATIONS.md.
func checks(o Options, db *store.Store) []ops.Check {
	return []ops.Check{
		{
			Name: "database", Means: "the database cannot be written",
			Ask: func(ctx context.Context) error { return db.TouchNode(ctx, o.Node, time.Now()) },
		},
		{
			Name: "schema", Means: "the database was brought to a schema that this program does not know",
			Ask: func(ctx context.Context) error {
				v, err := db.DB().Schema(ctx)
				if known := sqldb.KnownSchema(); err == nil && v > known {
					return fmt.Errorf("the database has schema version %d, this program knows %d", v, known)
				}
				return own(err)
			},
		},
		{
			Name: "disk", Means: "the disk of the data directory is nearly full",
			Ask: func(context.Context) error {
				free, err := freeSpace(o.DataDir)
				if errors.Is(err, os.ErrNotExist) || errors.Is(err, errors.ErrUnsupported) {
					return nil // PostgreSQL without a data directory, or a system that does not tell
				}
				if err == nil && free < o.MinFreeDisk {
					return fmt.Errorf("%d MiB are free, the threshold is %d MiB", free>>20, o.MinFreeDisk>>20)
				}
				return err
			},
		},
		{
			Name: "quarantine", Means: "in quarantine: nothing is sent before an operator releases it",
			Ask: func(ctx context.Context) error {
				active, err := db.InQuarantine(ctx)
				if err == nil && active {
					return errors.New("see overture quarantine status")
				}
				return own(err)
			},
		},
	}
}

// own keeps a check from failing for a database that does not answer: that is for the check of the database to say.
func own(err error) error {
	if overture.KindOf(err) == overture.Unavailable || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// verbose is what only the operator sees.
func verbose(o Options, db *store.Store, owner string, began time.Time) ops.Verbose {
	return func(ctx context.Context) map[string]any {
		out := map[string]any{
			"node": o.Node, "owner": owner, "version": version(), "go": runtime.Version(), "up_seconds": int(time.Since(began).Seconds()),
			"engine": engineName(o), "schema": sqldb.KnownSchema(), "memory_limit_bytes": debug.SetMemoryLimit(-1),
		}
		if free, err := freeSpace(o.DataDir); err == nil {
			out["disk_free_bytes"] = free
		}
		if q, err := db.Quarantine(ctx); err == nil {
			out["quarantine"] = q
		}
		if at, err := db.LastBackup(ctx); err == nil && !at.IsZero() {
			out["last_backup"] = at
		}
		return out
	}
}

func engineName(o Options) string {
	if o.DatabaseURL != "" {
		return "postgres"
	}
	return "sqlite"
}

// version is the module's version, or the commit it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return "devel"
}

func walSize(o Options) int64 {
	info, err := os.Stat(filepath.Join(o.DataDir, "overture.db-wal"))
	if err != nil {
		return 0
	}
	return info.Size()
}
