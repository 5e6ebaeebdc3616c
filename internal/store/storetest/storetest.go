// Package storetest opens a fresh, migrated store for a test: SQLite in a temporary folder, or PostgreSQL in a schema of its own when
// OVERTURE_TEST_POSTGRES holds a URL. Every stateful test uses it, so the same suites prove both engines.
package storetest

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store"
	"github.com/overture-im/overture/internal/store/migrations"
)

// Env names the PostgreSQL to test on, for example postgres://postgres@127.0.0.1:5432/postgres.
const Env = "OVERTURE_TEST_POSTGRES"

// Open gives an empty store that is removed when the test ends.
func Open(t testing.TB) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), Options(t))
	if err != nil {
		t.Fatalf("open store: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close store: %v", err)
		}
	})
	return s
}

// Options names a fresh database on the engine under test, for tests that open it themselves or pass it to a real process.
func Options(t testing.TB) store.Options {
	t.Helper()
	base := os.Getenv(Env)
	if base == "" {
		return store.Options{DataDir: t.TempDir(), Sealer: Plain{}}
	}
	return store.Options{DatabaseURL: schemaURL(t, base), Sealer: Plain{}}
}

// OnPostgres tells which engine the suite runs on.
func OnPostgres() bool { return os.Getenv(Env) != "" }

func schemaURL(t testing.TB, base string) string {
	t.Helper()
	url, drop, err := store.ScratchSchema(context.Background(), base)
	if err != nil {
		t.Fatalf("PostgreSQL of %s: %v", Env, err)
	}
	t.Cleanup(drop)
	return url
}

// Plain is a Sealer for tests: it marks instead of encrypting, and still refuses a ciphertext moved to another row.
type Plain struct{}

// Seal marks the secret with what it is bound to.
func (Plain) Seal(plain overture.Secret, bound string) (string, error) {
	return bound + "|" + plain.Reveal(), nil
}

// Open refuses what was bound to something else.
func (Plain) Open(sealed, bound string) (overture.Secret, error) {
	value, ok := strings.CutPrefix(sealed, bound+"|")
	if !ok {
		return "", overture.ErrInvalid("sealed_elsewhere", "the secret was sealed for another row")
	}
	return overture.Secret(value), nil
}

// Backfill does again what the migrations did with the messages of an older program, for tests that write rows by hand: stops, and the
// counters of what was sent.
func Backfill(t testing.TB, s *store.Store) {
	t.Helper()
	text, err := migrations.SQLite.ReadFile("sqlite/00003_console.sql")
	if err != nil {
		t.Fatal(err)
	}
	up, _, _ := strings.Cut(string(text), "-- +goose Down")
	for _, statement := range strings.SplitAfter("DELETE FROM sent_count;\n"+up, ";\n") {
		for strings.HasPrefix(statement, "--") {
			_, statement, _ = strings.Cut(statement, "\n")
		}
		if strings.HasPrefix(statement, "UPDATE message") || strings.Contains(statement, " sent_count") && !strings.HasPrefix(statement, "CREATE") {
			if _, err := s.DB().Write.ExecContext(t.Context(), statement); err != nil {
				t.Fatalf("%s: %v", statement, err)
			}
		}
	}
}
