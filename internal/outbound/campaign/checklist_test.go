package campaign_test

import (
	"strings"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/outbound/campaign"
)

// The checklist stands in the order in which a person goes through it, and says how to fix what is wrong.
func TestChecklist(t *testing.T) {
	h := newHouse(t)
	const order = "state name sender skill text length recipients launch window validity rate consent"
	night := overture.Window{}
	for d := range night.Days { // closed now, wherever the list lives: opens in 12 hours for one hour
		at := (time.Now().UTC().Hour()*60 + 12*60) % 1440
		night.Days[d] = overture.Hours{From: at, To: at + 59}
	}
	for _, tc := range []struct {
		name    string
		change  func(*campaign.Change)
		after   func(c overture.Campaign)
		check   string
		verdict campaign.Verdict
		words   string
	}{
		{"fine", nil, nil, "window", campaign.OK, "open for everybody"},
		{"two segments", func(ch *campaign.Change) { ch.Text = new(strings.Repeat("a", 130)) }, nil, "length", campaign.Note, "2 segments"},
		{"emoji over one segment", func(ch *campaign.Change) { ch.Text = new("🎉 " + strings.Repeat("a", 60)) }, nil, "length", campaign.Note, `"🎉" forces`},
		{"over the soft limit", func(ch *campaign.Change) { ch.Text = new(strings.Repeat("a", 100)) }, nil, "length", campaign.Note, "2 characters over the limit of 140"},
		{"worst row", nil, func(c overture.Campaign) {
			h.exec(`UPDATE list_import SET worst_row = 7, worst_segments = 3 WHERE campaign_id = $1`, c.ID)
		}, "length", campaign.Note, "row 7, the longest, needs 3 segments"},
		{"window closed now", func(ch *campaign.Change) { ch.Window = &night }, nil, "window", campaign.Note, "wait for the window"},
		{"launch later", func(ch *campaign.Change) { ch.LaunchAt = new(time.Now().Add(time.Hour)) }, nil, "launch", campaign.OK, "starts at"},
		{"validity before the window", func(ch *campaign.Change) {
			ch.Window, ch.ExpiresAt = &night, new(time.Now().Add(time.Hour))
		}, nil, "validity", campaign.Problem, "before the sending window opens"},
		{"validity too short for the rate", func(ch *campaign.Change) { ch.ExpiresAt = new(time.Now().Add(time.Minute)) }, func(c overture.Campaign) {
			h.exec(`UPDATE list_import SET segments = 5000 WHERE campaign_id = $1`, c.ID)
		}, "validity", campaign.Note, "not finished"},
		{"rate over a slower sender", func(ch *campaign.Change) { ch.Rate = new(9) }, func(overture.Campaign) {
			h.exec(`UPDATE sender SET rate = 5 WHERE id = $1`, h.sender)
		}, "rate", campaign.Problem, "over the sender's 5"},
		{"consent", nil, nil, "consent", campaign.Note, "TCPA"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h.t = t
			c := h.draft(tc.change)
			h.list(c, 3)
			if tc.after != nil {
				tc.after(c)
			}
			checks, err := h.room.Checklist(t.Context(), h.by.AccountID, c.ID, nil)
			h.must(err)
			var names []string
			for _, check := range checks {
				names = append(names, check.Name)
				if check.Verdict == campaign.Problem && check.Fix.IsZero() {
					t.Errorf("%s is a problem without a fix", check.Name)
				}
				if check.Name == tc.check && (check.Verdict != tc.verdict || !strings.Contains(check.Words.String(), tc.words)) {
					t.Errorf("%s is %s: %s; want %s: %s", check.Name, check.Verdict, check.Words, tc.verdict, tc.words)
				}
			}
			if got := strings.Join(names, " "); got != order {
				t.Errorf("order %q, want %q", got, order)
			}
		})
	}
}

// Rejected and opted-out rows are notes: the rest of the list goes on.
func TestChecklistNotes(t *testing.T) {
	h := newHouse(t)
	c := h.draft(nil)
	h.list(c, 3)
	h.exec(`UPDATE list_import SET rejected = 1, opted_out = 2 WHERE campaign_id = $1`, c.ID)
	checks, err := h.room.Checklist(t.Context(), h.by.AccountID, c.ID, nil)
	h.must(err)
	found := 0
	for _, check := range checks {
		if check.Name == "rejected" && check.Words.String() == "1 row was rejected and will get nothing" || check.Name == "opted_out" && strings.HasPrefix(check.Words.String(), "2 recipients") {
			found++
		}
	}
	if found != 2 {
		t.Errorf("checklist %+v", checks)
	}
}
