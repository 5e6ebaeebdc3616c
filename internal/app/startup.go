package app

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// The first things a server looks at. What would lose or repeat messages is refused (store.Open refuses unsafe durability, Options.check
// short waiting times); what only works badly is said loudly.
const (
	clockTolerance = 2 * time.Second
	filesPerSender = 4    // sockets per connection to a provider: it, its callback, and room
	filesAtLeast   = 1024 // database, listeners, browsers
)

// warnings of the options and the surroundings, in words for the log.
func warnings(o Options, files uint64, known bool) []string {
	var out []string
	host, _, _ := net.SplitHostPort(o.Listen) // checked before
	if !o.publicGiven && !o.Lab && !loopback(host) {
		out = append(out, "--public-url is not set: providers cannot reach "+o.PublicURL+", and their signatures will not fit")
	}
	if need := uint64(filesAtLeast + filesPerSender*o.Send.Connections); known && files < need {
		out = append(out, fmt.Sprintf("only %d files may be open, and %d connections to a provider want %d: raise the limit (LimitNOFILE=, ulimit -n)", files, o.Send.Connections, need))
	}
	return out
}

// beginSafely looks at the database before anything is sent from it: is it ours to serve, and is it as young as the world (R11)?
func (a *App) beginSafely(ctx context.Context, db *store.Store) error {
	db.DB().LimitSilence(sqldb.MaxSilence)
	if !db.DB().Postgres() {
		if err := sweepCopies(a.options.DataDir); err != nil {
			a.log.WarnContext(ctx, "start-up check: the copy of an earlier backup cannot be removed", "error", err)
		}
	}
	if err := db.GuardHistory(ctx, a.options.Synchronous); err != nil {
		return err
	}
	began, err := db.WakeQuarantine(ctx, time.Now())
	if err != nil {
		return err
	}
	if began {
		a.log.WarnContext(ctx, "this database was restored from a backup: it is in quarantine, and nothing is sent before an operator releases it; see overture quarantine status")
	}
	if err := startChecks(ctx, a, db); err != nil {
		return err
	}
	return nil
}

// startChecks refuses a database that this server cannot serve, and warns of a clock that is off.
func startChecks(ctx context.Context, a *App, db *store.Store) error {
	files, known := openFilesLimit()
	for _, w := range warnings(a.options, files, known) {
		a.log.WarnContext(ctx, "start-up check", "warning", w)
	}
	if err := db.CheckSeals(ctx); err != nil {
		return &overture.Error{
			Kind: overture.Invalid, Code: "wrong_master_key", Err: err,
			Message: "refusing to start: the master key does not open the provider credentials in this database; give the key it was sealed with " +
				"(--master-key-file, OVERTURE_MASTER_KEY). It is not part of a backup of the database",
		}
	}
	off, err := db.ClockOffset(ctx)
	if err != nil {
		return err
	}
	if off.Abs() > clockTolerance {
		a.log.ErrorContext(ctx, "start-up check: this machine's clock and the database's differ; messages leave early or late by that much; set the clocks (NTP)",
			"offset", off, "tolerance", clockTolerance)
	}
	return nil
}
