package sqldb

import (
	"context"
	"database/sql"
	"fmt"
	"sync/atomic"
	"time"
)

// keeper moves what was committed from SQLite's write-ahead log into the database, on a connection and a goroutine of its own. Without it
// the writer would do it inside a commit whenever the log is long, and everybody's writes would wait for tens of milliseconds.
type keeper struct {
	side *sql.DB // one connection
	last atomic.Int64
	wake chan struct{}
	stop context.CancelFunc
	done chan struct{}
}

const (
	// keepEvery is how long after a look the next commit asks for another one.
	keepEvery = 200 * time.Millisecond
	// longLog is how many pages the log may have before the writer ends it: the log begins anew only when everything in it has been moved
	// and nobody writes meanwhile. It stays below wal_autocheckpoint, the last resort.
	longLog = 8000
	// The writer should find little left to move then, because everybody waits for it: each round beside it leaves what was written
	// meanwhile, and the next is shorter, until one moved no more than littleLeft pages. There is an end to it when the writer is quicker.
	littleLeft = 200
	rounds     = 4
)

// keep starts the keeper of an open SQLite database.
func (d *DB) keep() error {
	side, err := sql.Open("sqlite", d.dsn)
	if err != nil {
		return fmt.Errorf("open the log's connection: %w", err)
	}
	side.SetMaxOpenConns(1)
	ctx, stop := context.WithCancel(context.Background())
	d.keeper = &keeper{side: side, wake: make(chan struct{}, 1), stop: stop, done: make(chan struct{})}
	go d.keeper.run(ctx, d.Write)
	return nil
}

// committed is told after every commit. It has no clock of its own, so that an idle database is left alone.
func (k *keeper) committed() {
	if k == nil {
		return
	}
	now, last := time.Now().UnixMilli(), k.last.Load()
	if now-last < keepEvery.Milliseconds() || !k.last.CompareAndSwap(last, now) {
		return
	}
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

func (k *keeper) run(ctx context.Context, writer *sql.DB) {
	defer close(k.done)
	for {
		select {
		case <-ctx.Done():
			return
		case <-k.wake:
		}
		// An error here is not the end of anything: the writer does the same by itself when the log gets longer.
		pages, moved, err := checkpoint(ctx, k.side)
		for before, round := 0, 1; round < rounds && err == nil && pages >= longLog && moved-before > littleLeft; round++ {
			before = moved
			pages, moved, err = checkpoint(ctx, k.side)
		}
		if err == nil && pages >= longLog && moved > 0 {
			_, _, _ = checkpoint(ctx, writer)
		}
	}
}

// checkpoint moves what it can without waiting for anybody and tells how many pages the log has and how many of them are moved.
func checkpoint(ctx context.Context, conn *sql.DB) (pages, moved int, err error) {
	var busy int
	err = conn.QueryRowContext(ctx, "PRAGMA wal_checkpoint(PASSIVE)").Scan(&busy, &pages, &moved)
	return pages, moved, err
}

func (k *keeper) close() error {
	if k == nil {
		return nil
	}
	k.stop()
	<-k.done
	return k.side.Close()
}
