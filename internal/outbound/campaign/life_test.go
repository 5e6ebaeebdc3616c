package campaign_test

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/outbound/campaign"
)

// Every move from every state: what is legal changes campaign and lane together, what is not is Conflict and changes nothing.
func TestLife(t *testing.T) {
	h := newHouse(t)
	moves := map[string]func(overture.CampaignID) (overture.Campaign, error){
		"launch": func(id overture.CampaignID) (overture.Campaign, error) {
			return h.room.Launch(t.Context(), h.by, id, campaign.Order{Consent: true})
		},
		"pause": func(id overture.CampaignID) (overture.Campaign, error) {
			return h.room.Pause(t.Context(), h.by, id, "")
		},
		"resume": func(id overture.CampaignID) (overture.Campaign, error) { return h.room.Resume(t.Context(), h.by, id) },
		"cancel": func(id overture.CampaignID) (overture.Campaign, error) {
			return h.room.Cancel(t.Context(), h.by, id, "")
		},
		"archive": func(id overture.CampaignID) (overture.Campaign, error) {
			return h.room.Archive(t.Context(), h.by, id, true)
		},
	}
	legal := map[overture.CampaignState]map[string]overture.CampaignState{
		overture.Draft:            {"launch": overture.Running, "archive": overture.Draft},
		overture.Scheduled:        {"pause": overture.Paused, "cancel": overture.CampaignCanceled},
		overture.Running:          {"pause": overture.Paused, "cancel": overture.CampaignCanceled},
		overture.Paused:           {"resume": overture.Running, "cancel": overture.CampaignCanceled},
		overture.Completed:        {"archive": overture.Completed},
		overture.CampaignCanceled: {"archive": overture.CampaignCanceled},
	}
	lanes := map[overture.CampaignState]string{overture.Running: "open", overture.Scheduled: "open", overture.Paused: "paused", overture.CampaignCanceled: "canceled"}
	for from, allowed := range legal {
		for name, move := range moves {
			t.Run(string(from)+"/"+name, func(t *testing.T) {
				h.t = t
				c := h.draft(nil)
				h.list(c, 1)
				if from != overture.Draft {
					var err error
					c, err = h.room.Launch(t.Context(), h.by, c.ID, campaign.Order{Consent: true})
					h.must(err)
					h.exec(`UPDATE campaign SET state = $1 WHERE id = $2`, string(from), c.ID)
				}
				got, err := move(c.ID)
				want, ok := allowed[name]
				if !ok {
					if kind(err) != overture.Conflict {
						t.Errorf("got %v, want a conflict", err)
					}
					if now := h.word(`SELECT state FROM campaign WHERE id = $1`, c.ID); now != string(from) {
						t.Errorf("the state became %s", now)
					}
					return
				}
				if err != nil || got.State != want {
					t.Fatalf("got %s, %v; want %s", got.State, err, want)
				}
				if lane := lanes[got.State]; lane != "" && name != "archive" && h.word(`SELECT state FROM lane WHERE campaign_id = $1`, c.ID) != lane {
					t.Errorf("the lane is not %s", lane)
				}
			})
		}
	}
}

// A pause remembers whether the campaign was scheduled or running.
func TestResumeGoesBackToScheduled(t *testing.T) {
	h := newHouse(t)
	c := h.draft(nil)
	h.list(c, 1)
	later := time.Now().Add(time.Hour)
	c, err := h.room.Launch(t.Context(), h.by, c.ID, campaign.Order{Consent: true, LaunchAt: &later})
	h.must(err)
	if c.State != overture.Scheduled || !c.LaunchAt.Equal(later.UTC().Truncate(time.Millisecond)) {
		t.Fatalf("launched for later: %s at %v", c.State, c.LaunchAt)
	}
	c, err = h.room.Pause(t.Context(), h.by, c.ID, "wait for the lawyer")
	h.must(err)
	if c.Reason != "paused by Manager one: wait for the lawyer" {
		t.Errorf("reason %q", c.Reason)
	}
	if c, err = h.room.Resume(t.Context(), h.by, c.ID); err != nil || c.State != overture.Scheduled || c.Reason != "" {
		t.Errorf("resumed to %s %q, %v; want scheduled", c.State, c.Reason, err)
	}
	h.exec(`UPDATE campaign SET launch_at = $1 WHERE id = $2`, time.Now().Add(-time.Minute).UnixMilli(), c.ID)
	_, err = h.room.Pause(t.Context(), h.by, c.ID, "")
	h.must(err)
	if c, err = h.room.Resume(t.Context(), h.by, c.ID); err != nil || c.State != overture.Running {
		t.Errorf("resumed to %s, %v; want running: the launch time came during the pause", c.State, err)
	}
}

// Of many people who launch or edit at once, one launches; everybody else hears Conflict.
func TestLaunchHappensOnce(t *testing.T) {
	h := newHouse(t)
	c := h.draft(nil)
	h.list(c, 3)
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() {
			if i%2 == 0 {
				_, errs[i] = h.room.Launch(t.Context(), h.by, c.ID, campaign.Order{Consent: true})
			} else {
				_, errs[i] = h.room.Edit(t.Context(), h.by, c.ID, campaign.Change{Name: new("Other")}, c.UpdatedAt)
			}
		})
	}
	wg.Wait()
	for i, err := range errs {
		if err != nil && kind(err) != overture.Conflict {
			t.Errorf("%d: %v, want a conflict", i, err)
		}
	}
	if _, err := h.room.Launch(t.Context(), h.by, c.ID, campaign.Order{Consent: true}); err != nil && kind(err) != overture.Conflict {
		t.Error(err)
	}
	if n := h.number(`SELECT COUNT(*) FROM lane WHERE campaign_id = $1`, c.ID); n != 1 {
		t.Errorf("%d lanes, want 1", n)
	}
	if n := h.number(`SELECT COUNT(*) FROM audit WHERE action = 'campaign.launched'`); n != 1 {
		t.Errorf("%d audit entries of a launch, want 1", n)
	}
}

// Launch freezes: hashes, consent, count, and no edit, list change or deletion afterwards.
func TestLaunchFreezes(t *testing.T) {
	h := newHouse(t)
	before := time.Now().Truncate(time.Millisecond)
	c := h.launched(3)
	if c.State != overture.Running || c.ContentHash != c.Content.Hash() || c.ListHash == "" || c.RecipientCount != 3 {
		t.Errorf("launched %s with content %q, list %q, %d recipients", c.State, c.ContentHash, c.ListHash, c.RecipientCount)
	}
	if c.ConsentBy != h.by.UserID || c.ConsentAt.Before(before) || c.LaunchedAt.Before(before) {
		t.Errorf("consent by %s at %s", c.ConsentBy, c.ConsentAt)
	}
	stored, err := h.room.Campaign(t.Context(), h.by.AccountID, c.ID)
	h.must(err)
	if stored.ContentHash != c.ContentHash || !stored.LaunchedAt.Equal(c.LaunchedAt) || stored.ConsentBy != c.ConsentBy || !stored.UpdatedAt.Equal(c.UpdatedAt) {
		t.Errorf("stored %+v differs from the answer %+v", stored, c)
	}
	if _, err := h.room.Edit(t.Context(), h.by, c.ID, campaign.Change{Text: new("Other")}, time.Time{}); code(err) != "campaign_not_draft" {
		t.Errorf("edit after launch: %v, want campaign_not_draft", err)
	}
	stored.Content.Text = "Other" // past the room's own look: the row's transaction refuses too
	if _, err := h.store.UpdateDraft(t.Context(), h.by, stored, "text", time.Now()); code(err) != "campaign_not_draft" {
		t.Errorf("edit in the store after launch: %v, want campaign_not_draft", err)
	}
	if err := h.store.DeleteDraft(t.Context(), h.by, c.ID, time.Now()); code(err) != "campaign_not_draft" {
		t.Errorf("delete in the store after launch: %v, want campaign_not_draft", err)
	}
	if err := h.room.Delete(t.Context(), h.by, c.ID); code(err) != "campaign_not_draft" {
		t.Errorf("delete after launch: %v, want campaign_not_draft", err)
	}
	if n := h.number(`SELECT COUNT(*) FROM recipient WHERE campaign_id = $1`, c.ID); n != 3 {
		t.Errorf("%d recipients left of 3", n)
	}
	if planning := h.number(`SELECT COUNT(*) FROM campaign WHERE id = $1 AND planning = TRUE AND planned_through = 0`, c.ID); planning != 1 || h.woken["plan"] == 0 {
		t.Error("the planner was not asked")
	}
}

// What a launch refuses, with the code a program can act on, and nothing has changed.
func TestLaunchRefuses(t *testing.T) {
	h := newHouse(t)
	yes := campaign.Order{Consent: true}
	for _, tc := range []struct {
		name    string
		prepare func(overture.Campaign)
		order   campaign.Order
		code    string
		field   string
	}{
		{"without consent", func(c overture.Campaign) { h.list(c, 1) }, campaign.Order{}, "consent_missing", "body.consent"},
		{"without recipients", func(overture.Campaign) {}, yes, "checklist", "checklist.recipients"},
		{"with a stopped sender", func(c overture.Campaign) {
			h.list(c, 1)
			h.must(h.store.SetSenderStopped(t.Context(), h.by, h.sender, true, "credentials refused", time.Now()))
		}, yes, "checklist", "checklist.sender"},
		{"after its launch time", func(c overture.Campaign) {
			h.list(c, 1)
			h.must(h.store.SetSenderStopped(t.Context(), h.by, h.sender, false, "", time.Now()))
			h.exec(`UPDATE campaign SET launch_at = $1 WHERE id = $2`, time.Now().Add(-time.Hour).UnixMilli(), c.ID)
		}, yes, "checklist", "checklist.launch"},
		{"after its validity", func(c overture.Campaign) {
			h.list(c, 1)
			h.exec(`UPDATE campaign SET expires_at = $1 WHERE id = $2`, time.Now().Add(-time.Hour).UnixMilli(), c.ID)
		}, yes, "checklist", "checklist.validity"},
		{"without any text", func(c overture.Campaign) {
			h.list(c, 1)
			h.exec(`UPDATE campaign SET text = '' WHERE id = $1`, c.ID)
		}, yes, "checklist", "checklist.text"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h.t = t
			c := h.draft(nil)
			tc.prepare(c)
			_, err := h.room.Launch(t.Context(), h.by, c.ID, tc.order)
			if kind(err) != overture.Invalid || code(err) != tc.code || !hasField(err, tc.field) {
				t.Errorf("got %v (%s %s), want %s at %s", err, kind(err), code(err), tc.code, tc.field)
			}
			if n := h.number(`SELECT COUNT(*) FROM lane WHERE campaign_id = $1`, c.ID); n != 0 || h.word(`SELECT state FROM campaign WHERE id = $1`, c.ID) != "draft" {
				t.Error("the refused launch left something behind")
			}
		})
	}
}

// A cancel takes back exactly what was not tried, leaves what is in flight to the engine, and the sums always hold.
func TestCancelKeepsTheExactRemainder(t *testing.T) {
	h := newHouse(t)
	c := h.launched(1203)
	ids := h.plan(c, time.Now())
	h.end(ids[0], overture.Accepted, "")
	h.end(ids[1], overture.Failed, overture.ReasonAddressRefused)
	h.fly(ids[2], "attempting")
	h.fly(ids[3], "unknown")
	_, err := h.room.Cancel(t.Context(), h.by, c.ID, "wrong list")
	h.must(err)
	canceler := &campaign.Canceler{Store: h.store, Log: slog.New(slog.DiscardHandler)}
	h.must(canceler.Once(t.Context()))
	h.counters(c, map[overture.State]int{overture.Queued: 2, overture.Canceled: 1199, overture.Accepted: 1, overture.Failed: 1})
	p, err := h.room.Progress(t.Context(), h.by.AccountID, c.ID)
	h.must(err)
	if p.Counts.Total() != 1203 || p.Counts[overture.Attempting] != 1 || p.Counts[overture.Unknown] != 1 || p.Counts[overture.Queued] != 0 || p.Waiting != 2 {
		t.Errorf("counts %v, waiting %d", p.Counts, p.Waiting)
	}
	finisher := &campaign.Finisher{Store: h.store, Log: slog.New(slog.DiscardHandler)}
	h.must(finisher.Once(t.Context()))
	if n := h.number(`SELECT COUNT(*) FROM campaign WHERE id = $1 AND completed_at IS NOT NULL`, c.ID); n != 0 {
		t.Error("the campaign counts as settled with messages in flight")
	}
	// The engine gives one back as not sent and settles the other: both leave the queue as they should.
	h.exec(`DELETE FROM inflight WHERE message_id IN ($1, $2)`, ids[2], ids[3])
	h.end(ids[3], overture.Held, overture.ReasonNotProven)
	h.must(canceler.Once(t.Context()))
	h.must(finisher.Once(t.Context()))
	h.counters(c, map[overture.State]int{overture.Canceled: 1200, overture.Accepted: 1, overture.Failed: 1, overture.Held: 1})
	if n := h.number(`SELECT COUNT(*) FROM campaign WHERE id = $1 AND state = 'canceled' AND completed_at IS NOT NULL`, c.ID); n != 1 {
		t.Error("the canceled campaign is not settled")
	}
}

// Several nodes take a canceled campaign back at once: every message is counted once.
func TestCancelersDoNotCountTwice(t *testing.T) {
	h := newHouse(t)
	c := h.launched(900)
	h.plan(c, time.Now())
	_, err := h.room.Cancel(t.Context(), h.by, c.ID, "")
	h.must(err)
	open, err := h.store.CampaignsToEmpty(t.Context())
	h.must(err)
	var wg sync.WaitGroup
	var total atomic.Int64
	for range 4 {
		wg.Go(func() {
			for {
				n, err := h.store.CancelRemainder(t.Context(), open[0], 100, time.Now())
				if err != nil {
					t.Error(err)
				}
				if n == 0 {
					return
				}
				total.Add(int64(n))
			}
		})
	}
	wg.Wait()
	if total.Load() != 900 {
		t.Errorf("took back %d of 900", total.Load())
	}
	h.counters(c, map[overture.State]int{overture.Canceled: 900})
}

// A campaign is completed when nothing is left, not before, and once.
func TestFinisher(t *testing.T) {
	h := newHouse(t)
	c := h.launched(2)
	finisher := &campaign.Finisher{Store: h.store, Speed: h.room.Speed(), Log: slog.New(slog.DiscardHandler)}
	h.must(finisher.Once(t.Context()))
	if h.word(`SELECT state FROM campaign WHERE id = $1`, c.ID) != "running" {
		t.Fatal("completed while planning")
	}
	ids := h.plan(c, time.Now())
	h.end(ids[0], overture.Accepted, "")
	h.must(finisher.Once(t.Context()))
	if h.word(`SELECT state FROM campaign WHERE id = $1`, c.ID) != "running" {
		t.Fatal("completed with a queued message")
	}
	h.end(ids[1], overture.Accepted, "")
	open, err := h.store.CampaignsToFinish(t.Context())
	h.must(err)
	done := 0
	for range 2 { // two nodes saw it
		ok, err := h.store.FinishCampaign(t.Context(), open[0], time.Now())
		h.must(err)
		if ok {
			done++
		}
	}
	if done != 1 || h.word(`SELECT state FROM campaign WHERE id = $1`, c.ID) != "completed" || h.word(`SELECT state FROM lane WHERE campaign_id = $1`, c.ID) != "done" {
		t.Errorf("completed %d times", done)
	}
}

// Retry queues only the failures, keeps their history and lets the campaign run again.
func TestRetryFailed(t *testing.T) {
	h := newHouse(t)
	c := h.launched(5)
	ids := h.plan(c, time.Now())
	h.end(ids[0], overture.Accepted, "")
	h.end(ids[1], overture.Failed, overture.ReasonAddressRefused)
	h.end(ids[2], overture.Failed, overture.ReasonAttemptsUsedUp)
	h.end(ids[3], overture.Suppressed, overture.ReasonOptedOut)
	h.end(ids[4], overture.Failed, overture.ReasonSenderRefused)
	finisher := &campaign.Finisher{Store: h.store, Log: slog.New(slog.DiscardHandler)}
	h.must(finisher.Once(t.Context()))
	out, err := h.room.RetryFailed(t.Context(), h.by, c.ID, false)
	h.must(err)
	if out.Retried != 2 {
		t.Errorf("retried %d, want the 2 that may go well another time", out.Retried)
	}
	h.counters(c, map[overture.State]int{overture.Queued: 2, overture.Accepted: 1, overture.Failed: 1, overture.Suppressed: 1})
	if h.word(`SELECT state FROM campaign WHERE id = $1`, c.ID) != "running" || h.word(`SELECT state FROM lane WHERE campaign_id = $1`, c.ID) != "open" {
		t.Error("the campaign does not run again")
	}
	if n := h.number(`SELECT COUNT(*) FROM attempt WHERE message_id = $1`, ids[2]); n != 1 || h.number(`SELECT attempts FROM message WHERE id = $1`, ids[2]) != 1 {
		t.Error("the history of attempts is gone")
	}
	if out, err = h.room.RetryFailed(t.Context(), h.by, c.ID, true); err != nil || out.Retried != 1 {
		t.Errorf("all failures: %+v, %v; want 1", out, err)
	}
	if out, err = h.room.RetryFailed(t.Context(), h.by, c.ID, true); err != nil || out.Retried != 0 {
		t.Errorf("nothing left: %+v, %v", out, err)
	}
	if n := h.number(`SELECT COUNT(*) FROM audit WHERE action = 'campaign.retried'`); n != 2 {
		t.Errorf("%d audit entries, want 2", n)
	}
	h.exec(`UPDATE campaign SET expires_at = $1 WHERE id = $2`, time.Now().Add(-time.Hour).UnixMilli(), c.ID)
	h.end(ids[1], overture.Failed, overture.ReasonAddressRefused)
	if out, err = h.room.RetryFailed(t.Context(), h.by, c.ID, true); err != nil || out.TooLate != 1 || out.Retried != 0 {
		t.Errorf("after the validity: %+v, %v", out, err)
	}
}

// A held message is resolved once, in each of the three ways, and counted where it went.
func TestResolve(t *testing.T) {
	h := newHouse(t)
	c := h.launched(4)
	ids := h.plan(c, time.Now())
	for _, id := range ids[:3] {
		h.end(id, overture.Held, overture.ReasonNotProven)
	}
	h.end(ids[3], overture.Accepted, "")
	h.must((&campaign.Finisher{Store: h.store, Log: slog.New(slog.DiscardHandler)}).Once(t.Context()))
	for i, how := range []overture.Resolution{overture.TreatAsSent, overture.Resend, overture.GiveUp} {
		want := []overture.State{overture.Accepted, overture.Queued, overture.Failed}[i]
		if state, err := h.room.Resolve(t.Context(), h.by, ids[i], how); err != nil || state != want {
			t.Errorf("%s: %v, %v; want %v", how, state, err, want)
		}
		if _, err := h.room.Resolve(t.Context(), h.by, ids[i], overture.GiveUp); code(err) != "message_not_held" {
			t.Errorf("%s again: %v, want message_not_held", how, err)
		}
	}
	h.counters(c, map[overture.State]int{overture.Queued: 1, overture.Accepted: 2, overture.Failed: 1})
	if h.word(`SELECT state FROM campaign WHERE id = $1`, c.ID) != "running" {
		t.Error("the campaign does not run again for the message that is sent again")
	}
	if n := h.number(`SELECT COUNT(*) FROM message WHERE id = $1 AND accepted_at IS NOT NULL AND reason = 'settled_by_person'`, ids[0]); n != 1 {
		t.Error("the message treated as sent does not say so")
	}
	if n := h.number(`SELECT COUNT(*) FROM audit WHERE action = 'message.resolved'`); n != 3 {
		t.Errorf("%d audit entries, want 3", n)
	}
	other := joinHouse(t, h.store, "two")
	if _, err := other.room.Resolve(t.Context(), other.by, ids[3], overture.GiveUp); kind(err) != overture.NotFound {
		t.Errorf("a message of another account: %v, want not found", err)
	}
}

func hasField(err error, location string) bool {
	for _, f := range fieldsOf(err) {
		if f.Location == location {
			return true
		}
	}
	return false
}

// What a person reviewed is what is launched: an edit or a change of the list in between is Conflict, in the launch's own transaction.
func TestLaunchOfAnOldVersion(t *testing.T) {
	h := newHouse(t)
	reviewed := h.draft(nil)
	h.list(reviewed, 1)
	_, err := h.room.Edit(t.Context(), h.by, reviewed.ID, campaign.Change{Text: new("Other")}, reviewed.UpdatedAt)
	h.must(err)
	if _, err := h.store.LaunchCampaign(t.Context(), h.by, reviewed, time.Now()); code(err) != "campaign_changed" {
		t.Errorf("launch of an old version: %v, want campaign_changed", err)
	}
	if _, err := h.store.UpdateDraft(t.Context(), h.by, reviewed, "text", time.Now()); code(err) != "campaign_changed" {
		t.Errorf("edit of an old version: %v, want campaign_changed", err)
	}
	if n := h.number(`SELECT COUNT(*) FROM lane WHERE campaign_id = $1`, reviewed.ID); n != 0 {
		t.Error("the refused launch opened a lane")
	}
}

// A finisher that looked before a retry queued messages again does not complete the campaign after it.
func TestFinishAfterARetry(t *testing.T) {
	h := newHouse(t)
	c := h.launched(1)
	ids := h.plan(c, time.Now())
	h.end(ids[0], overture.Failed, overture.ReasonAttemptsUsedUp)
	seen, err := h.store.CampaignsToFinish(t.Context())
	h.must(err)
	_, err = h.room.RetryFailed(t.Context(), h.by, c.ID, false)
	h.must(err)
	if done, err := h.store.FinishCampaign(t.Context(), seen[0], time.Now()); err != nil || done {
		t.Errorf("completed with a queued message: %v, %v", done, err)
	}
	h.exec(`DELETE FROM dispatch WHERE message_id = $1`, ids[0])
	h.exec(`INSERT INTO inflight (message_id, lane_id, sender_id, due_at, not_after, epoch, attempt, token, started_at, state, lookups, next_lookup_at)
		VALUES ($1, $2, $3, 0, 0, 1, 1, 't', 0, 'unknown', 0, 0)`, ids[0], seen[0].LaneID, h.sender)
	if done, err := h.store.FinishCampaign(t.Context(), seen[0], time.Now()); err != nil || done {
		t.Errorf("completed with a message in flight: %v, %v", done, err)
	}
}
