package store_test

import (
	"database/sql"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/overture-im/overture/internal/store"
	"github.com/overture-im/overture/internal/store/storetest"
)

// A hundred people behind the list of a hundred thousand are read as a stretch of the index of their campaign: not by way of everybody else's
// rows, which kept the planner from a short campaign while a long one was planned, and not by sorting the whole list for every page.
func TestAShortListBehindALongOneIsReadByItsIndex(t *testing.T) {
	s := storetest.Open(t)
	const people = `INSERT INTO recipient (id, account_id, campaign_id, import_id, row_number, address, zones, zone_source, text, vars, segments)
		WITH RECURSIVE g (n) AS (SELECT %d UNION ALL SELECT n + 1 FROM g WHERE n < %d) SELECT n, 1, %d, 1, n, 'x', '', '', '', '', 1 FROM g`
	const messages = `INSERT INTO message (id, account_id, campaign_id, recipient_id, entry_id, sender_id, lane_id, leg, address, body, state, attempts, segments,
		provider_id, code, reason, updated_at) SELECT id, 1, campaign_id, id, 0, 1, 1, 0, 'x', '', 0, 0, 1, '', 0, '', 1 FROM recipient WHERE campaign_id = %d`
	for _, text := range []string{
		fmt.Sprintf(people, 1, 100_000, 1), fmt.Sprintf(messages, 1), `ANALYZE`, fmt.Sprintf(people, 100_001, 100_100, 2), fmt.Sprintf(messages, 2),
	} {
		if _, err := s.DB().Write.ExecContext(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
	texts := map[string]string{"plan": store.KeyedSQL(s)["plan"]}
	for name, outcomes := range map[string]bool{"forecast": false, "actual": true} {
		var err error
		if texts[name], err = store.OutcomesSQL(t.Context(), s, 2, outcomes); err != nil {
			t.Fatal(err)
		}
	}
	explain, want, campaigns := `EXPLAIN QUERY PLAN `, `USING INDEX recipient_campaign_id_id (campaign_id=? AND id>?)`, []string{"2"} // the long one may be read from the table
	if s.DB().Postgres() {
		explain, want, campaigns = `EXPLAIN `, `using recipient_campaign_id_id`, []string{"1", "2"}
	}
	byRecipient := regexp.MustCompile(`message_campaign_id_recipient_id_leg (\(campaign_id=\? AND recipient_id=\?|on message m[^\n]*\n *Index Cond: \(\(campaign_id = [^)]*\) AND \(recipient_id = r.id\))`)
	for name, text := range texts {
		for _, campaign := range campaigns {
			var plan strings.Builder
			err := s.DB().TransactByKey(t.Context(), func(tx *sql.Tx) error {
				asked := explain + strings.NewReplacer("$1", campaign, "$2", "0", "$3", "1", "$4", "250").Replace(text)
				if s.DB().Postgres() && name != "plan" { // its connections may do what those of the engine may not
					if _, err := tx.Exec(`SET LOCAL enable_seqscan = on; SET LOCAL enable_bitmapscan = on; SET LOCAL enable_material = on`); err != nil {
						return err
					}
				}
				if s.DB().Postgres() && name == "plan" {
					if _, err := tx.Exec(`PREPARE plan AS ` + text); err != nil {
						return err
					}
					defer tx.Exec(`DEALLOCATE plan`)
					asked = explain + `EXECUTE plan (` + campaign + `, 0, 1, 250)`
				}
				rows, err := tx.Query(asked)
				if err != nil {
					return err
				}
				defer rows.Close()
				columns, err := rows.Columns()
				if err != nil {
					return err
				}
				line := make([]any, len(columns))
				for i := range line {
					line[i] = new(sql.RawBytes)
				}
				for rows.Next() {
					if err := rows.Scan(line...); err != nil {
						return err
					}
					fmt.Fprintf(&plan, "%s\n", *line[len(line)-1].(*sql.RawBytes))
				}
				return rows.Err()
			})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			got := plan.String()
			if !strings.Contains(got, want) || strings.Contains(got, "Sort") || strings.Contains(got, "TEMP B-TREE") {
				t.Errorf("%s of campaign %s:\n%s", name, campaign, got)
			}
			if name == "actual" && !byRecipient.MatchString(got) {
				t.Errorf("%s of campaign %s walks through messages:\n%s", name, campaign, got)
			}
		}
	}
}
