package sqldb

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// sweeper vacuums the markers while a node sends. Each marker lives for less than a second and leaves a dead row and dead index entries;
// PostgreSQL's own vacuum looks once a minute at best, and until then whatever reads the table walks over a million of them.
type sweeper struct {
	pool *pgxpool.Pool
	dead atomic.Int64
	wake chan struct{}
	stop context.CancelFunc
	done chan struct{}
}

const (
	sweepAfter = 25_000 // markers of this node
	// sweepRest is how many times as long as a sweep took it rests: an old transaction somewhere keeps dead rows in place, and then every
	// sweep finds more of them.
	sweepRest = 50
)

func (d *DB) sweep() {
	ctx, stop := context.WithCancel(context.Background())
	d.sweeper = &sweeper{pool: d.Pool, wake: make(chan struct{}, 1), stop: stop, done: make(chan struct{})}
	go d.sweeper.run(ctx)
}

// Unmarked is told how many markers a commit took away. On SQLite it does nothing.
func (d *DB) Unmarked(n int) {
	s := d.sweeper
	if s == nil || s.dead.Add(int64(n)) < sweepAfter {
		return
	}
	s.dead.Store(0)
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *sweeper) run(ctx context.Context) {
	defer close(s.done)
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		}
		began := time.Now()
		// Nodes do not wait for each other, and nobody waits for a shorter file. An error is not the end of anything: autovacuum comes later.
		_, _ = s.pool.Exec(ctx, `VACUUM (SKIP_LOCKED, TRUNCATE FALSE) inflight`)
		select {
		case <-ctx.Done():
			return
		case <-time.After(sweepRest * time.Since(began)):
		}
	}
}

func (s *sweeper) close() {
	if s != nil {
		s.stop()
		<-s.done
	}
}
