package sqldb

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// analyst brings the planner's statistics up to date after much was written at once. PostgreSQL's own autovacuum looks once a minute at best; until
// then a table that was empty at its last look counts as empty, and a list of a million is read whole where an index would do.
type analyst struct {
	pool *pgxpool.Pool
	wake chan struct{}
	stop context.CancelFunc
	done chan struct{}

	mu    sync.Mutex
	grown map[string]int // rows since the last look, by table
}

// AnalyzeAfter is how many new rows of a table, written by this node, make its statistics stale.
const AnalyzeAfter = 100_000

func (d *DB) describe() {
	ctx, stop := context.WithCancel(context.Background())
	d.analyst = &analyst{pool: d.Pool, wake: make(chan struct{}, 1), stop: stop, done: make(chan struct{}), grown: map[string]int{}}
	go d.analyst.run(ctx)
}

// Grew is told how many rows a bulk write added to each of some tables. On SQLite it does nothing: its plans do not depend on statistics.
func (d *DB) Grew(rows int, tables ...string) {
	a := d.analyst
	if a == nil {
		return
	}
	a.mu.Lock()
	stale := false
	for _, t := range tables {
		a.grown[t] += rows
		stale = stale || a.grown[t] >= AnalyzeAfter
	}
	a.mu.Unlock()
	if !stale {
		return
	}
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// stale gives the tables to look at, and counts them anew.
func (a *analyst) stale() (tables []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for t, n := range a.grown {
		if n >= AnalyzeAfter {
			tables = append(tables, t)
			delete(a.grown, t)
		}
	}
	slices.Sort(tables)
	return tables
}

// analystRest is how many times as long as a look took it rests.
const analystRest = 20

func (a *analyst) run(ctx context.Context) {
	defer close(a.done)
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.wake:
		}
		began := time.Now()
		if tables := a.stale(); len(tables) > 0 {
			// Nodes do not wait for each other. An error is not the end of anything: autovacuum comes later.
			_, _ = a.pool.Exec(ctx, `ANALYZE (SKIP_LOCKED) `+strings.Join(tables, ", "))
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(analystRest * time.Since(began)):
		}
	}
}

func (a *analyst) close() {
	if a != nil {
		a.stop()
		<-a.done
	}
}
