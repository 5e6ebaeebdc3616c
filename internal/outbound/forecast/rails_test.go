package forecast_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/outbound/dispatch"
	"github.com/overture-im/overture/internal/outbound/forecast"
	"github.com/overture-im/overture/internal/outbound/guard"
	"github.com/overture-im/overture/internal/outbound/schedule"
	"github.com/overture-im/overture/internal/store/storetest"
)

// railed gives a launched campaign of the world its guard rails, as the launch does.
func (w *world) railed(id int64, c overture.Campaign, people int) {
	w.t.Helper()
	watch, rate := overture.Watch{}, c.Rate
	var allowance, budget *int64
	if len(c.Rails.Ramp.Percents) > 0 {
		watch.Phase, rate = overture.PhaseRamp, c.Rails.Ramp.RateAt(0, c.Rate)
	}
	if n := c.Rails.Canary.Size(people); n > 0 {
		watch.Phase, watch.CanarySize, allowance = overture.PhaseCanary, n, new(int64(n))
	}
	if n := c.Rails.Segments; n > 0 {
		budget = &n
	}
	rails, err := json.Marshal(c.Rails)
	if err != nil {
		w.t.Fatal(err)
	}
	raw, err := json.Marshal(watch)
	if err != nil {
		w.t.Fatal(err)
	}
	w.exec(`UPDATE campaign SET rails = $1, watch = $2 WHERE id = $3`, string(rails), string(raw), id)
	w.exec(`UPDATE lane SET rate = $1, allowance = $2, budget = $3 WHERE campaign_id = $4`, rate, allowance, budget, id)
}

// carryOut lets planner, engine and guard work until the campaign has nothing left, or is paused.
func (w *world) carryOut(calendar *schedule.Calendar) {
	w.t.Helper()
	log := slog.New(slog.DiscardHandler)
	planner := schedule.New(schedule.Deps{Store: w.s, Calendar: calendar, Waker: quiet{}, Log: log})
	for planner.Pass(context.Background(), time.Now()) {
	}
	engine, err := dispatch.New(dispatch.Deps{
		Store: withSender{w.s, w}, Providers: map[string]dispatch.Provider{"fake": w}, Windows: calendar,
		Smart: func(s string) string { return s }, Owner: "test", Log: log,
		Callback: func(overture.Sender, overture.MessageID, string) string { return "https://example.test" },
	}, dispatch.Config{Connections: 8})
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{}, 2)
	go func() { _ = engine.Run(ctx); done <- struct{}{} }()
	go func() { _ = guard.New(w.s, nil, log).Run(ctx); done <- struct{}{} }()
	for w.number(`SELECT (SELECT COUNT(*) FROM dispatch) + (SELECT COUNT(*) FROM inflight)`) > 0 && w.number(`SELECT COUNT(*) FROM campaign WHERE state = 'paused'`) == 0 {
		time.Sleep(200 * time.Millisecond)
	}
	stop()
	<-done
	<-done
}

// The forecast of a campaign with canary, ramp and spend limit is what planner, engine and guard then do: as many, and message by message at the same
// time within the guard's looks.
func TestForecastIsExecutionUnderRails(t *testing.T) {
	if storetest.OnPostgres() {
		t.Skip("sockets hold the fake clock; what the forecast reads is tested on both engines")
	}
	fewer(t, 6)
	rapid.Check(t, func(rt *rapid.T) {
		c := overture.Campaign{Window: overture.AlwaysOpen(), Rate: rapid.IntRange(1, 10).Draw(rt, "rate")}
		people := make([]person, rapid.IntRange(20, 150).Draw(rt, "people"))
		for i := range people {
			people[i] = person{zones: "UTC", segments: rapid.IntRange(1, 3).Draw(rt, "segments"), optedOut: rapid.IntRange(0, 9).Draw(rt, "stop") == 0}
		}
		if rapid.Bool().Draw(rt, "canary") {
			c.Rails.Canary = overture.Canary{
				Recipients: rapid.IntRange(1, 15).Draw(rt, "first"), WaitMinutes: rapid.IntRange(0, 3).Draw(rt, "wait"),
				FailedPercent: 100, OptedOutPercent: 100, UnknownPercent: 100,
			}
		}
		if rapid.Bool().Draw(rt, "ramp") {
			c.Rails.Ramp.StepMinutes = 1
			c.Rails.Ramp.Percents = rapid.SampledFrom([][]int{{20}, {10, 50}, {25, 50, 75}}).Draw(rt, "percents")
		}
		if rapid.IntRange(0, 2).Draw(rt, "limited") == 0 {
			c.Rails.Segments = int64(rapid.IntRange(1, 2*len(people)).Draw(rt, "limit"))
		}
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, 10)
			w.campaign(7, c, people)
			w.railed(7, c, len(people))
			calendar := schedule.NewCalendar()
			f, err := w.room(calendar).Make(t.Context(), account, 7, forecast.Wish{})
			if err != nil {
				t.Fatal(err)
			}
			w.carryOut(calendar)
			var at []time.Time
			for _, when := range w.sent {
				at = append(at, when)
			}
			slices.SortFunc(at, time.Time.Compare)
			left := w.number(`SELECT COUNT(*) FROM message WHERE state = 0`)
			paused := w.number(`SELECT COUNT(*) FROM campaign WHERE state = 'paused'`) == 1
			if f.Sent != len(at) || (f.Stop != nil) != paused {
				rt.Fatalf("%+v: forecast %d sent, stop %+v; really %d, paused %v", c.Rails, f.Sent, f.Stop, len(at), paused)
			}
			if paused && f.Stop.By != overture.BarrierCampaignSpend {
				rt.Errorf("stopped by %s", f.Stop.By)
			}
			if paused && (left > f.Stop.Left || left < f.Stop.Left-len(people)/5) { // the engine may have ended skipped ones behind the last that went
				rt.Errorf("forecast %d left, really %d", f.Stop.Left, left)
			}
			if len(at) > 0 {
				const guarded = tolerance + 2*time.Second // the guard's looks at canary and every step
				if d := at[len(at)-1].Sub(f.LastSendAt).Abs(); d > guarded {
					rt.Errorf("%+v at %d a second, %d people: the last goes at %v, forecast %v", c.Rails, c.Rate, len(people), at[len(at)-1].UTC(), f.LastSendAt)
				}
			}
		})
	})
}
