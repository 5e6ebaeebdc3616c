package sqldb_test

import (
	"context"
	"net/url"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/overture-im/overture/internal/store/sqldb"
)

// Who opens a PostgreSQL that has no connection left, as an operator with the kill switch does, gets in when one becomes free.
func TestOpeningWaitsForAFreeConnection(t *testing.T) {
	databaseURL := os.Getenv("OVERTURE_TEST_POSTGRES")
	if databaseURL == "" {
		t.Skip("OVERTURE_TEST_POSTGRES names no PostgreSQL")
	}
	ctx := context.Background()
	owner, err := pgx.Connect(ctx, databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close(ctx)
	name := "overture_few_" + strconv.FormatInt(time.Now().UnixNano(), 36)
	exec := func(statement string) {
		t.Helper()
		if _, err := owner.Exec(ctx, statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	if _, err := owner.Exec(ctx, `CREATE ROLE `+name+` LOGIN PASSWORD 'few' CONNECTION LIMIT 3`); err != nil {
		t.Skipf("this user may not make a role with few connections: %v", err)
	}
	defer func() {
		exec(`DROP OWNED BY ` + name + ` CASCADE`)
		exec(`DROP ROLE ` + name)
	}()
	exec(`CREATE SCHEMA ` + name + ` AUTHORIZATION ` + name)

	u, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(name, "few")
	q := u.Query()
	q.Set("search_path", name)
	u.RawQuery = q.Encode()
	var taken []*pgx.Conn
	for range 3 {
		conn, err := pgx.Connect(ctx, u.String())
		if err != nil {
			t.Fatal(err)
		}
		taken = append(taken, conn)
	}
	const held = 500 * time.Millisecond
	time.AfterFunc(held, func() {
		for _, conn := range taken {
			_ = conn.Close(ctx)
		}
	})
	began := time.Now()
	db, err := sqldb.OpenPostgres(ctx, u.String())
	if err != nil {
		t.Fatalf("with a connection free after %v: %v", held, err)
	}
	if waited := time.Since(began); waited < held-50*time.Millisecond {
		t.Errorf("got in after %v although all connections were taken for %v", waited, held)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}
