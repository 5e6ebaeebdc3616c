package campaign_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/outbound/campaign"
	"github.com/overture-im/overture/internal/outbound/schedule"
)

func fieldsOf(err error) []overture.Field {
	var e *overture.Error
	if errors.As(err, &e) {
		return e.Fields
	}
	return nil
}

// A new draft gets the account's defaults for everything it leaves open.
func TestCreateFillsDefaults(t *testing.T) {
	h := newHouse(t)
	c, err := h.room.Create(t.Context(), h.by, campaign.Change{Name: new("  Renewal  "), SenderID: &h.sender, SkillID: &h.skill})
	h.must(err)
	if c.Name != "Renewal" || c.State != overture.Draft || c.Channel != overture.SMS || c.BrandID != h.brand || c.Rate != 1 ||
		c.Lookback != 30*24*time.Hour || c.Content.OptOutText != overture.OptOutTextDefault || c.Policy != overture.Safe ||
		c.OpenConversation != overture.OpenConversationSkip || c.Window.Of(time.Monday) != (overture.Hours{From: 480, To: 1260}) {
		t.Errorf("created %+v", c)
	}
	stored, err := h.room.Campaign(t.Context(), h.by.AccountID, c.ID)
	h.must(err)
	if stored.Name != c.Name || stored.Window.Days != c.Window.Days || stored.Lookback != c.Lookback || !stored.CreatedAt.Equal(c.CreatedAt) || stored.CreatedBy != h.by.UserID {
		t.Errorf("stored %+v, want %+v", stored, c)
	}
}

// Every wrong field is named, all at once, and nothing is stored.
func TestCreateNamesWrongFields(t *testing.T) {
	h := newHouse(t)
	other := joinHouse(t, h.store, "two")
	closed := overture.Window{Holidays: []string{"2026-12-25"}}
	odd := overture.AlwaysOpen()
	odd.Holidays = []string{"Christmas"}
	for _, tc := range []struct {
		name   string
		change func(*campaign.Change)
		field  string
	}{
		{"no name", func(c *campaign.Change) { c.Name = new(" ") }, "body.name"},
		{"long name", func(c *campaign.Change) { c.Name = new(strings.Repeat("é", 256)) }, "body.name"},
		{"name over two lines", func(c *campaign.Change) { c.Name = new("a\nb") }, "body.name"},
		{"other channel", func(c *campaign.Change) { c.Channel = new(overture.WhatsApp) }, "body.channel"},
		{"sender of another account", func(c *campaign.Change) { c.SenderID = &other.sender }, "body.sender"},
		{"no sender", func(c *campaign.Change) { c.SenderID = nil }, "body.sender"},
		{"skill of another account", func(c *campaign.Change) { c.SkillID = &other.skill }, "body.skill"},
		{"unknown skill", func(c *campaign.Change) { c.SkillID = new(overture.SkillID(5)) }, "body.skill"},
		{"control character", func(c *campaign.Change) { c.Text = new("a\x00b") }, "body.text"},
		{"broken text", func(c *campaign.Change) { c.Text = new("a\xffb") }, "body.text"},
		{"long text", func(c *campaign.Change) { c.Text = new(strings.Repeat("a", 1558)) }, "body.text"},
		{"long opt-out text", func(c *campaign.Change) { c.OptOutText = new(strings.Repeat("a", 161)) }, "body.opt_out_text"},
		{"rate over the sender's", func(c *campaign.Change) { c.Rate = new(11) }, "body.rate"},
		{"no rate", func(c *campaign.Change) { c.Rate = new(0) }, "body.rate"},
		{"lookback of 31 days", func(c *campaign.Change) { c.Lookback = new(31 * 24 * time.Hour) }, "body.lookback_hours"},
		{"launch yesterday", func(c *campaign.Change) { c.LaunchAt = new(time.Now().Add(-24 * time.Hour)) }, "body.launch_at"},
		{"validity before launch", func(c *campaign.Change) {
			c.LaunchAt, c.ExpiresAt = new(time.Now().Add(2*time.Hour)), new(time.Now().Add(time.Hour))
		}, "body.expires_at"},
		{"closed window", func(c *campaign.Change) { c.Window = &closed }, "body.window"},
		{"odd holiday", func(c *campaign.Change) { c.Window = &odd }, "body.window.holidays"},
		{"odd hours", func(c *campaign.Change) { c.Window = &overture.Window{Days: [7]overture.Hours{{From: -1, To: 1500}}} }, "body.window"},
		{"odd policy", func(c *campaign.Change) { c.Policy = new(overture.SendPolicy("twice")) }, "body.policy"},
		{"odd conversation policy", func(c *campaign.Change) { c.OpenConversation = new(overture.OpenConversationPolicy("shout")) }, "body.open_conversation"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ch := h.change()
			tc.change(&ch)
			_, err := h.room.Create(t.Context(), h.by, ch)
			want := overture.Invalid
			if strings.Contains(tc.name, "another account") || strings.Contains(tc.name, "unknown") {
				want = overture.NotFound
			}
			if kind(err) != want || !hasField(err, tc.field) || len(fieldsOf(err)) != 1 {
				t.Errorf("got %v with fields %v, want only %s", err, fieldsOf(err), tc.field)
			}
		})
	}
	if _, err := h.room.Create(t.Context(), h.by, campaign.Change{Rate: new(99)}); len(fieldsOf(err)) < 3 {
		t.Errorf("fields %v, want all of them at once", fieldsOf(err))
	}
	if n := h.number(`SELECT COUNT(*) FROM campaign`); n != 0 {
		t.Errorf("%d campaigns were stored", n)
	}
}

// The longest text that fits: 1,600 characters with opt-out text and the space before it.
func TestLongestText(t *testing.T) {
	h := newHouse(t)
	ch := h.change()
	ch.Text = new(strings.Repeat("a", 1557))
	if _, err := h.room.Create(t.Context(), h.by, ch); err != nil {
		t.Error(err)
	}
}

// Two people edit: the second one hears that the first was quicker.
func TestEditIsOptimistic(t *testing.T) {
	h := newHouse(t)
	c := h.draft(nil)
	first, err := h.room.Edit(t.Context(), h.by, c.ID, campaign.Change{Text: new("First"), Rate: new(3)}, c.UpdatedAt)
	h.must(err)
	if _, err := h.room.Edit(t.Context(), h.by, c.ID, campaign.Change{Text: new("Second")}, c.UpdatedAt); code(err) != "campaign_changed" {
		t.Errorf("got %v, want campaign_changed", err)
	}
	if !first.UpdatedAt.After(c.UpdatedAt) || first.Content.Text != "First" || first.Rate != 3 || first.Name != c.Name {
		t.Errorf("after the first edit: %+v", first)
	}
	got, err := h.room.Campaign(t.Context(), h.by.AccountID, c.ID)
	h.must(err)
	if got.Content.Text != "First" || !got.UpdatedAt.Equal(first.UpdatedAt) {
		t.Errorf("stored %q at %v", got.Content.Text, got.UpdatedAt)
	}
	if detail := h.word(`SELECT detail FROM audit WHERE action = 'campaign.changed'`); detail != "text, rate" {
		t.Errorf("audit detail %q", detail)
	}
}

// Deleting a draft takes its list along.
func TestDeleteDraft(t *testing.T) {
	h := newHouse(t)
	c := h.draft(nil)
	h.list(c, 3)
	h.must(h.room.Delete(t.Context(), h.by, c.ID))
	if _, err := h.room.Campaign(t.Context(), h.by.AccountID, c.ID); kind(err) != overture.NotFound {
		t.Errorf("after deletion: %v", err)
	}
	if n := h.number(`SELECT COUNT(*) FROM recipient`); n != 0 {
		t.Errorf("%d recipients left", n)
	}
}

// Accounts are sealed from each other: every call with another account's campaign is "not found".
func TestOtherAccount(t *testing.T) {
	h := newHouse(t)
	c := h.launched(1)
	other := joinHouse(t, h.store, "two")
	ctx, by, room := t.Context(), other.by, other.room
	calls := map[string]func() error{
		"read":      func() error { _, err := room.Campaign(ctx, by.AccountID, c.ID); return err },
		"edit":      func() error { _, err := room.Edit(ctx, by, c.ID, campaign.Change{}, time.Time{}); return err },
		"delete":    func() error { return room.Delete(ctx, by, c.ID) },
		"checklist": func() error { _, err := room.Checklist(ctx, by.AccountID, c.ID, nil); return err },
		"launch":    func() error { _, err := room.Launch(ctx, by, c.ID, campaign.Order{Consent: true}); return err },
		"pause":     func() error { _, err := room.Pause(ctx, by, c.ID, ""); return err },
		"resume":    func() error { _, err := room.Resume(ctx, by, c.ID); return err },
		"cancel":    func() error { _, err := room.Cancel(ctx, by, c.ID, ""); return err },
		"retry":     func() error { _, err := room.RetryFailed(ctx, by, c.ID, true); return err },
		"archive":   func() error { _, err := room.Archive(ctx, by, c.ID, true); return err },
		"duplicate": func() error { _, err := room.Duplicate(ctx, by, c.ID, "", false); return err },
		"test send": func() error { _, err := room.TestSend(ctx, by, c.ID, "+12125550123"); return err },
		"progress":  func() error { _, err := room.Progress(ctx, by.AccountID, c.ID); return err },
		"story":     func() error { _, err := room.Story(ctx, by.AccountID, c.ID, 1); return err },
	}
	h.must(h.do(func() error { _, err := h.room.Progress(ctx, h.by.AccountID, c.ID); return err })) // now it is remembered, and still sealed
	for name, call := range calls {
		if err := call(); kind(err) != overture.NotFound {
			t.Errorf("%s: %v, want not found", name, err)
		}
	}
	lines, err := room.Campaigns(ctx, overture.CampaignFilter{AccountID: by.AccountID, Limit: 10})
	if err != nil || len(lines) != 0 {
		t.Errorf("the other account lists %d campaigns, %v", len(lines), err)
	}
	if h.word(`SELECT state FROM campaign WHERE id = $1`, c.ID) != "running" {
		t.Error("the campaign was changed by another account")
	}
}

func (h *house) do(f func() error) error { return f() }

// The list of campaigns: newest first, everybody's, by state, by part of the name, archived ones apart, with counters.
func TestCampaigns(t *testing.T) {
	h := newHouse(t)
	first := h.launched(2)
	second := h.draft(func(ch *campaign.Change) { ch.Name = new("100% off_now") })
	third := h.draft(nil)
	h.plan(first, time.Now())
	_, err := h.room.Archive(t.Context(), h.by, third.ID, true)
	h.must(err)
	for _, tc := range []struct {
		name   string
		filter overture.CampaignFilter
		want   []overture.CampaignID
	}{
		{"all", overture.CampaignFilter{}, []overture.CampaignID{second.ID, first.ID}},
		{"archived too", overture.CampaignFilter{Archived: true}, []overture.CampaignID{third.ID, second.ID, first.ID}},
		{"after", overture.CampaignFilter{After: second.ID}, []overture.CampaignID{first.ID}},
		{"state", overture.CampaignFilter{State: overture.Running}, []overture.CampaignID{first.ID}},
		{"name", overture.CampaignFilter{Search: "100% OFF_"}, []overture.CampaignID{second.ID}},
		{"name with a wildcard", overture.CampaignFilter{Search: "R%l"}, nil},
		{"limit", overture.CampaignFilter{Limit: 1}, []overture.CampaignID{second.ID}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.filter.AccountID = h.by.AccountID
			if tc.filter.Limit == 0 {
				tc.filter.Limit = 50
			}
			lines, err := h.room.Campaigns(t.Context(), tc.filter)
			h.must(err)
			var got []overture.CampaignID
			for _, l := range lines {
				got = append(got, l.ID)
				if l.ID == first.ID && l.Counts[overture.Queued] != 2 {
					t.Errorf("counts %v", l.Counts)
				}
			}
			if len(got) != len(tc.want) {
				t.Fatalf("got %v, want %v", got, tc.want)
			}
			for i := range got {
				if got[i] != tc.want[i] {
					t.Errorf("got %v, want %v", got, tc.want)
				}
			}
		})
	}
}

// The arithmetic of the source documents: 42 of 140 characters are the opt-out text, 98 are left.
func TestMeasure(t *testing.T) {
	h := newHouse(t)
	for _, tc := range []struct {
		name      string
		content   overture.Content
		segments  int
		available int
		encoding  string
		offender  string
	}{
		{"nothing", overture.Content{}, 1, 98, "GSM-7", ""},
		{"98 fit", overture.Content{Text: strings.Repeat("a", 98)}, 1, 0, "GSM-7", ""},
		{"99 do not", overture.Content{Text: strings.Repeat("a", 99)}, 1, -1, "GSM-7", ""},
		{"160 are one segment", overture.Content{Text: strings.Repeat("a", 117)}, 1, -19, "GSM-7", ""},
		{"161 are two", overture.Content{Text: strings.Repeat("a", 118)}, 2, -20, "GSM-7", ""},
		{"emoji", overture.Content{Text: "Hi 🎉"}, 1, 94, "UCS-2", "🎉"},
		{"quotes", overture.Content{Text: "“Hi”"}, 1, 94, "UCS-2", "“"},
		{"quotes, smart", overture.Content{Text: "“Hi”", SmartEncoding: true}, 1, 94, "GSM-7", ""},
		{"opt-out text already there", overture.Content{Text: "Hi. " + overture.OptOutTextDefault}, 1, 95, "GSM-7", ""},
		{"own opt-out text", overture.Content{Text: "Hi", OptOutText: "Stop: STOP"}, 1, 128, "GSM-7", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m, err := h.room.Measure(t.Context(), h.by.AccountID, tc.content)
			h.must(err)
			if m.Segments != tc.segments || m.Available != tc.available || m.Encoding != tc.encoding || m.Offender != tc.offender || m.Limit != 140 || !m.Allowed {
				t.Errorf("got %+v", m)
			}
		})
	}
}

// The three length policies at their borders.
func TestLengthPolicies(t *testing.T) {
	h := newHouse(t)
	for _, tc := range []struct {
		policy  overture.LengthPolicy
		length  int
		allowed bool
	}{
		{overture.LengthWarn, 500, true},
		{overture.LengthOneSegment, 117, true},
		{overture.LengthOneSegment, 118, false},
		{overture.LengthStrict, 98, true},
		{overture.LengthStrict, 99, false},
	} {
		_, err := h.store.UpdateAccount(t.Context(), h.by, time.Now(), func(a *overture.Account) (string, error) {
			a.Settings.LengthPolicy = tc.policy
			return "length_policy", nil
		})
		h.must(err)
		m, err := h.room.Measure(t.Context(), h.by.AccountID, overture.Content{Text: strings.Repeat("a", tc.length)})
		h.must(err)
		if m.Allowed != tc.allowed {
			t.Errorf("%s with %d characters: allowed %v", tc.policy, tc.length, m.Allowed)
		}
		c := h.draft(func(ch *campaign.Change) { ch.Text = new(strings.Repeat("a", tc.length)) })
		h.list(c, 1)
		checks, err := h.room.Checklist(t.Context(), h.by.AccountID, c.ID, nil)
		h.must(err)
		for _, check := range checks {
			if check.Name == "length" && (check.Verdict != campaign.Problem) != tc.allowed {
				t.Errorf("%s with %d characters: checklist says %s, %s", tc.policy, tc.length, check.Verdict, check.Words)
			}
		}
	}
}

// A test send goes ahead on the reply lane, shows variables by name, and never to somebody who opted out.
func TestTestSend(t *testing.T) {
	h := newHouse(t)
	c := h.draft(func(ch *campaign.Change) { ch.Text = new("Hello {{first_name}}, {{1}}") })
	m, err := h.room.TestSend(t.Context(), h.by, c.ID, "+12125550123")
	h.must(err)
	if want := "Hello [first_name], [1] " + overture.OptOutTextDefault; m.Body != want {
		t.Errorf("text %q, want %q", m.Body, want)
	}
	if n := h.number(`SELECT COUNT(*) FROM dispatch d JOIN lane l ON l.id = d.lane_id WHERE d.message_id = $1 AND l.kind = 'reply' AND l.campaign_id = 0`, m.ID); n != 1 {
		t.Error("the test is not on the reply lane")
	}
	_, err = h.store.OptOut(t.Context(), h.by, overture.OptOut{
		AccountID: h.by.AccountID, BrandID: h.brand, Channel: overture.SMS, Address: "+12125550124",
		Source: overture.OptOutAPI, Evidence: "asked", CreatedAt: time.Now(),
	})
	h.must(err)
	if _, err := h.room.TestSend(t.Context(), h.by, c.ID, "+12125550124"); code(err) != "opted_out" {
		t.Errorf("to an opted-out number: %v, want opted_out", err)
	}
	if _, err := h.room.TestSend(t.Context(), h.by, c.ID, "5550124"); kind(err) != overture.Invalid || !hasField(err, "body.to") {
		t.Errorf("to no number: %v", err)
	}
}

// A copy has the content, none of the dates, and its own life.
func TestDuplicate(t *testing.T) {
	h := newHouse(t)
	c := h.launched(2)
	d, err := h.room.Duplicate(t.Context(), h.by, c.ID, "", false)
	h.must(err)
	if d.ID == c.ID || d.State != overture.Draft || d.Name != "Renewal (copy)" || d.Content != c.Content || !d.LaunchAt.IsZero() || d.RecipientCount != 0 || d.ConsentBy != 0 {
		t.Errorf("duplicate %+v", d)
	}
	if d, err = h.room.Duplicate(t.Context(), h.by, c.ID, "Second", true); err != nil || d.RecipientCount != 2 || d.Name != "Second" {
		t.Fatalf("with its list: %d recipients, %v", d.RecipientCount, err)
	}
	if d, err = h.room.Launch(t.Context(), h.by, d.ID, campaign.Order{Consent: true}); err != nil || d.ListHash != c.ListHash || d.RecipientCount != 2 {
		t.Errorf("the copied list: hash %q of %q, %d recipients, %v", d.ListHash, c.ListHash, d.RecipientCount, err)
	}
	if n := h.number(`SELECT COUNT(*) FROM recipient r JOIN recipient_address a ON a.recipient_id = r.id AND a.address = r.address AND a.campaign_id = r.campaign_id
		WHERE r.campaign_id = $1`, d.ID); n != 2 {
		t.Errorf("%d of 2 copied recipients can be found by number", n)
	}
	long := h.draft(func(ch *campaign.Change) { ch.Name = new(strings.Repeat("é", 255)) })
	if d, err = h.room.Duplicate(t.Context(), h.by, long.ID, "", false); err != nil || len([]rune(d.Name)) != 255 || !strings.HasSuffix(d.Name, " (copy)") {
		t.Errorf("long name: %q, %v", d.Name, err)
	}
}

// Whoever types saves each second and has the list checked once, at the end.
func TestEditChecksTheListOfAChangedText(t *testing.T) {
	h := newHouse(t)
	checked := 0
	h.room = campaign.New(campaign.Deps{
		Store: h.store, Lists: lists{h.store}, Windows: schedule.NewCalendar(), ParsePhone: parse,
		Recheck: func(_ context.Context, _ overture.AccountID, id overture.CampaignID) error {
			checked++
			c, err := h.room.Campaign(t.Context(), h.by.AccountID, id)
			h.must(err)
			tx := h.begin()
			tx.exec(`UPDATE list_import SET content_hash = $2 WHERE campaign_id = $1`, id, c.Content.Hash())
			return tx.Commit()
		},
	})
	c := h.draft(nil)
	h.list(c, 2)
	edit := func(ch campaign.Change) overture.Campaign {
		t.Helper()
		got, err := h.room.Edit(t.Context(), h.by, c.ID, ch, time.Time{})
		h.must(err)
		return got
	}
	edit(campaign.Change{Text: new("Your pl"), ListLater: true})
	saved := edit(campaign.Change{Text: new("Your plan"), ListLater: true})
	if checked != 0 {
		t.Fatalf("checked %d times while somebody types", checked)
	}
	if got := edit(campaign.Change{}); checked != 1 || !got.UpdatedAt.Equal(saved.UpdatedAt) {
		t.Errorf("checked %d times, changed %v, want once and nothing else", checked, got.UpdatedAt)
	}
	edit(campaign.Change{Name: new("Other")})
	if checked != 1 {
		t.Errorf("checked %d times for a name", checked)
	}
	if edit(campaign.Change{Text: new("Your plan ends")}); checked != 2 {
		t.Errorf("checked %d times, want 2", checked)
	}
}
