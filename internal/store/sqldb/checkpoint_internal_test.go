package sqldb

import (
	"database/sql"
	"os"
	"testing"
	"time"
)

// The keeper moves the log into the database beside the writer, so that no commit has to, and the file does not grow while somebody writes on.
func TestTheKeeperEmptiesTheLogBesideTheWriter(t *testing.T) {
	dir := t.TempDir()
	d, err := OpenSQLite(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Write.ExecContext(t.Context(), `CREATE TABLE filler (id INTEGER PRIMARY KEY, x BLOB)`); err != nil {
		t.Fatal(err)
	}
	const page = 4096
	fill := func() {
		t.Helper()
		err := d.Transact(t.Context(), func(tx *sql.Tx) error {
			_, err := tx.ExecContext(t.Context(), `INSERT INTO filler (x) SELECT zeroblob(4000) FROM
				(WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) SELECT i FROM n)`)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	written := 0
	for began := time.Now(); written < 3*longLog && time.Since(began) < time.Minute; written += 500 {
		fill()
		time.Sleep(20 * time.Millisecond)
	}
	wal, err := os.Stat(dir + "/overture.db-wal")
	if err != nil {
		t.Fatal(err)
	}
	if pages := wal.Size() / page; pages > 2*longLog { // a busy machine gives the keeper few turns
		t.Errorf("the log grew to %d pages for %d written, want it begun anew at %d", pages, written, longLog)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	d.keeper.committed() // a commit that ends late is not in the way
}

func TestADatabaseWithoutAKeeperIsLeftAlone(t *testing.T) {
	var none *keeper
	none.committed()
	if err := none.close(); err != nil {
		t.Error(err)
	}
}
