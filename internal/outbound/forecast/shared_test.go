package forecast_test

import (
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/outbound/forecast"
	"github.com/overture-im/overture/internal/outbound/schedule"
	"github.com/overture-im/overture/internal/store/storetest"
)

// Two campaigns on one sender, against the real engine. The other one is known by counts and mean segments, and its opt-outs are not known, so times may be a fifth beside;
// who is sent to is exact all the same.
func TestASharedSenderIsForecast(t *testing.T) {
	if storetest.OnPostgres() {
		t.Skip("sockets hold the fake clock; what the forecast reads is tested on both engines")
	}
	fewer(t, 3)
	rapid.Check(t, func(rt *rapid.T) {
		senderRate := rapid.SampledFrom([]int{1, 2, 5}).Draw(rt, "sender rate")
		draw := func(name string) (overture.Campaign, []person) {
			c := overture.Campaign{Window: overture.DefaultWindow(), Rate: rapid.IntRange(1, senderRate).Draw(rt, name+" rate")}
			var people []person
			for range rapid.IntRange(1, 80).Draw(rt, name+" people") {
				people = append(people, person{
					zones: "America/New_York", segments: rapid.IntRange(1, 2).Draw(rt, "segments"), optedOut: rapid.IntRange(0, 9).Draw(rt, "stop") == 0,
				})
			}
			return c, people
		}
		ours, people := draw("ours")
		other, others := draw("other")
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(time.Until(time.Date(2026, 11, 20, 17, 0, 0, 0, time.UTC)))
			w := newWorld(t, senderRate)
			w.campaign(7, ours, people)
			w.campaign(8, other, others)
			began := time.Now()
			calendar := schedule.NewCalendar()
			f, err := w.room(calendar).Make(t.Context(), account, 7, forecast.Wish{})
			if err != nil {
				t.Fatal(err)
			}
			if len(f.Others) != 1 || f.Others[0].Waiting != len(others) {
				rt.Errorf("knows of %+v, really %d", f.Others, len(others))
			}
			w.execute(calendar)
			sent, segments := 0, 0
			var last time.Time
			for _, o := range w.outcomes(7) {
				if o.state.WasAccepted() {
					sent, segments = sent+1, segments+o.segments
				}
				if o.at.After(last) {
					last = o.at
				}
			}
			if f.Sent != sent || f.Segments != segments || f.Skipped[overture.ReasonOptedOut] != len(people)-sent {
				rt.Errorf("forecast %d sent with %d segments, skipped %v; really %d with %d of %d", f.Sent, f.Segments, f.Skipped, sent, segments, len(people))
			}
			// Opted-out people of the other campaign are not known: each takes a turn in the forecast that it does not take.
			slack := 5*time.Second + last.Sub(began)/5
			if d := f.FinishAt.Sub(last); d.Abs() > slack {
				rt.Errorf("forecast to finish %v, really %v (%v of %v)", f.FinishAt, last, d, last.Sub(began))
			}
		})
	})
}
