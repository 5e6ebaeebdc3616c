package store_test

import (
	"testing"
	"time"
)

// What is queued is told by the counters of campaigns, and by the queue itself for answers and test sends, which have none.
func TestCensusCountsTheQueue(t *testing.T) {
	s, _, _ := queued(t, 5)
	for _, q := range []string{
		`INSERT INTO lane (id, account_id, sender_id, campaign_id, kind, state, rate, weight) VALUES (71, 1, 3, 0, 'reply', 'open', 0, 1)`,
		`INSERT INTO dispatch (lane_id, due_at, message_id, not_after) VALUES (71, 500, 901, 9000000000000), (71, 600, 902, 9000000000000)`,
	} {
		if _, err := s.DB().Write.ExecContext(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	c, err := s.Census(t.Context(), "nobody", time.UnixMilli(2000))
	if err != nil || c.Queued != 7 || !c.OldestDue.Equal(time.UnixMilli(500)) {
		t.Errorf("%d queued, the oldest due at %v (%v); want 7 and 500 ms", c.Queued, c.OldestDue, err)
	}
}

// A quarantine of a million marks them all: they are not counted at every look, and a few are.
func TestCensusDoesNotCountAllMarkersEachLook(t *testing.T) {
	s, _, _ := queued(t, 1)
	exec := func(query string) {
		t.Helper()
		if _, err := s.DB().Write.ExecContext(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	unknown := func() int {
		t.Helper()
		c, err := s.Census(t.Context(), "nobody", time.UnixMilli(2000))
		if err != nil {
			t.Fatal(err)
		}
		return c.Unknown
	}
	exec(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
		INSERT INTO inflight (message_id, sender_id, lane_id, due_at, not_after, epoch, attempt, token, state, lookups, started_at, next_lookup_at)
		SELECT 5000000 + i, 3, 5, 0, 0, 1, 1, '', 'unknown', 0, i, 9000000000000 FROM n`)
	if n := unknown(); n != 20_000 {
		t.Fatalf("%d unknown", n)
	}
	exec(`DELETE FROM inflight WHERE message_id > 5000100`)
	began := time.Now()
	if n := unknown(); n != 20_000 {
		t.Errorf("%d unknown: they were counted anew after %v", n, time.Since(began))
	}
	for n := 0; n != 100; time.Sleep(20 * time.Millisecond) {
		if n = unknown(); time.Since(began) > time.Minute {
			t.Fatalf("%d unknown after a minute", n)
		}
	}
}
