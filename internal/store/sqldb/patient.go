package sqldb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/overture-im/overture"
)

// freeWithin is how long a caller waits for a connection of the pool. When all of them stand behind a lock or a silent server, the next
// callers are told so instead of standing in line behind them (F-PG6): with MaxSilence every call ends within 10 s.
const freeWithin = 1500 * time.Millisecond

// openPool is the pool as database/sql, whose callers do not wait for ever.
func openPool(pool *pgxpool.Pool) *sql.DB {
	db := sql.OpenDB(patient{stdlib.GetPoolConnector(pool)})
	db.SetMaxIdleConns(0) // the pool below keeps them
	return db
}

type patient struct{ driver.Connector }

// Connect takes a connection out of the pool.
func (p patient) Connect(ctx context.Context) (driver.Conn, error) {
	waiting, cancel := context.WithTimeout(ctx, freeWithin)
	defer cancel()
	conn, err := p.Connector.Connect(waiting)
	if err != nil && ctx.Err() == nil && errors.Is(waiting.Err(), context.DeadlineExceeded) {
		return nil, &overture.Error{
			Kind: overture.Unavailable, Code: "database_busy", Message: "the database does not answer or is very busy; try again in a moment", Err: err,
		}
	}
	return conn, err
}

const (
	// fullFor is how long a process that begins tries to reach a server that has no connection left. The kill switch must not be turned
	// away because everybody else is connected; those who come and go leave a connection free soon.
	fullFor   = 15 * time.Second
	fullEvery = 100 * time.Millisecond
)

// whileFull repeats f while PostgreSQL has too many clients (53300), for fullFor at most. Any other outcome is f's.
func whileFull(ctx context.Context, f func() error) error {
	end := time.Now().Add(fullFor)
	for {
		err := f()
		if !tooManyClients(err) || time.Now().After(end) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(fullEvery):
		}
	}
}

func tooManyClients(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "53300"
}
