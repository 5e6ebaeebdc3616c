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

// The engine's connections plan a statement once, perhaps while the tables are nearly empty, or while much waits and little is in flight. Its joins
// must look up every row by key even then: a loop through the whole table for each row of a batch, which looks cheaper on a small table, or a sort of
// all that waits for each page of it, which looks cheaper to who does not know how short a page is, costs a core when there is work.
func TestStatementsPlannedOnSmallTablesLookUpByKey(t *testing.T) {
	for _, queued := range []int{0, 2, 240_000} {
		t.Run(fmt.Sprint(queued, " queued"), func(t *testing.T) { lookUpByKey(t, queued) })
	}
}

func lookUpByKey(t *testing.T, queued int) {
	t.Helper()
	s := storetest.Open(t)
	if !s.DB().Postgres() {
		return // SQLite joins in the order it finds best for the keys, and has no other join than the loop
	}
	analyze := `VACUUM ANALYZE`
	if queued > 1000 {
		analyze = `VACUUM` // as the nodes sweep: how many rows there are is known, and not in which order they lie
	}
	for _, text := range []string{
		fmt.Sprintf(`INSERT INTO dispatch (lane_id, due_at, message_id, not_after) SELECT 1, g * 7919 %% 1009, g, 1 FROM generate_series(1, %d) g`, queued),
		`INSERT INTO inflight (message_id, lane_id, sender_id, due_at, not_after, epoch, attempt, token, started_at, state, lookups, next_lookup_at)
			SELECT g, 1, 1, 1, 1, 1, 1, g::text, 1, 'attempting', 0, 1 FROM generate_series(1, 2) g`,
		fmt.Sprintf(`INSERT INTO message (id, account_id, campaign_id, recipient_id, entry_id, sender_id, lane_id, leg, address, body, state, attempts, segments,
			provider_id, code, reason, updated_at) SELECT g, 1, 1, g, 0, 1, 1, 0, g::text, '', 0, 0, 1, '', 0, '', 1 FROM generate_series(1, %d) g`, queued),
		fmt.Sprintf(`INSERT INTO attempt (message_id, n, token, epoch, started_at, ended_at, outcome, http_status, code, provider_id)
			SELECT g, 1, g::text, 1, 1, 1, 'accepted', 201, 0, g::text FROM generate_series(1, %d) g`, queued),
		analyze + ` dispatch, inflight, message, recipient`,
	} {
		if _, err := s.DB().Write.ExecContext(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
	parameter, scan := regexp.MustCompile(`\$(\d+)`), regexp.MustCompile(`(Seq|Index|Index Only) Scan .*on (dispatch|inflight|attempt|message|recipient|list_import)\b`)
	index, begins := regexp.MustCompile(`using (\w+) on`), map[string]string{} // its first column
	err := s.DB().Transact(t.Context(), func(tx *sql.Tx) error {
		return eachPair(tx, `SELECT i.indexrelid::regclass::text, a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]`,
			func(name, column string) { begins[name] = column })
	})
	if err != nil {
		t.Fatal(err)
	}
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
			given := ""
			if most > 0 {
				given = "(" + strings.TrimSuffix(strings.Repeat("NULL,", most), ",") + ")"
			}
			rows, err := tx.Query("EXPLAIN EXECUTE keyed_" + name + given)
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
			if strings.Contains(line, "Bitmap") || strings.Contains(line, "Gather") || (name == "due" || name == "plan") && strings.Contains(line, "Sort") {
				t.Errorf("%s reads all that waits for a page of it: %s\n%s", name, line, strings.Join(plan, "\n"))
			}
			if scan.MatchString(line) {
				if scans++; i+1 == len(plan) || !strings.Contains(plan[i+1], "Index Cond:") {
					t.Errorf("%s reads all of a table: %s\n%s", name, line, strings.Join(plan, "\n"))
				} else if used := index.FindStringSubmatch(line); used == nil || !regexp.MustCompile(`\b`+begins[used[1]]+`\b`).MatchString(plan[i+1]) {
					t.Errorf("%s walks through a whole index: %s\n%s", name, line, strings.Join(plan, "\n"))
				}
			}
		}
		if scans == 0 {
			t.Errorf("%s reads no table:\n%s", name, strings.Join(plan, "\n"))
		}
	}
}

func eachPair(tx *sql.Tx, query string, f func(a, b string)) error {
	rows, err := tx.Query(query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var a, b string
		if err := rows.Scan(&a, &b); err != nil {
			return err
		}
		f(a, b)
	}
	return rows.Err()
}
