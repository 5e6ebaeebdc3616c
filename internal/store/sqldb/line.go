package sqldb

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// What a connection to PostgreSQL may take before it counts as lost (F-PG5): a server that was frozen still answers TCP, and one behind a cut
// cable answers nothing, so both kinds of silence need a limit. Together they end every call within 10 s.
const (
	connectTimeout = 2 * time.Second
	// MaxSilence is how long a server process waits for the next byte of an answer.
	MaxSilence  = 8 * time.Second
	userTimeout = 6 * time.Second // unacknowledged data; below MaxSilence, so that the kernel notices first
	// pongTimeout is how long an idle connection that is asked whether it lives may think about it. Without it a caller waited MaxSilence for
	// each dead connection of the pool, one after the other.
	pongTimeout = 750 * time.Millisecond
)

// lines are the connections of a pool: their time limits, and who looks at each new one.
type lines struct {
	silence atomic.Int64                                           // nanoseconds a read may wait; 0: no limit
	fence   atomic.Pointer[func(context.Context, *pgx.Conn) error] // looks at a new connection before it is used; nil: nobody
}

func (l *lines) configure(cfg *pgxpool.Config) {
	dialer := &net.Dialer{
		Timeout:         connectTimeout,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 3 * time.Second, Interval: time.Second, Count: 3},
		Control:         boundUnacknowledged,
	}
	cfg.ConnConfig.ConnectTimeout = connectTimeout
	cfg.PingTimeout = pongTimeout
	cfg.ConnConfig.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dialer.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &line{Conn: conn, limits: l}, nil
	}
	cfg.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		// A node that froze in the middle of a transaction must not keep its locks from the others.
		if _, err := conn.Exec(ctx, `SET idle_in_transaction_session_timeout = '15s'`); err != nil {
			return err
		}
		if fence := l.fence.Load(); fence != nil {
			return (*fence)(ctx, conn)
		}
		return nil
	}
}

// line is a network connection whose reads end when nothing comes for too long. A deadline that the driver sets itself goes first.
type line struct {
	net.Conn
	limits *lines

	mu  sync.Mutex
	own bool // the driver has set a deadline
}

// Read waits for the next bytes, but not for ever.
func (c *line) Read(b []byte) (int, error) {
	if silence := c.limits.silence.Load(); silence > 0 {
		c.mu.Lock()
		var err error
		if !c.own {
			err = c.Conn.SetReadDeadline(time.Now().Add(time.Duration(silence)))
		}
		c.mu.Unlock()
		if err != nil {
			return 0, err
		}
	}
	return c.Conn.Read(b)
}

// SetDeadline is the driver's way to interrupt a call; the zero time takes it back.
func (c *line) SetDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.own = !t.IsZero()
	return c.Conn.SetDeadline(t)
}

// SetReadDeadline is the same for reads.
func (c *line) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.own = !t.IsZero()
	return c.Conn.SetReadDeadline(t)
}

// LimitSilence makes every read of a connection end when the server says nothing for d. Servers want it; long reports do not. SQLite has no
// connections.
func (d *DB) LimitSilence(limit time.Duration) {
	if d.lines != nil {
		d.lines.silence.Store(int64(limit))
	}
}

// Guard has f look at every connection that is made from now on before it is used (PostgreSQL). The pool drops a connection that f refuses.
func (d *DB) Guard(f func(context.Context, *pgx.Conn) error) {
	if d.lines != nil {
		d.lines.fence.Store(&f)
	}
}

// Side gives the settings of a connection of its own, beside the pool, without its guard and its limit of silence.
func (d *DB) Side() *pgx.ConnConfig {
	cfg := d.Pool.Config().ConnConfig.Copy()
	quiet := &net.Dialer{Timeout: connectTimeout, KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 3 * time.Second, Interval: time.Second, Count: 3}, Control: boundUnacknowledged}
	cfg.DialFunc = quiet.DialContext
	return cfg
}
