package storetest_test

import (
	"context"
	"io/fs"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store"
	"github.com/overture-im/overture/internal/store/migrations"
	"github.com/overture-im/overture/internal/store/storetest"
)

// TestBothEnginesHaveTheSameSchema compares the two folders of migrations: same files, same tables, columns, keys and indexes.
func TestBothEnginesHaveTheSameSchema(t *testing.T) {
	names, err := fs.Glob(migrations.SQLite, "sqlite/*.sql")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	others, err := fs.Glob(migrations.Postgres, "postgres/*.sql")
	if err != nil || len(others) != len(names) {
		t.Fatalf("%d migrations for SQLite, %d for PostgreSQL (%v)", len(names), len(others), err)
	}
	types := strings.NewReplacer("BIGINT", "INTEGER", "SMALLINT", "INTEGER", "BOOLEAN", "INTEGER", "BYTEA", "BLOB",
		") WITH (fillfactor = 80);", ");", ") STRICT, WITHOUT ROWID;", ");", ") STRICT;", ");")
	for i, name := range names {
		a, b := lines(t, migrations.SQLite, name, types), lines(t, migrations.Postgres, others[i], types)
		for n := range max(len(a), len(b)) {
			if n >= len(a) || n >= len(b) || a[n] != b[n] {
				t.Fatalf("%s and %s differ from line %d on:\n%q\n%q", name, others[i], n+1, at(a, n), at(b, n))
			}
		}
	}
}

// storage parameters are PostgreSQL's own.
var storage = regexp.MustCompile(`^ALTER TABLE \w+ (SET|RESET) \(.*\);$`)

func lines(t *testing.T, files fs.FS, name string, types *strings.Replacer) []string {
	t.Helper()
	text, err := fs.ReadFile(files, name)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for line := range strings.Lines(types.Replace(string(text))) {
		if line = strings.Join(strings.Fields(line), " "); line != "" && !strings.HasPrefix(line, "-- ") && !storage.MatchString(line) {
			out = append(out, line)
		}
	}
	return out
}

func at(lines []string, n int) string {
	if n < len(lines) {
		return lines[n]
	}
	return "(nothing)"
}

// TestPlaceholdersMayBeUsedTwice fails on a driver that binds $N by first appearance instead of by number.
func TestPlaceholdersMayBeUsedTwice(t *testing.T) {
	s := storetest.Open(t)
	var got string
	if err := s.DB().Read.QueryRowContext(t.Context(), `SELECT CAST($2 AS TEXT) || ' ' || CAST($1 AS TEXT) || ' ' || CAST($2 AS TEXT)`, "one", "two").Scan(&got); err != nil {
		t.Fatal(err)
	}
	if got != "two one two" {
		t.Errorf("got %q", got)
	}
}

func TestANewerSchemaIsRefused(t *testing.T) {
	o := storetest.Options(t)
	s, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.DB().Write.ExecContext(t.Context(), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, TRUE)`); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, err = store.Open(t.Context(), o)
	if err == nil {
		_ = s.Close()
		t.Fatal("a database of a newer program was opened")
	}
	if !strings.Contains(err.Error(), "newer") {
		t.Errorf("the error does not say what to do: %v", err)
	}
}

func TestUnsafeDurabilityIsRefused(t *testing.T) {
	if !storetest.OnPostgres() {
		t.Skip("SQLite's settings are set by the program itself")
	}
	o := storetest.Options(t)
	o.DatabaseURL += "&synchronous_commit=off"
	s, err := store.Open(t.Context(), o)
	if err == nil {
		_ = s.Close()
		t.Fatal("a database that may lose acknowledged commits was opened")
	}
	if !strings.Contains(err.Error(), "synchronous_commit=on") {
		t.Errorf("the error does not say what to do: %v", err)
	}
}

// TestOneProcessPerDataDirectory and, on PostgreSQL, several at once: migrations take a lock.
func TestOpenedTwice(t *testing.T) {
	o := storetest.Options(t)
	if !storetest.OnPostgres() {
		s, err := store.Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if _, err := store.Open(t.Context(), o); overture.KindOf(err) != overture.Conflict {
			t.Errorf("a second process on the data directory: %v", err)
		}
		return
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			s, err := store.Open(context.WithoutCancel(t.Context()), o)
			if err != nil {
				t.Errorf("one of four nodes that start at once: %v", err)
				return
			}
			_ = s.Close()
		})
	}
	wg.Wait()
}
