package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store"
	"github.com/overture-im/overture/internal/store/storetest"
)

// committed is a round of the engine on n queued messages, and the results of its marks.
type committed struct {
	t     *testing.T
	s     *store.Store
	lease overture.Lease
	lane  overture.Lane
}

func (c *committed) commit(marks []overture.Mark, settlements []overture.Settlement) overture.CommitResult {
	c.t.Helper()
	results, err := c.s.Commit(c.t.Context(), time.UnixMilli(2000), []overture.SenderWork{{
		Lease: c.lease, BrandID: c.lane.BrandID, AccountID: c.lane.AccountID, Channel: c.lane.Channel, Marks: marks, Settlements: settlements,
	}})
	if err != nil {
		c.t.Fatal(err)
	}
	return results[0]
}

func (c *committed) exec(query string) {
	c.t.Helper()
	if _, err := c.s.DB().Write.ExecContext(c.t.Context(), query); err != nil {
		c.t.Fatal(err)
	}
}

func (c *committed) count(what string) (n int) {
	c.t.Helper()
	if err := c.s.DB().Read.QueryRowContext(c.t.Context(), `SELECT COUNT(*) FROM `+what).Scan(&n); err != nil {
		c.t.Fatal(err)
	}
	return n
}

func manyMarks(n int) []overture.Mark {
	marks := make([]overture.Mark, n)
	for i := range marks {
		marks[i] = overture.Mark{
			Place:   overture.Place{LaneID: 70, Due: time.UnixMilli(1000), MessageID: overture.MessageID(i + 1)},
			Attempt: 1, Token: fmt.Sprintf("token%d", i+1), Address: overture.Address(fmt.Sprintf("+1%d", 2005550001+i)), LookupAt: time.UnixMilli(90_000),
		}
	}
	return marks
}

func acceptedOf(m overture.Mark) overture.Settlement {
	return overture.Settlement{
		Place: m.Place, Attempt: 1, Token: m.Token, StartedAt: time.UnixMilli(2000), Outcome: "accepted", State: overture.Accepted,
		ProviderID: fmt.Sprintf("SM%032d", m.MessageID), HTTPStatus: 201,
	}
}

// Many marks and many ordinary ends go through larger statements on SQLite. A row that is not as expected among them must be told from the
// others: marked already, taken out of the queue, past its window, settled under another epoch or token, ended otherwise.
func TestCommitOfManyTellsRowsApart(t *testing.T) {
	const n = 103 // 64, 16, 16, 4 and 3
	s, lease, lane := queued(t, n)
	c := &committed{t, s, lease, lane}
	c.exec(`INSERT INTO inflight (message_id, lane_id, sender_id, due_at, not_after, epoch, attempt, token, started_at, state, lookups, next_lookup_at)
		VALUES (5, 70, 3, 1000, 9000000000000, 0, 1, 'another', 1000, 'unknown', 0, 90000)`)
	c.exec(`DELETE FROM dispatch WHERE message_id = 70`)
	c.exec(`UPDATE dispatch SET not_after = 2000 WHERE message_id IN (80, 102)`)
	c.exec(`INSERT INTO opt_out (brand_id, channel, address, account_id, source, evidence, review, created_at) VALUES (2, 'sms', '+12005550010', 1, 'reply', '', FALSE, 0)`)
	marks := manyMarks(n)
	result := c.commit(marks, nil)
	want := map[overture.MessageID]overture.Verdict{5: overture.Gone, 70: overture.Gone, 80: overture.Gone, 102: overture.Gone, 10: overture.OptedOut}
	for i, m := range marks {
		if v := result.Verdicts[i]; v != want[m.MessageID] && (v != overture.Marked || want[m.MessageID] != 0) {
			t.Errorf("message %d: verdict %v, want %v", m.MessageID, v, want[m.MessageID])
		}
	}
	if got := c.count(`inflight WHERE epoch = 1`); got != n-5 {
		t.Fatalf("%d markers of this epoch, want %d", got, n-5)
	}
	var ends []overture.Settlement
	for i, m := range marks {
		if result.Verdicts[i] == overture.Marked {
			ends = append(ends, acceptedOf(m))
		}
	}
	c.exec(`UPDATE inflight SET epoch = 7 WHERE message_id = 20`)       // a new owner adopted it
	c.exec(`UPDATE inflight SET token = 'newer' WHERE message_id = 30`) // a newer attempt
	ends[49].Outcome, ends[49].State, ends[49].Reason = "refused", overture.Failed, "address_refused"
	failed := ends[49].MessageID
	if result = c.commit(nil, ends); result.Superseded != 2 {
		t.Errorf("%d settlements superseded, want 2", result.Superseded)
	}
	ok := len(ends) - 3
	for what, want := range map[string]int{
		`message WHERE state = 50 AND accepted_at = 2000 AND attempts = 1`: ok,
		fmt.Sprintf(`message WHERE state = 30 AND id = %d`, failed):        1,
		`attempt WHERE outcome = 'accepted' AND started_at = 2000`:         ok,
		`inflight`: 3, // the two superseded, and the one that was marked before
		`message m JOIN attempt a ON a.message_id = m.id AND a.provider_id = m.provider_id AND a.token = 'token' || CAST(m.id AS TEXT) WHERE m.state = 50`: ok,
		fmt.Sprintf(`campaign_count WHERE campaign_id = 7 AND state = 50 AND n = %d`, ok):                                                                  1,
		`dispatch`: n - 1 - 1 - ok - 1, // without the one that was gone, the one suppressed, and those that ended
	} {
		if got := c.count(what); got != want {
			t.Errorf("%d rows of %s, want %d", got, what, want)
		}
	}
	if result = c.commit(nil, ends); result.Superseded != len(ends) {
		t.Errorf("settled again: %d superseded, want all %d", result.Superseded, len(ends))
	}
}

// Dead markers slow every look at the table, and PostgreSQL's own vacuum comes once a minute at best.
func TestDeadMarkersAreSwept(t *testing.T) {
	if !storetest.OnPostgres() {
		t.Skip("SQLite leaves no dead rows")
	}
	s, lease, lane := queued(t, 1)
	c := &committed{t, s, lease, lane}
	ends := make([]overture.Settlement, 25_000) // all late: only their number counts
	for i, m := range manyMarks(len(ends)) {
		ends[i] = acceptedOf(m)
	}
	c.commit(nil, ends)
	swept := `pg_stat_user_tables WHERE schemaname = current_schema() AND relname = 'inflight' AND vacuum_count > 0`
	for deadline := time.Now().Add(20 * time.Second); c.count(swept) == 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nobody vacuumed the markers")
		}
	}
}
