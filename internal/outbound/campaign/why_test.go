package campaign_test

import (
	"strings"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/tz"
	"github.com/overture-im/overture/internal/outbound/campaign"
	"github.com/overture-im/overture/internal/outbound/policy"
	"github.com/overture-im/overture/internal/store"
	"github.com/overture-im/overture/internal/store/storetest"
)

// A verdict names the rule, its pack and the time-zone data that the message was planned under, not today's.
func TestWhyNamesTheRulesOfThatTime(t *testing.T) {
	options := storetest.Options(t)
	options.Rulings = policy.Rulings
	s, err := store.Open(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	h := joinHouse(t, s, "one")
	choose := func(p overture.Policy) {
		t.Helper()
		_, err := s.UpdateAccount(t.Context(), h.by, time.Now(), func(a *overture.Account) (string, error) { a.Settings.Policy = p; return "policy", nil })
		h.must(err)
	}
	reasons := func(c overture.Campaign, r overture.RecipientID) map[string]campaign.Reason {
		t.Helper()
		story, err := h.room.Story(t.Context(), h.by.AccountID, c.ID, r)
		h.must(err)
		out := map[string]campaign.Reason{}
		for _, r := range story.Why {
			out[r.Check+" "+r.Rule] = r
		}
		return out
	}

	// A draft tells what a launch now would do.
	draft := h.draft(nil)
	listed := h.list(draft, 1)
	choose(overture.Policy{Packs: []overture.PackRef{{Name: "us-states", Version: "2026.11"}, {Name: "countries", Version: "2026.11"}}, Cap: overture.Cap{Max: 2, Per: 24 * time.Hour}})
	if got := reasons(draft, listed[0]); got["policy us-states/2026.11/US-NY"].Pack != "us-states/2026.11" || got["cap account-cap/1"].Answer != campaign.Passes {
		t.Errorf("a draft: %+v", got)
	}

	c := h.launched(4)
	ids := h.plan(c, time.Now())
	people := h.recipients(c)
	h.exec(`UPDATE message SET rules_id = (SELECT rules_id FROM campaign WHERE id = $1) WHERE campaign_id = $1`, c.ID)
	choose(overture.Policy{}) // today's policy is another one
	h.end(ids[0], overture.Accepted, "")
	h.exec(`INSERT INTO rules (id, account_id, tzdata, policy, created_at) VALUES (77, $1, '2025c', '{"packs":[{"name":"us-states","version":"2026.11"}],"cap_max":2,"cap_hours":24}', 0)`, h.by.AccountID)
	h.exec(`UPDATE message SET rules_id = 77 WHERE id = $1`, ids[1])
	h.end(ids[1], overture.Suppressed, overture.ReasonCapped)
	h.end(ids[2], overture.Held, overture.ReasonNotProven)

	for i, want := range []struct {
		name, tzdata string
		message      campaign.Answer
		packs        int
	}{
		{"sent", tz.Version(), campaign.Passes, 2},
		{"capped", "2025c", campaign.Stops, 1},
		{"held", tz.Version(), campaign.Unclear, 2},
		{"queued", tz.Version(), campaign.Waits, 2},
	} {
		got, packs := reasons(c, people[i]), 0
		for _, r := range got {
			if r.Check != "policy" {
				continue
			}
			packs++
			if r.TZData != want.tzdata || r.Pack == "" || !strings.HasPrefix(r.Rule, r.Pack+"/") || r.Input["confidence"] == "" || r.Input["hours"] == "" {
				t.Errorf("%s: %+v", want.name, r)
			}
		}
		if packs != want.packs || got["message send-protocol/1"].Answer != want.message || got["window recipient-window/1"].TZData != want.tzdata {
			t.Errorf("%s: %d packs, message %s, window %+v", want.name, packs, got["message send-protocol/1"].Answer, got["window recipient-window/1"])
		}
	}

	// The person of the second message had two others before; why says how many and under which cap.
	accepted := time.Now().Add(-time.Hour).UnixMilli()
	for range 2 {
		other := h.launched(2)
		h.exec(`UPDATE message SET state = 50, accepted_at = $1 WHERE id = $2`, accepted, h.plan(other, time.Now())[1])
	}
	capReason := reasons(c, people[1])["cap account-cap/1"]
	if capReason.Answer != campaign.Stops || capReason.Input["had"] != "2" || capReason.Input["max"] != "2" || capReason.Input["period"] != "24 hours" {
		t.Errorf("cap: %+v", capReason)
	}
	if r := reasons(c, people[0])["cap account-cap/1"]; r.Answer != campaign.Passes || r.Input["had"] != "0" {
		t.Errorf("cap of a message that went: %+v", r)
	}
}

// closed hours and holidays are told in the words of the person's own clock.
func TestWhyNotNow(t *testing.T) {
	options := storetest.Options(t)
	options.Rulings = policy.Rulings
	s, err := store.Open(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	h := joinHouse(t, s, "one")
	_, err = s.UpdateAccount(t.Context(), h.by, time.Now(), func(a *overture.Account) (string, error) {
		a.Settings.Policy = overture.Policy{Packs: []overture.PackRef{{Name: "us-states", Version: "2026.11"}}}
		return "policy", nil
	})
	h.must(err)
	c := h.launched(1)
	people := h.recipients(c)
	h.exec(`UPDATE recipient SET address = '+12055550123', zones = 'Etc/GMT+6' WHERE id = $1`, people[0]) // Alabama: not on Sundays, not on holidays
	story, err := h.room.Story(t.Context(), h.by.AccountID, c.ID, people[0])
	h.must(err)
	local := time.Now().In(time.FixedZone("", -6*3600))
	for _, r := range story.Why {
		if r.Check != "policy" {
			continue
		}
		open := local.Weekday() != time.Sunday && local.Hour() >= 8 && local.Hour() < 20
		closed := r.Answer == campaign.Waits && strings.Contains(r.Words.String(), "closed")
		if r.Rule != "us-states/2026.11/US-AL" || r.Input["gap"] == "" || open == closed && !strings.Contains(r.Words.String(), "closed for") {
			t.Errorf("at %v: %+v", local, r)
		}
	}
}
