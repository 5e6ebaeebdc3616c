package store

import (
	"context"
	"crypto/rand"
	"fmt"
	"hash/crc32"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/overture-im/overture/internal/store/sqldb"
)

// Carrier takes wake-ups to the other nodes over NOTIFY of PostgreSQL (internal/pubsub). It carries topics, never data.
type Carrier struct {
	s    *Store
	name string // of this process, so that nobody hears itself
	to   atomic.Pointer[string]
}

// Carrier gives a new one. Only PostgreSQL has other nodes.
func (s *Store) Carrier() *Carrier { return &Carrier{s: s, name: rand.Text()[:10]} }

// channel is one per schema: several installations, or test suites, share a database.
func (c *Carrier) channel(ctx context.Context) (string, error) {
	if known := c.to.Load(); known != nil {
		return *known, nil
	}
	var schema string
	if err := c.s.db.Read.QueryRowContext(ctx, `SELECT COALESCE(current_schema(), '')`).Scan(&schema); err != nil {
		return "", sqldb.Trouble(fmt.Errorf("read schema name: %w", err))
	}
	channel := fmt.Sprintf("overture_%08x", crc32.ChecksumIEEE([]byte(schema)))
	c.to.Store(&channel)
	return channel, nil
}

// Notify tells the other nodes.
func (c *Carrier) Notify(ctx context.Context, topics []string) error {
	channel, err := c.channel(ctx)
	if err != nil {
		return err
	}
	_, err = c.s.db.Write.ExecContext(ctx, `SELECT pg_notify($1, $2)`, channel, c.name+" "+strings.Join(topics, ","))
	return sqldb.Trouble(err)
}

// silenceOfListener is after how long without a notification the listener asks whether its server is still there.
const silenceOfListener = 5 * time.Second

// Listen hears on a connection of its own until ctx ends or the connection is lost. A server that fell silent counts as lost.
func (c *Carrier) Listen(ctx context.Context, ready func(), heard func(topics []string)) error {
	channel, err := c.channel(ctx)
	if err != nil {
		return err
	}
	conn, err := pgx.ConnectConfig(ctx, c.s.db.Side())
	if err != nil {
		return sqldb.Trouble(fmt.Errorf("listen: %w", err))
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(closing) // it may be lost
	}()
	if _, err := conn.Exec(ctx, "LISTEN "+channel); err != nil {
		return sqldb.Trouble(fmt.Errorf("listen: %w", err))
	}
	ready()
	for {
		if err := c.next(ctx, conn, heard); err != nil {
			return err
		}
	}
}

func (c *Carrier) next(ctx context.Context, conn *pgx.Conn, heard func(topics []string)) error {
	waiting, cancel := context.WithTimeout(ctx, silenceOfListener)
	n, err := conn.WaitForNotification(waiting)
	cancel()
	switch {
	case err == nil:
		if from, topics, ok := strings.Cut(n.Payload, " "); ok && from != c.name {
			heard(strings.Split(topics, ","))
		}
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case waiting.Err() == nil:
		return sqldb.Trouble(fmt.Errorf("listen: %w", err))
	}
	asking, cancel := context.WithTimeout(ctx, connectPatience)
	defer cancel()
	if err := conn.Ping(asking); err != nil {
		return sqldb.Trouble(fmt.Errorf("listen: %w", err))
	}
	return nil
}

// connectPatience bounds the question whether the server is still there.
const connectPatience = 3 * time.Second
