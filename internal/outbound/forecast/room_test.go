package forecast_test

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/outbound/forecast"
	"github.com/overture-im/overture/internal/outbound/schedule"
	"github.com/overture-im/overture/internal/store/storetest"
)

func crowd(n int, zones string) []person {
	out := make([]person, n)
	for i := range out {
		out[i] = person{zones: zones, segments: 1}
	}
	return out
}

// roomAt gives the room with a clock that stands still.
func (w *world) roomAt(now time.Time) *forecast.Service {
	return forecast.New(forecast.Deps{Store: w.s, Lists: lists{w.s}, Windows: schedule.NewCalendar(), Now: func() time.Time { return now }})
}

// draft turns a campaign back into what it was before its launch.
func (w *world) draft(id int64) {
	w.exec(`UPDATE campaign SET state = 'draft', launched_at = NULL, launch_at = NULL, planning = FALSE WHERE id = $1`, id)
	w.exec(`DELETE FROM lane WHERE campaign_id = $1`, id)
}

func code(err error) string {
	var known *overture.Error
	if errors.As(err, &known) {
		return known.Code
	}
	return ""
}

var noon = time.Date(2026, 11, 20, 17, 0, 0, 0, time.UTC) // 12:00 in New York, 09:00 in Los Angeles, 02:00 in Tokyo

func TestADraftIsForecastHourByHourAndZoneByZone(t *testing.T) {
	w := newWorld(t, 1)
	people := append(crowd(3600, "America/New_York"), crowd(1800, "Asia/Tokyo")...)
	people[0].optedOut, people[1].segments = true, 3
	people = append(people, crowd(5, "Mars/Olympus")...)
	w.campaign(7, overture.Campaign{Window: overture.DefaultWindow(), Rate: 1}, people)
	w.draft(7)
	w.exec(`INSERT INTO price_table (account_id, version, currency, prices, created_by, created_at) VALUES (1, 1, 'USD', '[{"channel":"sms","prefix":"12120071","micros":5000},{"channel":"sms","prefix":"1212007","micros":7900}]', '', 0)`)
	room := w.roomAt(noon)
	f, err := room.Make(t.Context(), account, 7, forecast.Wish{})
	if err != nil {
		t.Fatal(err)
	}
	if f.Recipients != 5405 || f.Sent != 5399 || f.Segments != 5401 || !maps.Equal(f.Skipped, map[string]int{overture.ReasonOptedOut: 1, overture.ReasonNoOpenWindow: 5}) {
		t.Errorf("%d recipients, %d sent, %d segments, skipped %v", f.Recipients, f.Sent, f.Segments, f.Skipped)
	}
	// Numbers …0071000 to …0071999 cost 5000 each, the others 7900.
	if want := int64(1000*5000 + 4401*7900); f.Cost.Micros != want || f.Cost.Unpriced != 0 || f.Currency != "USD" {
		t.Errorf("cost %+v, want %d", f.Cost, want)
	}
	// One in New York needs no window; 3,601 segments take an hour and a second. Tokyo opens at 23:00 UTC and takes half an hour.
	tokyo := time.Date(2026, 11, 20, 23, 0, 0, 0, time.UTC)
	if d := f.FinishAt.Sub(tokyo.Add(30 * time.Minute)); d.Abs() > 2*time.Second {
		t.Errorf("finishes %v", f.FinishAt)
	}
	if len(f.Hours) != 7 || f.Hours[0].Sent != 3597 || f.Hours[0].Held != 1800 || f.Hours[0].Queued != 7 || f.Hours[3].Sent != 0 || f.Hours[3].Held != 1800 || f.Hours[6].Sent != 1800 {
		t.Errorf("hours %+v", f.Hours)
	}
	if len(f.Zones) != 3 || f.Zones[1].Zones[0] != "Asia/Tokyo" || f.Zones[1].Held != 1800 || !f.Zones[1].HeldUntil.Equal(tokyo) || f.Zones[1].Hours[0].Sent != 1800 {
		t.Errorf("zones %+v", f.Zones)
	}
	if f.Bound != forecast.BoundWindow || !strings.Contains(f.Words[0].String(), "1,800 recipients in Asia/Tokyo wait until 2026-11-20 23:00") {
		t.Errorf("%s: %v", f.Bound, f.Words)
	}
}

func TestTheReasonIsRateOrWindowOrBoth(t *testing.T) {
	for name, tc := range map[string]struct {
		zones string
		n     int
		want  forecast.Bound
		says  string
	}{
		"nothing": {"UTC", 10, forecast.BoundNothing, "within a minute"},
		"rate":    {"UTC", 7200, forecast.BoundRate, "at 20 segments per second it finishes"},
		"window":  {"Asia/Tokyo", 100, forecast.BoundWindow, "a higher rate changes nothing"},
		"both":    {"Asia/Tokyo", 36_000, forecast.BoundBoth, "because of both"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 20)
			w.campaign(7, overture.Campaign{Window: overture.DefaultWindow(), Rate: 2}, crowd(min(tc.n, 7200), tc.zones))
			if tc.n > 7200 { // the same people, each with a long text
				w.exec(`UPDATE recipient SET segments = 5`)
			}
			w.draft(7)
			f, err := w.roomAt(noon).Make(t.Context(), account, 7, forecast.Wish{})
			if err != nil {
				t.Fatal(err)
			}
			if f.Bound != tc.want || !strings.Contains(overture.Joined("\n", f.Words...).String(), tc.says) {
				t.Errorf("%s, want %s: %v", f.Bound, tc.want, f.Words)
			}
		})
	}
}

func TestWishesChangeTheForecastAndNothingElse(t *testing.T) {
	w := newWorld(t, 100)
	w.campaign(7, overture.Campaign{Window: overture.DefaultWindow(), Rate: 1}, crowd(600, "UTC"))
	w.draft(7)
	room := w.roomAt(noon)
	launch := noon.Add(time.Hour)
	f, err := room.Make(t.Context(), account, 7, forecast.Wish{LaunchAt: &launch, Rate: 10})
	if err != nil {
		t.Fatal(err)
	}
	if !f.StartAt.Equal(launch) || f.FinishAt.Sub(launch).Round(time.Second) != time.Minute {
		t.Errorf("starts %v and finishes %v", f.StartAt, f.FinishAt)
	}
	if n := w.number(`SELECT COUNT(*) FROM campaign WHERE rate = 1 AND launch_at IS NULL AND state = 'draft'`); n != 1 {
		t.Error("the draft was changed")
	}
	// Somebody who opts out is seen at once, though the list was read a moment ago.
	w.exec(`INSERT INTO opt_out (brand_id, channel, address, account_id, source, evidence, review, created_at) VALUES (2, 'sms', '+12120070000', 1, 'api', '', FALSE, $1)`, noon.UnixMilli())
	if f, err = room.Make(t.Context(), account, 7, forecast.Wish{}); err != nil || f.Skipped[overture.ReasonOptedOut] != 1 {
		t.Errorf("after an opt-out: %v %v", f.Skipped, err)
	}
}

func TestNothingGoesBeforeTheUndoWindowIsOver(t *testing.T) {
	w := newWorld(t, 10)
	w.campaign(7, overture.Campaign{Window: overture.DefaultWindow(), Rate: 10}, crowd(10, "UTC"))
	w.draft(7)
	w.exec(`UPDATE campaign SET undo_seconds = 90`)
	f, err := w.roomAt(noon).Make(t.Context(), account, 7, forecast.Wish{})
	if err != nil || f.StartAt.Sub(noon) != 90*time.Second || f.FirstSendAt.Before(f.StartAt) {
		t.Errorf("starts %v, first send %v: %v", f.StartAt, f.FirstSendAt, err)
	}
}

func TestWhatCannotBeForecastSaysWhy(t *testing.T) {
	w := newWorld(t, 1)
	w.campaign(7, overture.Campaign{Window: overture.DefaultWindow(), Rate: 1}, nil)
	w.draft(7)
	room := w.roomAt(noon)
	try := func(want string) {
		t.Helper()
		if _, err := room.Make(t.Context(), account, 7, forecast.Wish{}); code(err) != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	try("no_recipients")
	w.exec(`UPDATE list_import SET state = 'loading'`)
	try("list_loading")
	w.exec(`DELETE FROM list_import`)
	w.exec(`DELETE FROM campaign`)
	try("campaign_not_found")
	w.campaign(7, overture.Campaign{Window: overture.DefaultWindow(), Rate: 1}, crowd(2, "UTC"))
	w.draft(7)
	w.exec(`UPDATE campaign SET text = ''`)
	try("no_text")
	w.exec(`UPDATE campaign SET state = 'completed'`)
	try("campaign_over")
	if _, err := room.Make(t.Context(), account+1, 7, forecast.Wish{}); code(err) != "campaign_not_found" {
		t.Errorf("another account: %v", err)
	}
}

func TestOtherCampaignsShareTheRate(t *testing.T) {
	w := newWorld(t, 2)
	w.campaign(7, overture.Campaign{Window: overture.DefaultWindow(), Rate: 2}, crowd(1000, "UTC"))
	w.draft(7)
	room := w.roomAt(noon)
	alone, err := room.Make(t.Context(), account, 7, forecast.Wish{})
	if err != nil {
		t.Fatal(err)
	}
	w.campaign(8, overture.Campaign{Window: overture.DefaultWindow(), Rate: 2, LaunchAt: noon}, crowd(300, "UTC"))
	w.exec(`UPDATE campaign SET launch_at = $1 WHERE id = 8`, noon.UnixMilli())
	shared, err := room.Make(t.Context(), account, 7, forecast.Wish{})
	if err != nil {
		t.Fatal(err)
	}
	// The short one goes first, nine turns of ten; after it ours has the sender alone. All in all it is the work of both.
	if d := shared.FinishAt.Sub(alone.FinishAt) - 150*time.Second; d.Abs() > time.Second || len(shared.Others) != 1 || shared.Others[0].Waiting != 300 {
		t.Errorf("alone %v, shared %v; others %+v", alone.FinishAt, shared.FinishAt, shared.Others)
	}
	if len(shared.Notes) == 0 {
		t.Error("an approximation that nobody is told of")
	}
}

func TestTheForecastOfALaunchIsKeptAndCompared(t *testing.T) {
	w := newWorld(t, 10)
	people := crowd(50, "UTC")
	people[3].optedOut = true
	w.campaign(7, overture.Campaign{Window: overture.DefaultWindow(), Rate: 10, LaunchAt: noon}, people)
	w.exec(`UPDATE campaign SET launched_at = $1, launch_at = $1`, noon.UnixMilli())
	room := w.roomAt(noon.Add(time.Hour))
	if _, err := room.Compare(t.Context(), account, 7); code(err) != "forecast_not_found" {
		t.Errorf("launched by an older version: %v", err)
	}
	w.exec(`INSERT INTO campaign_forecast (campaign_id, account_id, state, launched_at, forecast, actual, finish_at, made_at) VALUES (7, 1, 'pending', $1, '', '', 0, 0)`, noon.UnixMilli())
	if _, err := room.Compare(t.Context(), account, 7); code(err) != "forecast_pending" {
		t.Errorf("not made yet: %v", err)
	}
	// What happened: 40 went in the first hour, the one who had opted out was skipped, two failed, seven wait, and there was a pause.
	planner := schedule.New(schedule.Deps{Store: w.s, Calendar: schedule.NewCalendar(), Waker: quiet{}, Log: slog.New(slog.DiscardHandler)})
	for planner.Pass(t.Context(), noon) {
	}
	w.exec(`UPDATE message SET state = 70, accepted_at = $1 WHERE recipient_id > 700010`, noon.Add(time.Minute).UnixMilli())
	w.exec(`UPDATE message SET state = 22, reason = 'opted_out', updated_at = $1 WHERE recipient_id = 700004`, noon.Add(time.Minute).UnixMilli())
	w.exec(`UPDATE message SET state = 30, reason = 'address_refused' WHERE recipient_id IN (700001, 700002)`)
	w.exec(`INSERT INTO audit (id, account_id, actor, action, subject, detail, request_id, at) VALUES (100, 1, '', 'campaign.paused', 'cmp_7', '', '', $1), (101, 1, '', 'campaign.resumed', 'cmp_7', '', '', $2),
		(102, 1, '', 'campaign.paused_by_itself', 'cmp_7', '', '', $3), (103, 1, '', 'campaign.resumed', 'cmp_7', '', '', $4)`,
		noon.UnixMilli(), noon.Add(10*time.Minute).UnixMilli(), noon.Add(20*time.Minute).UnixMilli(), noon.Add(25*time.Minute).UnixMilli())
	pending, err := w.s.PendingForecasts(t.Context(), "", 10)
	if err != nil || len(pending) != 1 {
		t.Fatal(pending, err)
	}
	if err := room.Keep(t.Context(), pending[0]); err != nil {
		t.Fatal(err)
	}
	if pending, _ := w.s.PendingForecasts(t.Context(), "", 10); len(pending) != 0 {
		t.Error("still to be made")
	}
	x, err := room.Compare(t.Context(), account, 7)
	if err != nil {
		t.Fatal(err)
	}
	if st, err := w.s.Standing(t.Context(), account, 7); err != nil || !st.ForecastFinishAt.Equal(x.Forecast.FinishAt.Truncate(time.Millisecond)) {
		t.Errorf("the progress does not know when it should finish: %v %v", st.ForecastFinishAt, err)
	}
	// The forecast is of the launch: everybody, though most have gone by now.
	if x.Forecast.Recipients != 50 || x.Forecast.Sent != 49 || x.Forecast.Skipped[overture.ReasonOptedOut] != 1 || !x.Forecast.StartAt.Equal(noon) {
		t.Errorf("forecast %+v", x.Forecast)
	}
	if a := x.Actual; a.Sent != 40 || a.Failed != 2 || a.Waiting != 7 || a.Skipped[overture.ReasonOptedOut] != 1 || a.Over {
		t.Errorf("actual %+v", a)
	}
	if len(x.Hours) != 1 || x.Hours[0].Forecast.Sent != 49 || x.Hours[0].Actual.Sent != 40 {
		t.Errorf("hours %+v", x.Hours)
	}
	words := overture.Joined("\n", x.Words...).String()
	for _, want := range []string{"7 messages still wait", "paused 2 times, 15 min 0 s", "2 messages failed"} {
		if !strings.Contains(words, want) {
			t.Errorf("words %q, want %q in them", words, want)
		}
	}
	// The rest goes; the comparison of an ended campaign is kept.
	w.exec(`UPDATE message SET state = 50, accepted_at = $1 WHERE state = 0`, noon.Add(61*time.Minute).UnixMilli())
	w.exec(`UPDATE campaign_count SET n = 0 WHERE state = 0`)
	w.exec(`UPDATE campaign SET state = 'completed', completed_at = 1`)
	for range 2 {
		if x, err = w.roomAt(noon.Add(2*time.Hour)).Compare(t.Context(), account, 7); err != nil || !x.Actual.Over || x.Actual.Sent != 47 || len(x.Hours) != 2 {
			t.Errorf("at the end: %+v %v", x.Actual, err)
		}
	}
	if n := w.number(`SELECT COUNT(*) FROM campaign_forecast WHERE actual <> '' AND state = 'kept'`); n != 1 {
		t.Error("what happened was not kept")
	}
	if _, err := room.Compare(t.Context(), account+1, 7); code(err) != "campaign_not_found" {
		t.Errorf("another account: %v", err)
	}
}

// slow is a store whose list is read only when the test lets it.
type slow struct {
	forecast.Store
	reads chan struct{}
	read  chan struct{}
}

func (s slow) EachOutcome(ctx context.Context, account overture.AccountID, campaign overture.CampaignID, outcomes bool, f func(overture.ListedOutcome) error) error {
	s.reads <- struct{}{}
	<-s.read
	return s.Store.EachOutcome(ctx, account, campaign, outcomes, f)
}

func TestOneNodeMakesTheForecastOfALaunch(t *testing.T) {
	if !storetest.OnPostgres() {
		t.Skip("there is one process on SQLite")
	}
	w := newWorld(t, 10)
	w.campaign(7, overture.Campaign{Window: overture.DefaultWindow(), Rate: 10, LaunchAt: noon}, crowd(50, "UTC"))
	w.exec(`UPDATE campaign SET launched_at = $1, launch_at = $1`, noon.UnixMilli())
	w.exec(`INSERT INTO campaign_forecast (campaign_id, account_id, state, launched_at, forecast, actual, finish_at, made_at) VALUES (7, 1, 'pending', $1, '', '', 0, 0)`, noon.UnixMilli())
	node := func(owner string) (*forecast.Service, slow) {
		s := slow{w.s, make(chan struct{}, 9), make(chan struct{})}
		return forecast.New(forecast.Deps{Store: s, Lists: lists{w.s}, Windows: schedule.NewCalendar(), Owner: owner, Now: func() time.Time { return noon }}), s
	}
	one, first := node("one")
	two, second := node("two")
	close(second.read)
	launch := overture.KeptForecast{AccountID: account, CampaignID: 7, LaunchedAt: noon}
	done := make(chan error)
	go func() { done <- one.Keep(t.Context(), launch) }()
	<-first.reads
	if pending, err := w.s.PendingForecasts(t.Context(), "two", 10); err != nil || len(pending) != 0 {
		t.Errorf("the other node finds %v %v", pending, err)
	}
	if err := two.Keep(t.Context(), launch); err != nil || len(second.reads) != 0 {
		t.Errorf("the other node made it too: %v", err)
	}
	// The first node is silent for too long: the other one makes it, and what the first has in the end is not written over it.
	w.exec(`UPDATE campaign_forecast SET expires_at = 1`)
	if err := two.Keep(t.Context(), launch); err != nil || len(second.reads) != 1 {
		t.Fatalf("nobody else made it: %v", err)
	}
	made := w.number(`SELECT COUNT(*) FROM campaign_forecast WHERE state = 'kept' AND owner = 'two'`)
	close(first.read)
	if err := <-done; err != nil || made != 1 || w.number(`SELECT COUNT(*) FROM campaign_forecast WHERE state = 'kept' AND owner = 'two'`) != 1 {
		t.Errorf("%d kept by the second node, then %v", made, err)
	}
}

// ruled is a policy pack that caps everybody at one message a day.
type ruled struct{ ruling *overture.Ruling }

func (r ruled) For(overture.Address) *overture.Ruling { return r.ruling }

func TestFrequencyCapsAreCounted(t *testing.T) {
	for name, hold := range map[string]bool{"suppressed": false, "held": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 10)
			w.campaign(7, overture.Campaign{Window: overture.AlwaysOpen(), Rate: 10}, crowd(20, "UTC"))
			w.draft(7)
			// Three of them had a message 23 hours ago.
			w.campaign(6, overture.Campaign{Window: overture.AlwaysOpen(), Rate: 10}, crowd(3, "UTC"))
			w.exec(`UPDATE campaign SET launched_at = $1, completed_at = $1, planning = FALSE WHERE id = 6`, noon.Add(-23*time.Hour).UnixMilli())
			w.exec(`DELETE FROM recipient_address WHERE campaign_id = 6`)
			for i := range 3 {
				w.exec(`INSERT INTO recipient_address (address, campaign_id, recipient_id) SELECT address, 6, $1 FROM recipient WHERE id = $2`, 600_001+i, 700_001+i)
				w.exec(`INSERT INTO message (id, account_id, campaign_id, recipient_id, entry_id, sender_id, lane_id, leg, address, body, state, attempts, segments, provider_id, code, reason, accepted_at, updated_at)
					SELECT $1, 1, 6, $1, 0, 3, 1006, 0, address, '', 50, 1, 1, 'x', 0, '', $3, $3 FROM recipient WHERE id = $2`, 600_001+i, 700_001+i, noon.Add(-23*time.Hour).UnixMilli())
			}
			room := forecast.New(forecast.Deps{
				Store: w.s, Lists: lists{w.s}, Windows: schedule.NewCalendar(), Now: func() time.Time { return noon },
				Rules: func(context.Context, overture.Campaign) (*overture.Rules, error) {
					return &overture.Rules{Rulings: ruled{&overture.Ruling{Caps: []overture.Cap{{Max: 1, Per: 24 * time.Hour}}, Hold: hold}}}, nil
				},
			})
			f, err := room.Make(t.Context(), account, 7, forecast.Wish{})
			if err != nil {
				t.Fatal(err)
			}
			if !hold && (f.Sent != 17 || f.Skipped[overture.ReasonCapped] != 3) {
				t.Errorf("%d sent, skipped %v", f.Sent, f.Skipped)
			}
			if hold && (f.Sent != 20 || f.FinishAt.Sub(noon).Round(10*time.Minute) != time.Hour) {
				t.Errorf("%d sent, finishes %v", f.Sent, f.FinishAt)
			}
		})
	}
}
