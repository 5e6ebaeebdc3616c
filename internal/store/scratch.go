package store

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/url"

	"github.com/jackc/pgx/v5"
)

// ScratchSchema makes a schema with a random name in a PostgreSQL database and returns a URL that lives in it, and a function that drops it.
// Tests, torture and figures use it, so that they neither see nor leave anything.
func ScratchSchema(ctx context.Context, base string) (databaseURL string, drop func(), err error) {
	u, err := url.Parse(base)
	if err != nil {
		return "", nil, fmt.Errorf("database URL: %w", err)
	}
	var random [6]byte
	_, _ = rand.Read(random[:]) // crypto/rand never fails
	schema := "scratch_" + hex.EncodeToString(random[:])
	run := func(ctx context.Context, statement string) error {
		conn, err := pgx.Connect(ctx, base)
		if err != nil {
			return fmt.Errorf("connect to PostgreSQL: %w", err)
		}
		defer conn.Close(ctx)
		_, err = conn.Exec(ctx, statement)
		return err
	}
	if err := run(ctx, "CREATE SCHEMA "+schema); err != nil {
		return "", nil, err
	}
	q := u.Query()
	q.Set("search_path", schema)
	q.Set("pool_max_conns", "8")
	u.RawQuery = q.Encode()
	return u.String(), func() { _ = run(context.WithoutCancel(ctx), "DROP SCHEMA "+schema+" CASCADE") }, nil
}
