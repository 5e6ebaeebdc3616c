package store_test

import (
	"database/sql"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/overture-im/overture/internal/store"
	"github.com/overture-im/overture/internal/store/storetest"
)

// The engine's connections plan a statement once, perhaps while the tables are nearly empty. Its joins must look up every row by key even then: a
// loop through the whole table for each row of a batch, which looks cheaper on a small table, costs a core when there is work.
func TestStatementsPlannedOnSmallTablesLookUpByKey(t *testing.T) {
	s := storetest.Open(t)
	if !s.DB().Postgres() {
		return // SQLite joins in the order it finds best for the keys, and has no other join than the loop
	}
	for _, text := range []string{
		`INSERT INTO dispatch (lane_id, due_at, message_id, not_after) SELECT 1, 1, g, 1 FROM generate_series(1, 2) g`,
		`INSERT INTO inflight (message_id, lane_id, sender_id, due_at, not_after, epoch, attempt, token, started_at, state, lookups, next_lookup_at)
			SELECT g, 1, 1, 1, 1, 1, 1, g::text, 1, 'attempting', 0, 1 FROM generate_series(1, 2) g`,
		`VACUUM ANALYZE dispatch, inflight, attempt, message, recipient`,
	} {
		if _, err := s.DB().Write.ExecContext(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
	parameter, scan := regexp.MustCompile(`\$(\d+)`), regexp.MustCompile(`(Seq|Index|Index Only) Scan .*on (dispatch|inflight|attempt|message|recipient)\b`)
	for name, text := range store.KeyedSQL(s) {
		most := 0
		for _, found := range parameter.FindAllStringSubmatch(text, -1) {
			n, _ := strconv.Atoi(found[1])
			most = max(most, n)
		}
		var plan []string
		err := s.DB().TransactByKey(t.Context(), func(tx *sql.Tx) error {
			if _, err := tx.Exec(fmt.Sprintf("PREPARE keyed_%s AS %s", name, text)); err != nil {
				return err
			}
			rows, err := tx.Query(fmt.Sprintf("EXPLAIN EXECUTE keyed_%s(%s)", name, strings.TrimSuffix(strings.Repeat("NULL,", most), ",")))
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				var line string
				if err := rows.Scan(&line); err != nil {
					return err
				}
				plan = append(plan, line)
			}
			return rows.Err()
		})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		scans := 0
		for i, line := range plan {
			if strings.Contains(line, "Materialize") {
				t.Errorf("%s walks through a whole table for each row:\n%s", name, strings.Join(plan, "\n"))
			}
			if scan.MatchString(line) {
				if scans++; i+1 == len(plan) || !strings.Contains(plan[i+1], "Index Cond:") {
					t.Errorf("%s reads all of a table: %s\n%s", name, line, strings.Join(plan, "\n"))
				}
			}
		}
		if scans == 0 {
			t.Errorf("%s reads no table:\n%s", name, strings.Join(plan, "\n"))
		}
	}
}
