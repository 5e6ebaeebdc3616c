package forecast_test

import (
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/outbound/forecast"
)

// hours gives the same window on every day.
func hours(from, to int) overture.Window {
	var w overture.Window
	for d := range w.Days {
		w.Days[d] = overture.Hours{From: from, To: to}
	}
	return w
}

func (w *world) forecastAt(now time.Time, c overture.Campaign, people []person) forecast.Forecast {
	w.t.Helper()
	w.campaign(7, c, people)
	w.draft(7)
	f, err := w.roomAt(now).Make(w.t.Context(), account, 7, forecast.Wish{})
	if err != nil {
		w.t.Fatal(err)
	}
	return f
}

func TestWhatDoesNotFitBeforeTheWindowClosesGoesTheNextDay(t *testing.T) {
	w := newWorld(t, 1)
	// Two minutes a day less the five seconds of the send deadline: 114 messages, the first after a second.
	f := w.forecastAt(noon, overture.Campaign{Window: hours(18*60, 18*60+2), Rate: 1}, crowd(200, "UTC"))
	opens := noon.Add(time.Hour)
	if f.Sent != 200 || len(f.Zones) != 1 || len(f.Zones[0].Hours) != 2 || f.Zones[0].Hours[0].Sent != 114 || f.Zones[0].Hours[1].Sent != 86 {
		t.Fatalf("%d sent, by hour %+v", f.Sent, f.Zones[0].Hours)
	}
	if want := opens.Add(24*time.Hour + 86*time.Second); f.FinishAt.Sub(want).Abs() > time.Second {
		t.Errorf("finishes %v, want %v", f.FinishAt, want)
	}
}

func TestADebtIsForgottenOverARest(t *testing.T) {
	w := newWorld(t, 1)
	people := []person{{zones: "UTC", segments: 9}, {zones: "Pacific/Honolulu", segments: 1}} // 07:00 there
	f := w.forecastAt(noon, overture.Campaign{Window: hours(8*60, 21*60), Rate: 1}, people)
	if want := noon.Add(time.Hour + time.Second); f.FinishAt.Sub(want).Abs() > 100*time.Millisecond {
		t.Errorf("finishes %v, want %v: whoever takes the sender up again begins with an empty bucket and without debts", f.FinishAt, want)
	}
}
