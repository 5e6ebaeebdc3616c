package campaign_test

import (
	"slices"
	"testing"
	"time"

	"github.com/overture-im/overture"
)

// broken names the rules that verify finds broken, with what they say.
func (h *house) broken() (says []string) {
	h.t.Helper()
	found, err := h.store.BrokenInvariants(h.t.Context())
	h.must(err)
	for _, f := range found {
		says = append(says, f.Rule+": "+f.Says)
	}
	return says
}

// A mark before midnight that came to nothing after it is given back to the day that it took from, not to the next.
func TestTheDayOfTheMarkGetsBack(t *testing.T) {
	h := newHouse(t)
	midnight := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	h.limit(func(r *overture.Rails) { r.SegmentsPerDay = 10 })
	c := h.railed(20, overture.CampaignRails{}, 0)
	ids := h.plan(c, midnight.Add(-time.Hour))
	h.exec(`UPDATE dispatch SET not_after = not_after + 86400000`)
	before := h.tries(midnight.Add(-time.Second), ids[:10])
	after := h.tries(midnight.Add(time.Second), ids[10:14])
	if len(before) != 10 || len(after) != 4 {
		t.Fatalf("%d and %d marked", len(before), len(after))
	}
	h.settle(midnight.Add(2*time.Second), append(slices.Clone(before[:3]), after[0]), overture.Queued, "throttled")
	for day, want := range map[time.Time]int64{midnight.Add(-time.Second): 7, midnight: 3} {
		if n := h.number(`SELECT spent FROM account_spend WHERE account_id = $1 AND day = $2`, h.by.AccountID, day.Unix()/86400); n != want {
			t.Errorf("%d segments spent on %s, want %d", n, day.Format(time.DateOnly), want)
		}
	}
	// A quarantine starts the clock of a marker anew and does not move its mark to another day.
	h.exec(`UPDATE inflight SET since = started_at, started_at = $1 WHERE message_id = $2`, midnight.Add(time.Minute).UnixMilli(), before[3].MessageID)
	h.settle(midnight.Add(2*time.Minute), before[3:4], overture.Queued, "absent")
	if n := h.number(`SELECT spent FROM account_spend WHERE day = $1`, midnight.Unix()/86400-1); n != 6 {
		t.Errorf("%d segments spent on the first day, want 6", n)
	}
}

// Old numbers are forgotten until none is left, not one chunk a minute.
func TestOldNumbersAreForgottenToTheLast(t *testing.T) {
	h := newHouse(t)
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	hour := now.Unix() / 3600
	h.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4500)
		INSERT INTO prefix_touch (account_id, prefix, address, hour) SELECT CAST($1 AS BIGINT), '1212', CAST(i AS TEXT), CAST($2 AS BIGINT) FROM n`, h.by.AccountID, hour-26)
	h.exec(`INSERT INTO prefix_touch (account_id, prefix, address, hour) VALUES ($1, '1212', 'needed', $2)`, h.by.AccountID, hour-25)
	h.must(h.store.ForgetTouches(t.Context(), now))
	if n := h.number(`SELECT COUNT(*) FROM prefix_touch`); n != 1 {
		t.Errorf("%d numbers left, want the one of the last 25 hours", n)
	}
}

// Verify sees an attempt during a pause by a guard rail, and a count of resends that its attempts do not bear out.
func TestVerifyKnowsTheRails(t *testing.T) {
	h := newHouse(t)
	now := time.Now().Add(-time.Hour).Truncate(time.Second)
	c := h.railed(4, overture.CampaignRails{}, 0)
	h.exec(`UPDATE campaign SET policy = 'must_reach', launch_at = $1`, now.Add(-time.Hour).UnixMilli())
	marked := h.tries(now, h.plan(c, now.Add(-time.Minute)))
	h.settle(now, marked[:2], overture.Queued, "resent_without_proof")
	h.settle(now, marked[2:], overture.Accepted, "accepted")
	if says := h.broken(); len(says) != 0 {
		t.Fatalf("verify of what holds: %v", says)
	}
	h.exec(`UPDATE lane SET resent = 1`)
	if says := h.broken(); len(says) != 1 || says[0] != "I16: a lane's count of messages sent again without proof equals a recount of its attempts" {
		t.Errorf("verify of a wrong count of resends: %v", says)
	}
	h.exec(`UPDATE lane SET resent = 2`)
	done, err := h.store.PauseByItself(t.Context(), h.read(c), "failed", "too many failed", now.Add(10*time.Second))
	if err != nil || !done {
		t.Fatal(done, err)
	}
	if says := h.broken(); len(says) != 0 {
		t.Fatalf("verify after a pause: %v", says)
	}
	h.exec(`UPDATE attempt SET started_at = $1 WHERE message_id = $2`, now.Add(20*time.Second).UnixMilli(), marked[3].MessageID)
	if says := h.broken(); len(says) != 1 || says[0][:3] != "I10" {
		t.Errorf("verify of an attempt during a pause by a guard rail: %v", says)
	}
}

// A campaign writes to no more numbers of one prefix in 24 hours than the account allows, is paused by it, and goes on a day later.
func TestCampaignWritesToFewNumbersOfAPrefix(t *testing.T) {
	h := newHouse(t)
	now := time.Date(2026, 3, 1, 12, 30, 0, 0, time.UTC)
	h.limit(func(r *overture.Rails) { r.CampaignPrefixPerDay = 4 })
	c := h.railed(10, overture.CampaignRails{}, 0)
	ids := h.plan(c, now.Add(-time.Minute))
	h.exec(`UPDATE dispatch SET not_after = not_after + 172800000`)
	marked := h.tries(now, ids)
	if len(marked) != 4 {
		t.Fatalf("%d marked, want 4", len(marked))
	}
	h.must(h.guard().Once(t.Context(), now))
	if got := h.read(c); got.State != overture.Paused || got.Watch.PausedBy != overture.BarrierPrefix {
		t.Errorf("%s by %q", got.State, got.Watch.PausedBy)
	}
	h.settle(now, marked, overture.Accepted, "accepted")
	_, err := h.room.Resume(t.Context(), h.by, c.ID)
	h.must(err)
	if n := len(h.tries(now.Add(22*time.Hour), ids[4:])); n != 0 {
		t.Errorf("%d new numbers within the 24 hours", n)
	}
	h.exec(`UPDATE lane SET barrier = ''`)
	if n := len(h.tries(now.Add(25*time.Hour), ids[4:])); n != 4 {
		t.Errorf("%d new numbers a day later, want 4", n)
	}
}
