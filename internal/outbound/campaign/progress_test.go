package campaign_test

import (
	"strings"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/outbound/campaign"
	"github.com/overture-im/overture/internal/store/storetest"
)

// In every phase the counts add up to the list, and the reason says what a person wants to know.
func TestProgressSaysWhyNothingMoves(t *testing.T) {
	newYork, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Skip("this machine has no time zones")
	}
	day := time.Now().In(newYork).AddDate(0, 0, 1)
	opens := time.Date(day.Year(), day.Month(), day.Day(), 8, 0, 0, 0, newYork)
	for _, tc := range []struct {
		name    string
		prepare func(h *house, c overture.Campaign)
		waiting int
		reason  string
	}{
		{"not planned yet", func(*house, overture.Campaign) {}, 4, "being given their times"},
		{"paused", func(h *house, c overture.Campaign) {
			h.plan(c, time.Now().Add(-time.Minute))
			_, err := h.room.Pause(h.t.Context(), h.by, c.ID, "lunch")
			h.must(err)
		}, 4, "paused by Manager one: lunch"},
		{"canceled in quarantine", func(h *house, c overture.Campaign) { // it may have been sent in the lost time: nothing ends as canceled
			h.plan(c, time.Now().Add(-time.Minute))
			h.must(h.store.BeginQuarantine(h.t.Context(), overture.QuarantineOrder{Since: time.Now().Add(-time.Hour), Reason: "a test"}, time.Now()))
			_, err := h.room.Cancel(h.t.Context(), h.by, c.ID, "wrong list")
			h.must(err)
			open, err := h.store.CampaignsToEmpty(h.t.Context())
			h.must(err)
			if len(open) > 0 {
				h.t.Errorf("%d campaigns are to be emptied in quarantine", len(open))
			}
		}, 4, "the rest is canceled when an operator releases it"},
		{"sender stopped", func(h *house, c overture.Campaign) {
			h.plan(c, time.Now().Add(-time.Minute))
			h.must(h.store.SetSenderStopped(h.t.Context(), h.by, h.sender, true, "credentials refused (20003)", time.Now()))
		}, 4, "the sender is stopped: credentials refused (20003)"},
		{"no server", func(h *house, c overture.Campaign) {
			h.plan(c, time.Now().Add(-time.Minute))
			h.exec(`UPDATE campaign SET updated_at = updated_at - 60000 WHERE id = $1`, c.ID)
		}, 4, "no running server"},
		{"moving", func(h *house, c overture.Campaign) {
			h.plan(c, time.Now().Add(-time.Minute))
			h.lease(time.Now().Add(time.Minute))
		}, 4, ""},
		{"window", func(h *house, c overture.Campaign) {
			ids := h.plan(c, opens)
			h.end(ids[0], overture.Accepted, "")
			h.exec(`UPDATE dispatch SET due_at = due_at + 3600000 WHERE message_id = $1`, ids[3])
			h.lease(time.Now().Add(time.Minute))
		}, 3, "2 recipients wait for 08:00 in America/New_York; 1 more waits for later"},
		{"throttled", func(h *house, c overture.Campaign) {
			for _, id := range h.plan(c, time.Now().Add(time.Minute)) {
				h.exec(`INSERT INTO attempt (message_id, n, token, epoch, started_at, ended_at, outcome, http_status, code, provider_id)
					VALUES ($1, 1, '', 1, 1, 1, 'throttled', 429, 20429, '')`, id)
				h.exec(`UPDATE message SET attempts = 1 WHERE id = $1`, id)
			}
		}, 4, "the provider asks to slow down"},
		{"unknown", func(h *house, c overture.Campaign) {
			ids := h.plan(c, time.Now().Add(-time.Minute))
			for _, id := range ids[:3] {
				h.end(id, overture.Accepted, "")
			}
			h.fly(ids[3], "unknown")
			h.exec(`DELETE FROM dispatch WHERE message_id = $1`, ids[3])
		}, 1, "1 message waits for the provider's own record"},
		{"over", func(h *house, c overture.Campaign) {
			for _, id := range h.plan(c, time.Now()) {
				h.end(id, overture.Accepted, "")
			}
		}, 0, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := newHouse(t)
			c := h.launched(4)
			h.exec(`UPDATE campaign SET send_window = '{"Days":[{"From":480,"To":1260},{"From":480,"To":1260},{"From":480,"To":1260},{"From":480,"To":1260},{"From":480,"To":1260},{"From":480,"To":1260},{"From":480,"To":1260}],"Holidays":null}' WHERE id = $1`, c.ID)
			tc.prepare(h, c)
			p, err := h.room.Progress(t.Context(), h.by.AccountID, c.ID)
			h.must(err)
			if p.Counts.Total() != 4 || p.Recipients != 4 || p.Waiting != tc.waiting {
				t.Errorf("counts %v of %d recipients, %d waiting; want %d", p.Counts, p.Recipients, p.Waiting, tc.waiting)
			}
			if (tc.reason == "") != p.StalledReason.IsZero() || !strings.Contains(p.StalledReason.String(), tc.reason) {
				t.Errorf("reason %q, want %q", p.StalledReason, tc.reason)
			}
			if tc.name == "window" && (p.WaitingForWindow != 3 || !p.NextDueAt.Equal(opens) || !p.FinishAt.After(opens.Add(time.Hour))) {
				t.Errorf("waiting for window %d, next %v, finish %v", p.WaitingForWindow, p.NextDueAt, p.FinishAt)
			}
			if tc.name == "over" && (!p.FinishAt.IsZero() || p.Accepted != 4) {
				t.Errorf("over: finish %v, accepted %d", p.FinishAt, p.Accepted)
			}
		})
	}
}

func (h *house) lease(until time.Time) {
	h.t.Helper()
	h.exec(`INSERT INTO sender_lease (sender_id, owner, epoch, expires_at) VALUES ($1, 'node', 1, $2)`, h.sender, until.UnixMilli())
}

// Finish time: what is due now, then each later group in its turn, at the configured rate.
func TestFinishTime(t *testing.T) {
	h := newHouse(t)
	c := h.launched(20) // one segment each, one per second
	h.plan(c, time.Now().Add(-time.Minute))
	p, err := h.room.Progress(t.Context(), h.by.AccountID, c.ID)
	h.must(err)
	if left := time.Until(p.FinishAt); left < 15*time.Second || left > 25*time.Second {
		t.Errorf("20 messages at 1 per second finish in %v", left)
	}
}

// Replies and opt-outs are those matched to the campaign's own messages.
func TestProgressCountsAnswers(t *testing.T) {
	h := newHouse(t)
	c := h.launched(4)
	ids := h.plan(c, time.Now())
	for i, id := range ids {
		h.end(id, overture.Accepted, "")
		if i < 3 {
			h.exec(`UPDATE message SET replied_at = $1 WHERE id = $2`, time.Now().UnixMilli(), id)
		}
	}
	for i, wish := range []string{"", "stop", "stop"} {
		h.exec(`INSERT INTO inbound (id, account_id, sender_id, provider, provider_id, from_address, to_address, body, media, opt_out_type, city, country, wish, alone, message_id, received_at)
			VALUES ($1, $2, $3, 'twilio', $4, $5, '', '', 0, '', '', '', $6, TRUE, $7, 1)`, h.store.NewID(), h.by.AccountID, h.sender, string(rune('a'+i)), "+1", wish, ids[i])
	}
	storetest.Backfill(t, h.store)
	p, err := h.room.Progress(t.Context(), h.by.AccountID, c.ID)
	h.must(err)
	if p.Replied != 3 || p.OptedOut != 2 {
		t.Errorf("%d replied, %d opted out; want 3 and 2", p.Replied, p.OptedOut)
	}
}

// Speed over 10 seconds and over a minute from what was observed, without a clock of its own.
func TestSpeed(t *testing.T) {
	s := campaign.NewSpeed()
	id := overture.CampaignID(1)
	start := time.UnixMilli(1_800_000_000_000)
	if _, ok := s.Rate(id, 10*time.Second, start); ok {
		t.Error("a rate without observations")
	}
	for i := range 61 { // 2 per second for 30 s, then 5 per second
		n := i * 2
		if i > 30 {
			n = 60 + (i-30)*5
		}
		s.Observe(id, n, start.Add(time.Duration(i)*time.Second))
	}
	now := start.Add(60 * time.Second)
	for span, want := range map[time.Duration]float64{10 * time.Second: 5, 60 * time.Second: 3.5} {
		if got, ok := s.Rate(id, span, now); !ok || got < want-0.01 || got > want+0.01 {
			t.Errorf("over %v: %v %v, want %v", span, got, ok, want)
		}
	}
	if _, ok := s.Rate(id, 10*time.Second, now.Add(time.Minute)); ok {
		t.Error("a rate from observations that are too old")
	}
}

// The story of one recipient: every check in its order, with input, rule version and verdict.
func TestStory(t *testing.T) {
	h := newHouse(t)
	c := h.launched(3)
	ids := h.plan(c, time.Now())
	recipients := h.recipients(c)
	h.end(ids[0], overture.Accepted, "")
	h.exec(`INSERT INTO receipt (message_id, state, code, provider_id, received_at) VALUES ($1, 70, 0, 'SM1', $2)`, ids[0], time.Now().Add(time.Second).UnixMilli())
	h.end(ids[1], overture.Suppressed, overture.ReasonOptedOut)
	_, err := h.store.OptOut(t.Context(), h.by, overture.OptOut{
		AccountID: h.by.AccountID, BrandID: h.brand, Channel: overture.SMS, Address: "+12125550001",
		Source: overture.OptOutKeyword, Evidence: "STOP", CreatedAt: time.Now(),
	})
	h.must(err)
	order := "campaign stop sender text opt_out open_conversation validity window policy cap rate message"
	for i, want := range []map[string]campaign.Answer{
		{"message": campaign.Passes, "window": campaign.Passes, "opt_out": campaign.Passes, "text": campaign.Passes},
		{"message": campaign.Stops, "opt_out": campaign.Stops},
		{"message": campaign.Waits, "campaign": campaign.Passes, "window": campaign.Passes},
	} {
		story, err := h.room.Story(t.Context(), h.by.AccountID, c.ID, recipients[i])
		h.must(err)
		var names []string
		for _, r := range story.Why {
			names = append(names, r.Check)
			if r.Rule == "" || r.Words.IsZero() || r.Answer == "" || r.Input == nil || r.Decided.IsZero() {
				t.Errorf("recipient %d: check %+v is incomplete", i, r)
			}
			if w, ok := want[r.Check]; ok && r.Answer != w {
				t.Errorf("recipient %d: %s %s (%s), want %s", i, r.Check, r.Answer, r.Words, w)
			}
		}
		if got := strings.Join(names, " "); got != order {
			t.Errorf("order %q, want %q", got, order)
		}
		if string(story.Text) != "Your plan ends soon. "+overture.OptOutTextDefault {
			t.Errorf("text %q", string(story.Text))
		}
	}
	story, err := h.room.Story(t.Context(), h.by.AccountID, c.ID, recipients[0])
	h.must(err)
	var kinds []string
	for _, m := range story.Timeline {
		kinds = append(kinds, m.Kind)
	}
	if got := strings.Join(kinds, " "); got != "launched attempt receipt" {
		t.Errorf("timeline %q", got)
	}
	if _, err := h.room.Story(t.Context(), h.by.AccountID, c.ID, 12345); kind(err) != overture.NotFound {
		t.Errorf("unknown recipient: %v", err)
	}
}

func (h *house) recipients(c overture.Campaign) (ids []overture.RecipientID) {
	h.t.Helper()
	rows, err := h.store.DB().Read.QueryContext(h.t.Context(), `SELECT id FROM recipient WHERE campaign_id = $1 ORDER BY id`, c.ID)
	h.must(err)
	defer rows.Close()
	for rows.Next() {
		var id overture.RecipientID
		h.must(rows.Scan(&id))
		ids = append(ids, id)
	}
	h.must(rows.Err())
	return ids
}
