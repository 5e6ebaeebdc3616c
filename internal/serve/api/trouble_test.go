package api_test

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"sync"
	"testing"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store"
	"github.com/overture-im/overture/internal/store/storetest"
)

// A database that is full, busy or gone: a clear answer, no partial effect, and everything works again afterwards.

func TestDatabaseFull(t *testing.T) {
	t.Parallel()
	if storetest.OnPostgres() {
		t.Skip("a full disk cannot be arranged on somebody else's server; store's own table of codes covers it")
	}
	w := newWorld(t)
	admin := w.as(w.a, overture.Administrator)
	db := w.store.DB().Write
	if _, err := db.ExecContext(t.Context(), `PRAGMA max_page_count = 1`); err != nil { // SQLite takes the present size as the limit
		t.Fatal(err)
	}
	refused := 0
	for i := 0; refused < 10 && i < 2000; i++ { // at first the free space inside the file is used up
		before := w.count(`SELECT COUNT(*) FROM skill`) + w.count(`SELECT COUNT(*) FROM audit`)
		got := w.do(admin, "POST", "/v1/skills", fmt.Sprintf(`{"name":"%d %s"}`, i, longName))
		after := w.count(`SELECT COUNT(*) FROM skill`) + w.count(`SELECT COUNT(*) FROM audit`)
		switch {
		case got.status == 201 && after == before+2:
		case got.status == 503 && got.field(t, "code") == "database_full" && got.header.Get("Retry-After") != "" && after == before:
			refused++
		default:
			t.Fatalf("full: %d %s with %d new rows", got.status, got.body, after-before)
		}
	}
	if refused == 0 {
		t.Fatal("the database was never full")
	}
	if _, err := db.ExecContext(t.Context(), `PRAGMA max_page_count = 1000000`); err != nil {
		t.Fatal(err)
	}
	w.want(201, w.do(admin, "POST", "/v1/skills", `{"name":"after"}`))
}

const longName = "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789" +
	"01234567890123456789012345678901234567890123456789012345678901234567890123456789"

func TestDatabaseBusy(t *testing.T) {
	t.Parallel()
	if storetest.OnPostgres() {
		t.Skip("writers of PostgreSQL do not wait for each other's transactions as a whole")
	}
	o := storetest.Options(t)
	w := worldOn(t, o)
	admin := w.as(w.a, overture.Administrator)
	if _, err := w.store.DB().Write.ExecContext(t.Context(), `PRAGMA busy_timeout = 10`); err != nil {
		t.Fatal(err)
	}
	other, err := sql.Open("sqlite", "file:"+filepath.Join(o.DataDir, "overture.db")+"?_txlock=immediate")
	w.must(err)
	defer other.Close()
	tx, err := other.BeginTx(t.Context(), nil)
	w.must(err)
	busy := w.do(admin, "POST", "/v1/skills", `{"name":"busy"}`)
	if busy.status != 503 || busy.field(t, "code") != "database_busy" || busy.header.Get("Retry-After") == "" {
		t.Errorf("busy: %d %s", busy.status, busy.body)
	}
	w.want(200, w.do(admin, "GET", "/v1/skills", "")) // reading goes on
	w.must(tx.Rollback())
	w.want(201, w.do(admin, "POST", "/v1/skills", `{"name":"busy"}`))
}

func TestDatabaseGone(t *testing.T) {
	t.Parallel()
	if !storetest.OnPostgres() {
		t.Skip("SQLite is in this process")
	}
	o := storetest.Options(t)
	line := newLine(t, &o)
	w := worldOn(t, o)
	admin := w.as(w.a, overture.Administrator)
	w.want(200, w.do(admin, "GET", "/v1/skills", ""))
	line.cut()
	for range 3 { // the first may find the old connections dead, later ones cannot connect
		got := w.do(admin, "POST", "/v1/skills", `{"name":"gone"}`, "Idempotency-Key", "gone")
		if got.status != 503 || got.header.Get("Retry-After") == "" {
			t.Errorf("gone: %d %s", got.status, got.body)
		}
	}
	line.join()
	var got answer
	for range 20 { // the pool may still hold a dead connection or two
		if got = w.do(admin, "POST", "/v1/skills", `{"name":"gone"}`, "Idempotency-Key", "gone"); got.status == 201 {
			break
		}
	}
	w.want(201, got)
	if n := w.skillsNamed("gone"); n != 1 {
		t.Errorf("%d skills, want 1", n)
	}
}

func worldOn(t testing.TB, o store.Options) *world {
	t.Helper()
	s, err := store.Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return newWorldOn(t, s)
}

// line is a TCP line to the database that can be cut.
type line struct {
	t      testing.TB
	target string
	at     string
	mu     sync.Mutex
	listen net.Listener
	open   []net.Conn
}

func newLine(t testing.TB, o *store.Options) *line {
	t.Helper()
	u, err := url.Parse(o.DatabaseURL)
	if err != nil {
		t.Fatal(err)
	}
	l := &line{t: t, target: u.Host, at: "127.0.0.1:0"}
	l.join()
	u.Host = l.at
	o.DatabaseURL = u.String()
	t.Cleanup(l.cut)
	return l
}

func (l *line) join() {
	listen, err := net.Listen("tcp", l.at) //nolint:noctx // a test's listener
	if err != nil {
		l.t.Fatal(err)
	}
	l.mu.Lock()
	l.listen, l.at = listen, listen.Addr().String()
	l.mu.Unlock()
	go func() {
		for {
			in, err := listen.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", l.target) //nolint:noctx // a test's connection
			if err != nil {
				_ = in.Close()
				continue
			}
			l.mu.Lock()
			l.open = append(l.open, in, out)
			l.mu.Unlock()
			go func() { _, _ = io.Copy(out, in); _ = out.Close() }()
			go func() { _, _ = io.Copy(in, out); _ = in.Close() }()
		}
	}()
}

func (l *line) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = l.listen.Close()
	for _, c := range l.open {
		_ = c.Close()
	}
	l.open = nil
}
