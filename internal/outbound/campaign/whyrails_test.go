package campaign_test

import (
	"strings"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/outbound/campaign"
)

// why gives what one check says about a recipient of a campaign, and whether it was asked at all.
func (h *house) why(c overture.Campaign, n int, check string) (r campaign.Reason, asked bool) {
	h.t.Helper()
	story, err := h.room.Story(h.t.Context(), h.by.AccountID, c.ID, h.recipients(c)[n])
	h.must(err)
	for _, r := range story.Why {
		if r.Check == check {
			return r, true
		}
	}
	return r, false
}

// A message that is not out yet says which stop or guard rail keeps it back; one that has gone is kept back by none.
func TestWhyNamesTheRail(t *testing.T) {
	h := newHouse(t)
	now := time.Now()
	expect := func(c overture.Campaign, n int, check string, want campaign.Answer, words string) {
		t.Helper()
		r, asked := h.why(c, n, check)
		if !asked || r.Answer != want || !strings.Contains(r.Words.String(), words) || r.Rule == "" || r.Decided.IsZero() {
			t.Errorf("%s: asked %v, %+v, want %s %q", check, asked, r, want, words)
		}
	}
	plain := h.railed(3, overture.CampaignRails{}, 0)
	expect(plain, 0, "stop", campaign.Passes, "nobody stopped")
	for _, check := range []string{"quarantine", "undo", "canary", "spend", "prefix"} {
		if r, asked := h.why(plain, 0, check); asked {
			t.Errorf("a campaign without it is asked about %s: %+v", check, r)
		}
	}
	expect(h.railed(1, overture.CampaignRails{}, 600), 0, "undo", campaign.Waits, "can be undone until")

	h.prices("USD", sms("1", 8_000))
	c := h.railed(12, overture.CampaignRails{Canary: overture.Canary{Recipients: 2, WaitMinutes: 5}, Segments: 5, Spend: 80_000}, 0)
	ids := h.plan(c, now.Add(-time.Minute))
	expect(c, 5, "canary", campaign.Waits, "only the first 2 go before the canary's verdict, and 2 of them are left")
	expect(c, 5, "spend", campaign.Passes, "left: 5 of 5 segments, 0.08 of 0.08 USD")
	h.settle(now, h.tries(now, ids), overture.Accepted, "accepted")
	g := h.guard()
	h.must(g.Once(t.Context(), now))
	expect(c, 5, "canary", campaign.Waits, "the canary of 2 went out; the others go at")
	expect(c, 0, "canary", campaign.Passes, "the canary of 2 went out")
	h.must(g.Once(t.Context(), now.Add(6*time.Minute)))
	expect(c, 5, "canary", campaign.Passes, "is over")
	h.settle(now, h.tries(now, ids[2:]), overture.Accepted, "accepted")
	expect(c, 9, "spend", campaign.Waits, "a spend limit stopped the campaign (campaign spend); left: 0 of 5 segments, 0.04 of 0.08 USD")
	h.must(g.Once(t.Context(), now.Add(7*time.Minute)))
	expect(c, 9, "spend", campaign.Waits, "(campaign spend)")
	expect(c, 0, "spend", campaign.Passes, "(campaign spend)")

	h.limit(func(r *overture.Rails) { r.CampaignPrefixPerDay, r.SpendPerDay, r.SpendCurrency = 4, 1_000_000, "USD" })
	p := h.railed(6, overture.CampaignRails{}, 0)
	h.tries(now, h.plan(p, now.Add(-time.Minute)))
	expect(p, 5, "prefix", campaign.Waits, "more than 4 different numbers of one prefix")
	if r, _ := h.why(p, 5, "prefix"); r.Input["prefix"] != "+1212555" {
		t.Errorf("%+v", r)
	}
	expect(p, 5, "spend", campaign.Passes, "of 1.00 USD of the account today")

	_, err := h.store.SetAccountStopped(t.Context(), h.by, true, "keys were stolen", now)
	h.must(err)
	expect(p, 5, "stop", campaign.Waits, "the account is stopped: keys were stolen")
	expect(c, 0, "stop", campaign.Passes, "the account is stopped")
	h.must(h.store.SetEverythingStopped(t.Context(), true, "drill", now))
	expect(p, 5, "stop", campaign.Waits, "the operator stopped all sending")
	h.must(h.store.BeginQuarantine(t.Context(), overture.QuarantineOrder{Since: now.Add(-time.Hour)}, now))
	expect(p, 5, "quarantine", campaign.Waits, "in quarantine")
}
