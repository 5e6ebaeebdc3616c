// Package sqldb is the seam between one hand-written SQL text and two engines.
//
// SQL uses $1 placeholders in the common subset of SQLite and PostgreSQL: no RETURNING into CTEs, no arrays, no now(), no casts with ::.
// SQLite has one writer connection and a pool of readers; PostgreSQL has one pool for both.
package sqldb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	"modernc.org/sqlite"
	sqlitelib "modernc.org/sqlite/lib"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/migrations"
)

// DB is an open, migrated database.
type DB struct {
	Read    *sql.DB       // many connections; query_only on SQLite
	Write   *sql.DB       // one connection on SQLite; the same pool as Read on PostgreSQL
	Pool    *pgxpool.Pool // nil on SQLite; for the bulk paths
	keyed   *pgxpool.Pool // nil on SQLite; see TransactByKey
	byKey   *sql.DB
	unlock  func()
	lines   *lines   // nil on SQLite
	dsn     string   // of SQLite
	keeper  *keeper  // nil on PostgreSQL
	sweeper *sweeper // nil on SQLite
	analyst *analyst // nil on SQLite

	prepared sync.Map // SQL text → *sql.Stmt on SQLite's writer connection
	reads    sync.Map // the same on its readers
}

// Prepared gives a statement for use inside tx without parsing it again: on SQLite it is prepared once on the only writer connection; on
// PostgreSQL the driver caches by text, so tx itself serves. Use it on hot paths only: prepared statements live as long as the DB.
func (d *DB) Prepared(ctx context.Context, tx *sql.Tx, query string) (*sql.Stmt, error) {
	if d.Postgres() {
		return tx.PrepareContext(ctx, query)
	}
	if known, ok := d.prepared.Load(query); ok {
		return tx.StmtContext(ctx, known.(*sql.Stmt)), nil //nolint:forcetypeassert // only statements are stored
	}
	return nil, ErrNotPrepared
}

// Prepare makes Prepared work for a query. Call it outside of any transaction: on SQLite the writer connection must be free.
func (d *DB) Prepare(ctx context.Context, queries ...string) error {
	if d.Postgres() {
		return nil
	}
	for _, q := range queries {
		if _, ok := d.prepared.Load(q); ok {
			continue
		}
		stmt, err := d.Write.PrepareContext(ctx, q)
		if err != nil {
			return fmt.Errorf("prepare: %w", err)
		}
		if _, lost := d.prepared.LoadOrStore(q, stmt); lost {
			_ = stmt.Close()
		}
	}
	return nil
}

// ErrNotPrepared is what Prepared answers for a query that Prepare has not seen.
var ErrNotPrepared = errors.New("statement was not prepared beforehand")

// Querier is a pool or a transaction.
type Querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
}

// Postgres tells which engine this is.
func (d *DB) Postgres() bool { return d.Pool != nil }

// OpenSQLite opens overture.db in dataDir, which it creates, and keeps a file lock so that no second process can.
func OpenSQLite(ctx context.Context, dataDir string) (*DB, error) {
	if err := os.MkdirAll(dataDir, 0o700); err != nil {
		return nil, fmt.Errorf("create data directory: %w", err)
	}
	unlock, err := lockDir(dataDir)
	if err != nil {
		return nil, err
	}
	d, err := openSQLite(ctx, filepath.Join(dataDir, "overture.db"))
	if err != nil {
		unlock()
		return nil, err
	}
	d.unlock = unlock
	return d, nil
}

// The measured settings: FULL because a lost marker is a second send; an auto-checkpoint far beyond what the keeper leaves in the log. The writer
// keeps 12 MiB of pages and each of the readers 7: what they read lies together, and four full caches are the process's peak.
const sqlitePragmas = "?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(10000)&_pragma=foreign_keys(1)" +
	"&_pragma=wal_autocheckpoint(32000)&_pragma=temp_store(MEMORY)&_txlock=immediate"

const (
	sqliteWriter = sqlitePragmas + "&_pragma=cache_size(-12288)"
	sqliteReader = sqlitePragmas + "&_pragma=cache_size(-7168)&_pragma=query_only(1)"
)

func openSQLite(ctx context.Context, path string) (*DB, error) {
	file := "file:" + (&url.URL{Path: path}).EscapedPath()
	dsn := file + sqliteWriter
	d := &DB{dsn: dsn}
	var err error
	if d.Write, err = sql.Open("sqlite", dsn); err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	d.Write = eachStatement(d.Write, dsn)
	d.Write.SetMaxOpenConns(1)
	d.Write.SetMaxIdleConns(1)
	if d.Read, err = sql.Open("sqlite", file+sqliteReader); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), d.Close())
	}
	d.Read.SetMaxOpenConns(4)
	d.Read.SetMaxIdleConns(4)
	if err := d.checkSQLite(ctx); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	if err := d.migrate(ctx, goose.DialectSQLite3, migrations.SQLite, "sqlite"); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	if err := d.keep(); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

func (d *DB) checkSQLite(ctx context.Context) error {
	var mode string
	var sync int
	if err := d.Write.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&mode); err != nil {
		return fmt.Errorf("read journal mode: %w", err)
	}
	if err := d.Write.QueryRowContext(ctx, "PRAGMA synchronous").Scan(&sync); err != nil {
		return fmt.Errorf("read synchronous setting: %w", err)
	}
	if mode != "wal" || sync < 2 {
		return fmt.Errorf("refusing to start: SQLite runs with journal_mode=%s synchronous=%d, and sending needs wal and 2 (FULL): a lost marker would mean a second send", mode, sync)
	}
	return nil
}

// OpenPostgres opens the database of the URL and refuses settings under which an acknowledged commit may be lost.
func OpenPostgres(ctx context.Context, databaseURL string) (*DB, error) {
	cfg, err := pgxpool.ParseConfig(databaseURL)
	if err != nil {
		return nil, fmt.Errorf("database URL: %w", err)
	}
	if !strings.Contains(databaseURL, "pool_max_conns") {
		cfg.MaxConns = 16
	}
	line := &lines{}
	line.configure(cfg)
	eachStatementTo(cfg.ConnConfig)
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	d := &DB{Pool: pool, lines: line}
	d.Read = openPool(pool)
	d.Write = d.Read
	if err := d.openByKey(ctx, cfg.Copy()); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	err = whileFull(ctx, func() error {
		if err := d.checkPostgres(ctx); err != nil {
			return err
		}
		return d.migrate(ctx, goose.DialectPostgres, migrations.Postgres, "postgres")
	})
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	d.sweep()
	d.describe()
	return d, nil
}

// openByKey makes the pool of TransactByKey: its connections plan a statement once, and only by index and in the index's order. Planning the
// engine's statements anew each time costs a quarter of them, and a plan that was made while a table was small must still be right when it is
// large. A bitmap or a sort would read all that waits in a lane for a page of it: the planner cannot know how short a page is.
func (d *DB) openByKey(ctx context.Context, cfg *pgxpool.Config) error {
	const fewAreEnough = 8 // two committers with one transaction each, and senders read a page now and then
	cfg.MaxConns, cfg.MinConns = min(cfg.MaxConns, fewAreEnough), 0
	ready := cfg.AfterConnect
	cfg.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		// Without jit=off the price put on a sequential scan would have PostgreSQL compile every statement.
		if _, err := conn.Exec(ctx, `SELECT set_config(name, value, FALSE) FROM (VALUES ('plan_cache_mode', 'force_generic_plan'), ('jit', 'off'),
			('enable_seqscan', 'off'), ('enable_bitmapscan', 'off'), ('enable_hashjoin', 'off'), ('enable_mergejoin', 'off'), ('enable_material', 'off'),
			('enable_sort', 'off'), ('max_parallel_workers_per_gather', '0')) s (name, value)`); err != nil {
			return err
		}
		return ready(ctx, conn)
	}
	var err error
	if d.keyed, err = pgxpool.NewWithConfig(ctx, cfg); err != nil {
		return fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	d.byKey = openPool(d.keyed)
	return nil
}

func (d *DB) checkPostgres(ctx context.Context) error {
	for _, name := range []string{"fsync", "full_page_writes", "synchronous_commit"} {
		var value string
		if err := d.Read.QueryRowContext(ctx, "SELECT current_setting($1)", name).Scan(&value); err != nil {
			return fmt.Errorf("read PostgreSQL setting %s: %w", name, err)
		}
		if value == "off" {
			return fmt.Errorf("refusing to start: PostgreSQL runs with %s=%s, and an acknowledged commit could be lost: a lost marker would mean a second send; set %s=on", name, value, name)
		}
	}
	return nil
}

func (d *DB) migrate(ctx context.Context, dialect goose.Dialect, files fs.FS, dir string) error {
	sub, err := fs.Sub(files, dir)
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	var opts []goose.ProviderOption
	if d.Postgres() {
		// One lock per schema: several installations, or test suites, in one database do not wait for each other.
		var schema string
		if err := d.Read.QueryRowContext(ctx, "SELECT COALESCE(current_schema(), '')").Scan(&schema); err != nil {
			return fmt.Errorf("read schema name: %w", err)
		}
		id := int64(crc32.ChecksumIEEE([]byte("overture migrations of " + schema)))
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockID(id), lock.WithLockTimeout(1, 300))
		if err != nil {
			return fmt.Errorf("migration lock: %w", err)
		}
		opts = append(opts, goose.WithSessionLocker(locker))
	}
	p, err := goose.NewProvider(dialect, d.Write, sub, opts...)
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	current, known, err := p.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read schema version: %w", err)
	}
	if current > known {
		return fmt.Errorf("refusing to start: the database has schema version %d and this program knows %d; run the newer program", current, known)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

// Close releases the pools and the file lock.
func (d *DB) Close() error {
	var errs []error
	errs = append(errs, d.keeper.close())
	d.sweeper.close()
	d.analyst.close()
	if d.Read != nil {
		errs = append(errs, d.Read.Close())
	}
	if d.Write != nil && d.Write != d.Read {
		errs = append(errs, d.Write.Close())
	}
	if d.byKey != nil {
		errs = append(errs, d.byKey.Close())
	}
	for _, pool := range []*pgxpool.Pool{d.Pool, d.keyed} {
		if pool != nil {
			pool.Close()
		}
	}
	if d.unlock != nil {
		d.unlock()
	}
	return errors.Join(errs...)
}

type alongside struct{}

// Alongside gives a context with which every Transact also runs f before it commits: either both take effect or neither. Idempotency
// records use it, so that a crash cannot separate an effect from the note that it happened.
func Alongside(ctx context.Context, f func(ctx context.Context, tx *sql.Tx) error) context.Context {
	return context.WithValue(ctx, alongside{}, f)
}

// Transact runs f in one transaction on the writer. Keep it short on SQLite: everybody else's writes wait. Database trouble comes back
// as overture.Unavailable; what f returns is passed through.
func (d *DB) Transact(ctx context.Context, f func(tx *sql.Tx) error) error {
	err := transact(ctx, d.Write, f)
	d.keeper.committed()
	return err
}

// TransactByKey is Transact for statements that find every row by an index: on PostgreSQL they are planned once per connection.
func (d *DB) TransactByKey(ctx context.Context, f func(tx *sql.Tx) error) error {
	if d.byKey == nil {
		return d.Transact(ctx, f)
	}
	return transact(ctx, d.byKey, f)
}

// ByKey is column = value of a join, in a form that PostgreSQL can only answer by looking each value up in the index that starts with the
// column. Of a plain equality, planned while the table was nearly empty, it makes a loop through the whole table for every row of the join,
// and keeps that plan when the table is full. A condition on a column outside of the index belongs beside it where nothing else is read:
// else the index alone would be walked through.
func (d *DB) ByKey(column, value string) string {
	if d.Postgres() {
		return column + " = ANY(ARRAY[" + value + "])"
	}
	return column + " = " + value
}

// QueryByKey is where the engine reads what finds every row by an index, as TransactByKey writes. The text is parsed once per connection;
// use it for texts that do not change.
func (d *DB) QueryByKey(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if d.byKey != nil {
		return d.byKey.QueryContext(ctx, query, args...)
	}
	known, ok := d.reads.Load(query)
	if !ok {
		stmt, err := d.Read.PrepareContext(ctx, query)
		if err != nil {
			return nil, fmt.Errorf("prepare: %w", err)
		}
		if known, ok = d.reads.LoadOrStore(query, stmt); ok {
			_ = stmt.Close()
		}
	}
	return known.(*sql.Stmt).QueryContext(ctx, args...) //nolint:forcetypeassert // only statements are stored
}

func transact(ctx context.Context, writer *sql.DB, f func(tx *sql.Tx) error) error {
	tx, err := writer.BeginTx(ctx, nil)
	if err != nil {
		return Trouble(fmt.Errorf("begin: %w", err))
	}
	err = f(tx)
	if also, ok := ctx.Value(alongside{}).(func(context.Context, *sql.Tx) error); ok && err == nil {
		err = also(ctx, tx)
	}
	if err != nil {
		_ = tx.Rollback() // the first error is the one that matters
		return Trouble(err)
	}
	if err := tx.Commit(); err != nil {
		return Trouble(fmt.Errorf("commit: %w", err))
	}
	return nil
}

// In gives the membership condition for a list of ids and its one argument, placed at $n.
// PostgreSQL: col = ANY($n); SQLite: col IN (SELECT value FROM json_each($n)). T is int64 or string.
func In[T ~int64 | ~string](d *DB, col string, n int, values []T) (condition string, arg any) {
	if d.Postgres() {
		return fmt.Sprintf("%s = ANY($%d)", col, n), values
	}
	b, _ := json.Marshal(values) // integers and strings always marshal
	return fmt.Sprintf("%s IN (SELECT value FROM json_each($%d))", col, n), string(b)
}

// ForShare and ForUpdate lock rows on PostgreSQL; SQLite's single writer needs no lock.
func (d *DB) ForShare() string {
	if d.Postgres() {
		return " FOR SHARE"
	}
	return ""
}

// ForUpdate locks the selected rows until the transaction ends (PostgreSQL).
func (d *DB) ForUpdate() string {
	if d.Postgres() {
		return " FOR UPDATE"
	}
	return ""
}

// IsUnique tells whether err is a violated unique index.
func IsUnique(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == "23505"
	}
	var lite *sqlite.Error
	return errors.As(err, &lite) && (lite.Code() == sqlitelib.SQLITE_CONSTRAINT_UNIQUE || lite.Code() == sqlitelib.SQLITE_CONSTRAINT_PRIMARYKEY)
}

// Trouble turns a database that is full, busy or gone into overture.Unavailable with words for the caller. Other errors pass unchanged.
func Trouble(err error) error {
	if err == nil {
		return nil
	}
	var known *overture.Error
	if errors.As(err, &known) {
		return err
	}
	say := func(code, message string) error {
		return &overture.Error{Kind: overture.Unavailable, Code: code, Message: message, Err: err}
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		switch lite.Code() & 0xff {
		case sqlitelib.SQLITE_FULL:
			return say("database_full", "the disk of the database is full; nothing was changed; free space and try again")
		case sqlitelib.SQLITE_BUSY, sqlitelib.SQLITE_LOCKED:
			return say("database_busy", "the database is busy; nothing was changed; try again in a moment")
		case sqlitelib.SQLITE_IOERR, sqlitelib.SQLITE_READONLY, sqlitelib.SQLITE_CANTOPEN:
			return say("database_gone", "the database cannot be written; nothing was changed; see the server's log")
		}
		return err
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch {
		case pg.Code == "53100":
			return say("database_full", "the disk of the database is full; nothing was changed; free space and try again")
		case pg.Code == "40001", pg.Code == "40P01", pg.Code == "55P03", pg.Code == "53300":
			return say("database_busy", "the database is busy; nothing was changed; try again in a moment")
		case strings.HasPrefix(pg.Code, "57P"), strings.HasPrefix(pg.Code, "08"), pg.Code == "25006":
			return say("database_gone", "the database is not available; try again in a moment")
		}
		return err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return say("database_slow", "the database did not answer in time; try again in a moment")
	}
	var connect *pgconn.ConnectError
	var wire *net.OpError
	if errors.As(err, &connect) || errors.Is(err, sql.ErrConnDone) || pgconn.SafeToRetry(err) || errors.As(err, &wire) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) {
		return say("database_gone", "the database is not available; try again in a moment")
	}
	return err
}

// Millis stores a time; the zero time is NULL.
func Millis(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}

// Time reads what Millis wrote.
func Time(ms sql.NullInt64) time.Time {
	if !ms.Valid {
		return time.Time{}
	}
	return time.UnixMilli(ms.Int64).UTC()
}
