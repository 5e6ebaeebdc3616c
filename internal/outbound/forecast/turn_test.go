package forecast_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/outbound/forecast"
	"github.com/overture-im/overture/internal/outbound/schedule"
)

// drafts has a draft under every id.
type drafts struct{ forecast.Store }

func (drafts) Campaign(_ context.Context, account overture.AccountID, id overture.CampaignID) (overture.Campaign, error) {
	return overture.Campaign{ID: id, AccountID: account, State: overture.Draft}, nil
}

// slowLists take a minute to say that there is nobody, and count who asks meanwhile.
type slowLists struct{ asking, most int }

func (l *slowLists) Summary(context.Context, overture.AccountID, overture.CampaignID) (overture.ListSummary, error) {
	l.asking++
	l.most = max(l.most, l.asking)
	time.Sleep(time.Minute)
	l.asking--
	return overture.ListSummary{}, nil
}

// A node makes two forecasts at once; who finds no turn within seconds is told when to come back, and gets one then.
func TestTwoForecastsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &slowLists{}
		room := forecast.New(forecast.Deps{Store: drafts{}, Lists: l, Windows: schedule.NewCalendar()})
		answers := make(chan error, 5)
		for i := range cap(answers) {
			go func() {
				_, err := room.Make(t.Context(), account, overture.CampaignID(i+1), forecast.Wish{})
				answers <- err
			}()
		}
		busy := 0
		for range cap(answers) {
			if err := <-answers; overture.KindOf(err) == overture.Unavailable && code(err) == "forecasts_busy" {
				busy++
			} else if code(err) != "no_recipients" {
				t.Error(err)
			}
		}
		if busy != 3 || l.most != 2 {
			t.Errorf("%d turned away, %d made at once; want 3 and 2", busy, l.most)
		}
		if _, err := room.Make(t.Context(), account, 9, forecast.Wish{}); code(err) != "no_recipients" {
			t.Errorf("no turn after the others are done: %v", err)
		}
	})
}

// staleLists have nobody valid until the list is checked again.
type staleLists struct {
	lists
	checked bool
}

func (l *staleLists) Summary(ctx context.Context, a overture.AccountID, c overture.CampaignID) (overture.ListSummary, error) {
	sum, err := l.lists.Summary(ctx, a, c)
	if !l.checked {
		sum.Stale, sum.Valid = true, 0
	}
	return sum, err
}

// Who is valid is asked again after a new text made the list be checked again.
func TestForecastAfterTheListWasCheckedAgain(t *testing.T) {
	w := newWorld(t, 1)
	w.campaign(7, overture.Campaign{Window: overture.AlwaysOpen(), Rate: 1}, crowd(3, "UTC"))
	w.draft(7)
	l := &staleLists{lists: lists{w.s}}
	room := forecast.New(forecast.Deps{
		Store: w.s, Lists: l, Windows: schedule.NewCalendar(), Now: func() time.Time { return noon },
		Recheck: func(context.Context, overture.AccountID, overture.CampaignID) error { l.checked = true; return nil },
	})
	if _, err := room.Make(t.Context(), account, 7, forecast.Wish{ListAsChecked: true}); code(err) != "list_unchecked" || l.checked {
		t.Errorf("checked %v, %v, want neither check nor forecast", l.checked, err)
	}
	if f, err := room.Make(t.Context(), account, 7, forecast.Wish{}); err != nil || f.Sent != 3 {
		t.Errorf("%d sent, %v", f.Sent, err)
	}
}

// The account's limits of a day are not played, and a forecast says so.
func TestDayLimitsAreNoted(t *testing.T) {
	w := newWorld(t, 1)
	w.campaign(7, overture.Campaign{Window: overture.AlwaysOpen(), Rate: 1}, crowd(3, "UTC"))
	w.draft(7)
	notes := func() string {
		f, err := w.roomAt(noon).Make(t.Context(), account, 7, forecast.Wish{})
		if err != nil {
			t.Fatal(err)
		}
		return overture.Joined("\n", f.Notes...).String()
	}
	if said := notes(); strings.Contains(said, "per UTC day") {
		t.Errorf("without a limit: %s", said)
	}
	w.exec(`UPDATE account SET settings = '{"rails":{"segments_per_day":2500}}'`)
	if said := notes(); !strings.Contains(said, "limit of 2,500 segments per UTC day is not played: 0 are spent today, this campaign takes 3") {
		t.Errorf("with a limit: %s", said)
	}
}
