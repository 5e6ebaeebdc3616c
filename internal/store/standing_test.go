package store_test

import (
	"testing"
	"time"

	"github.com/overture-im/overture"
)

// What waits is told for one account and sender, and only what is due counts as late.
func TestStandingsTellWhatWaits(t *testing.T) {
	s, _, _ := queued(t, 5)
	now := time.UnixMilli(2000)
	for _, q := range []string{
		`INSERT INTO campaign (id, account_id, brand_id, name, channel, sender_id, skill_id, text, opt_out_text, smart_encoding, state, send_window, rate, lookback,
			policy, open_conversation, reason, recipient_count, list_hash, content_hash, created_by, created_at, updated_at, launched_at, planned_through, planning)
			VALUES (7, 1, 2, 'c', 'sms', 3, 0, '', '', FALSE, 'running', '{}', 1, 0, 'safe', 'skip', '', 5, '', '', 1, 1, 1, 1, 0, FALSE)`,
		`INSERT INTO lane (id, account_id, sender_id, campaign_id, kind, state, rate, weight) VALUES (71, 1, 3, 0, 'reply', 'open', 0, 1), (72, 1, 3, 9, 'campaign', 'paused', 0, 1)`,
		`INSERT INTO dispatch (lane_id, due_at, message_id, not_after) VALUES (71, 500, 901, 9000000000000), (72, 100, 902, 9000000000000)`,
	} {
		if _, err := s.DB().Write.ExecContext(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	all, err := s.SenderStandings(t.Context(), 1, 0, 10)
	if err != nil || len(all) != 1 {
		t.Fatalf("%+v (%v); want the account's one sender", all, err)
	}
	if x := all[0]; x.ID != 3 || x.Waiting != 5 || x.InDoubt != 0 || !x.FirstDue.Equal(time.UnixMilli(500)) {
		t.Errorf("waiting %d, in doubt %d, first due %v; want 5, 0 and 500 ms: a paused lane is not late", x.Waiting, x.InDoubt, x.FirstDue)
	}
	q, err := s.AccountQueue(t.Context(), 1, now)
	if err != nil || q.Waiting != 5 || !q.OldestDue.Equal(time.UnixMilli(500)) {
		t.Errorf("%+v (%v); want 5 waiting since 500 ms", q, err)
	}
	if q, err = s.AccountQueue(t.Context(), 1, time.UnixMilli(400)); err != nil || !q.OldestDue.IsZero() {
		t.Errorf("%+v (%v); nothing is due yet", q, err)
	}
	if q, err = s.AccountQueue(t.Context(), 2, now); err != nil || q != (overture.AccountQueue{}) {
		t.Errorf("another account sees %+v (%v)", q, err)
	}
	if all, err = s.SenderStandings(t.Context(), 2, 0, 10); err != nil || len(all) != 0 {
		t.Errorf("another account sees %+v (%v)", all, err)
	}
}
