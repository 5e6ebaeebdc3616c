package store_test

import (
	"maps"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/storetest"
)

func TestMarksFollowWhatPagesShow(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t)
	now := time.Now()
	for id := range overture.AccountID(2) {
		account := overture.Account{ID: id + 1, Name: "a", Enabled: true, CreatedAt: now}
		must(t, s.CreateAccount(t.Context(), account, overture.Brand{ID: overture.BrandID(id + 10), AccountID: id + 1, Name: "b", CreatedAt: now},
			overture.User{ID: overture.UserID(id + 20), AccountID: id + 1, Email: string(rune('a'+id)) + "@alpha.example", Role: overture.Administrator, CreatedAt: now}, "hash"))
	}
	exec := func(query string, args ...any) func() {
		return func() {
			t.Helper()
			_, err := s.DB().Write.ExecContext(t.Context(), query, args...)
			must(t, err)
		}
	}
	campaign, sender := overture.CampaignID(100), overture.SenderID(200)
	must(t, s.CreateSender(t.Context(), overture.Actor{AccountID: 1}, overture.Sender{
		ID: sender, AccountID: 1, BrandID: 10, Name: "s", Channel: overture.SMS, Provider: "twilio", Address: "+12125550110", AuthToken: "t", WebhookKey: "k", Rate: 1, CreatedAt: now,
	}))
	look := func(account overture.AccountID) overture.Marks {
		t.Helper()
		m, err := s.Marks(t.Context(), account, time.Now())
		must(t, err)
		return m
	}
	held, all := overture.Thing{Topic: overture.HeldTopic, ID: campaign.String()}, overture.Thing{Topic: overture.CampaignTopic}
	one := overture.Thing{Topic: overture.CampaignTopic, ID: campaign.String()}
	for _, step := range []struct {
		name    string
		change  func()
		changed []overture.Thing
	}{
		{"nothing", func() {}, nil},
		{"a campaign", exec(`INSERT INTO campaign (id, account_id, brand_id, name, channel, sender_id, skill_id, text, opt_out_text, smart_encoding, state, send_window, rate,
			lookback, policy, open_conversation, reason, recipient_count, list_hash, content_hash, created_by, created_at, updated_at, planned_through, planning)
			VALUES ($1, 1, 10, 'n', 'sms', $2, 0, 't', '', FALSE, 'running', '{}', 1, 0, '', 'skip', '', 0, '', '', 20, 0, 0, 0, FALSE)`, campaign, sender), []overture.Thing{one}},
		{"its count", exec(`INSERT INTO campaign_count (campaign_id, state, n) VALUES ($1, $2, 5)`, campaign, overture.Accepted), []overture.Thing{one}},
		{"its progress", exec(`UPDATE campaign_count SET n = 6 WHERE campaign_id = $1`, campaign), []overture.Thing{one}},
		{"what is held", exec(`INSERT INTO campaign_count (campaign_id, state, n) VALUES ($1, $2, 1)`, campaign, overture.Held), []overture.Thing{one, held}},
		{"a pause", exec(`UPDATE campaign SET state = 'paused' WHERE id = $1`, campaign), []overture.Thing{one}},
		{"the sender", exec(`UPDATE sender SET stopped = TRUE WHERE id = $1`, sender), []overture.Thing{{Topic: overture.SenderTopic, ID: sender.String()}}},
		{"the kill switch", exec(`UPDATE account SET stopped = TRUE WHERE id = 1`), []overture.Thing{all}},
		{
			"an opt-out", exec(`INSERT INTO consent_event (id, account_id, brand_id, channel, address, kind, source, evidence, review, at) VALUES ($1, 1, 10, 'sms', 'x', 'opt_out', 's', '', FALSE, 0)`, s.NewID()),
			[]overture.Thing{{Topic: overture.OptOutTopic}},
		},
		{"another account", exec(`UPDATE account SET stopped = TRUE WHERE id = 2`), nil},
	} {
		before, others := look(1), look(2)
		step.change()
		after := look(1)
		got := map[overture.Thing]bool{}
		for thing, mark := range after {
			if was, known := before[thing]; !known || was != mark {
				got[thing] = true
			}
		}
		want := map[overture.Thing]bool{}
		for _, thing := range step.changed {
			want[thing] = true
		}
		if !maps.Equal(got, want) {
			t.Errorf("%s: changed %v, want %v", step.name, got, want)
		}
		if step.name != "another account" && !maps.Equal(others, look(2)) {
			t.Errorf("%s: the other account's marks changed", step.name)
		}
	}
}
