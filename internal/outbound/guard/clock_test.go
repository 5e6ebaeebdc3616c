package guard_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/outbound/guard"
)

// town has one running campaign of a thousand. The guard looks at it by the clock of the bubble.
type town struct {
	guard.Store
	t       *testing.T
	began   time.Time
	mu      sync.Mutex
	c       overture.Guarded
	stopped int // people who stopped the brand
	pauses  []event
	steps   []event
}

// event is what the guard did, and when after the beginning.
type event struct {
	what  string
	words string
	at    time.Duration
}

func watched(t *testing.T, rails overture.CampaignRails) *town {
	t.Helper()
	w := &town{t: t, began: time.Now(), c: overture.Guarded{
		Campaign: overture.Campaign{ID: 7, AccountID: 1, State: overture.Running, RecipientCount: 1000, Rate: 100, Rails: rails},
		Counts:   overture.Counts{}, Limits: overture.Rails{}.WithDefaults(),
	}}
	if n := rails.Canary.Size(1000); n > 0 {
		w.c.Watch = overture.Watch{Phase: overture.PhaseCanary, CanarySize: n}
		w.c.Bounded, w.c.Allowance = true, n
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- guard.New(w, nil, slog.New(slog.DiscardHandler)).Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return w
}

func (w *town) GuardedCampaigns(context.Context) ([]overture.Guarded, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.c.State != overture.Running {
		return nil, nil
	}
	c := w.c
	c.Counts = overture.Counts{}
	for s, n := range w.c.Counts {
		c.Counts[s] = n
	}
	return []overture.Guarded{c}, nil
}

func (w *town) OptedOutCount(context.Context, overture.CampaignID) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stopped, nil
}

func (w *town) PauseByItself(_ context.Context, _ overture.Campaign, rail, reason string, _ time.Time) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.c.State = overture.Paused
	w.pauses = append(w.pauses, event{rail, reason, time.Since(w.began)})
	return true, nil
}

func (w *town) AdvanceWatch(_ context.Context, _ overture.Campaign, next overture.Watch, audit string, _ time.Time) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.c.Watch = next
	w.c.Bounded = next.Phase == overture.PhaseCanary || next.Phase == overture.PhaseVerdict
	w.steps = append(w.steps, event{string(next.Phase), audit, time.Since(w.began)})
	return true, nil
}

func (w *town) PrefixAlerts(context.Context, time.Time) ([]overture.PrefixAlert, error) {
	return nil, nil
}

func (w *town) ForgetTouches(context.Context, time.Time) error { return nil }

// pass lets time go by, and then something happen.
func (w *town) pass(d time.Duration, happens func()) {
	time.Sleep(d)
	w.mu.Lock()
	defer w.mu.Unlock()
	happens()
}

func (w *town) seen() (pauses, steps []event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.pauses, w.steps
}

// Sixty of the last two hundred are bad, after a thousand that were good: the campaign stops within the guard's next look, with the figures. One percent
// less than the limit does not stop it.
func TestALateTurnForTheWorsePauses(t *testing.T) {
	for _, x := range []struct {
		rail   string
		state  overture.State // of the bad ones; queued: people stop the brand instead
		bad    int
		within time.Duration
		words  string
	}{
		{"failed", overture.Failed, 51, time.Second, "25.5 % of the last 200 were refused or not delivered, limit 25 %"},
		{"failed", overture.Undelivered, 51, time.Second, "25.5 % of the last 200 were refused or not delivered, limit 25 %"},
		{"unknown", overture.Unknown, 101, time.Second, "50.5 % of the last 200 are in doubt, limit 50 %"},
		{"unknown", overture.Held, 101, time.Second, "50.5 % of the last 200 are in doubt, limit 50 %"},
		{"opted_out", overture.Queued, 21, 6 * time.Second, "10.5 % of the last 200 made the person stop the brand, limit 10 %"}, // they are counted every five seconds
	} {
		for _, fewer := range []int{0, 1} {
			t.Run(x.rail+"/"+x.state.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := watched(t, overture.CampaignRails{})
					for range 10 {
						w.pass(10*time.Second, func() { w.c.Counts[overture.Delivered] += 100 })
					}
					w.pass(10*time.Second, func() {
						n := x.bad - fewer
						if x.state == overture.Queued {
							w.stopped += n
							w.c.Counts[overture.Delivered] += 200
							return
						}
						w.c.Counts[x.state] += n
						w.c.Counts[overture.Delivered] += 200 - n
					})
					happened := time.Since(w.began)
					w.pass(time.Minute, func() {})
					pauses, _ := w.seen()
					switch {
					case fewer == 1 && len(pauses) > 0:
						t.Errorf("paused at the limit: %+v", pauses)
					case fewer == 0 && (len(pauses) != 1 || pauses[0].what != x.rail || pauses[0].words != x.words || pauses[0].at > happened+x.within):
						t.Errorf("at %v it happened, and %+v", happened, pauses)
					}
				})
			})
		}
	}
}

// A node was killed in mid-campaign, and what it had under way is in doubt: no word about the provider. What comes on top of it is.
func TestWhatAKilledNodeLeftPausesNothing(t *testing.T) {
	for _, more := range []int{0, 101} {
		synctest.Test(t, func(t *testing.T) {
			w := watched(t, overture.CampaignRails{})
			for range 10 {
				w.pass(10*time.Second, func() { w.c.Counts[overture.Delivered] += 100 })
			}
			w.pass(10*time.Second, func() {
				w.c.Counts[overture.Unknown], w.c.Adopted = 600+more, 600
				w.c.Counts[overture.Delivered] += 200 - more
			})
			w.pass(time.Minute, func() {})
			if pauses, _ := w.seen(); len(pauses) != min(more, 1) {
				t.Errorf("with %d doubts of the provider's: %+v", more, pauses)
			}
		})
	}
}

// A campaign becomes slow, and what comes late is of what went out before: people stop and messages come back at the pace of then. That is no turn for the
// worse, also for a node that starts in the middle of it. The same beside a steady pace is.
func TestWhatComesLateIsOfEarlierMessages(t *testing.T) {
	for _, x := range []struct {
		what   string
		slow   bool
		start  int // outcomes before this guard looks
		burst  int // every so many seconds what went out meanwhile ends at once, as doubts do; 0: every second
		happen func(w *town)
		pauses int
	}{
		{"stops, slow", true, 0, 0, func(w *town) { w.stopped += 6 }, 0},
		{"not delivered, slow", true, 0, 0, func(w *town) { w.c.Counts[overture.Undelivered] += 15; w.c.Counts[overture.Delivered] -= 15 }, 0},
		{"stops, slow, a node that has just begun", true, 100_000, 0, func(w *town) { w.stopped += 6 }, 0},
		{"stops, in bursts, a node that has just begun", true, 100_000, 60, func(w *town) { w.stopped += 6 }, 0},
		{"refused, slow", true, 0, 0, func(w *town) { w.c.Counts[overture.Failed] += 3; w.c.Counts[overture.Delivered] -= 3 }, 1},
		{"stops, steady", false, 0, 0, func(w *town) { w.stopped += 15 }, 1},
		{"not delivered, steady", false, 0, 0, func(w *town) { w.c.Counts[overture.Undelivered] += 30; w.c.Counts[overture.Delivered] -= 30 }, 1},
	} {
		t.Run(x.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := watched(t, overture.CampaignRails{})
				w.mu.Lock()
				w.c.Counts[overture.Delivered] = x.start
				w.c.LaunchedAt = w.began.Add(-10 * time.Minute)
				w.mu.Unlock()
				if x.start == 0 {
					for range 600 {
						w.pass(time.Second, func() { w.c.Counts[overture.Delivered] += 100 })
					}
				}
				for i := range 600 {
					w.pass(time.Second, func() {
						n := 100
						switch {
						case x.burst > 0 && (i+1)%x.burst == 0:
							n = 4 * x.burst
						case x.burst > 0:
							n = 0
						case x.slow:
							n = 4
						}
						w.c.Counts[overture.Delivered] += n
						x.happen(w)
					})
				}
				if pauses, _ := w.seen(); len(pauses) != x.pauses {
					t.Errorf("%+v, want %d", pauses, x.pauses)
				}
			})
		})
	}
}

// A night without a message, in which people stop because of those of the evening, pauses nothing in the morning.
func TestStopsOfANightAreOfTheEvening(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watched(t, overture.CampaignRails{})
		for range 600 {
			w.pass(time.Second, func() { w.c.Counts[overture.Delivered] += 100 })
		}
		for range 100 {
			w.pass(5*time.Minute, func() { w.stopped += 5 })
		}
		for range 600 {
			w.pass(time.Second, func() { w.c.Counts[overture.Delivered] += 4 })
		}
		if pauses, _ := w.seen(); len(pauses) != 0 {
			t.Errorf("%+v", pauses)
		}
	})
}

// A canary of fifty goes out in a minute, is judged five minutes later, and then the rate rises every ten minutes.
func TestACanaryAndThenARamp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watched(t, overture.CampaignRails{
			Canary: overture.Canary{Percent: 5, WaitMinutes: 5, FailedPercent: 10}, Ramp: overture.Ramp{Percents: []int{10, 50}, StepMinutes: 10},
		})
		w.pass(time.Minute, func() { w.c.Allowance, w.c.Flying = 0, 3 })
		w.pass(time.Minute, func() { // the last three are still on their way
			if len(w.steps) != 0 {
				t.Errorf("the canary is over while some of it fly: %+v", w.steps)
			}
			w.c.Flying = 0
			w.c.Counts[overture.Delivered], w.c.Counts[overture.Failed] = 45, 5
		})
		w.pass(time.Hour, func() {})
		pauses, steps := w.seen()
		if len(pauses) != 0 {
			t.Fatalf("paused: %+v", pauses)
		}
		want := []event{
			{"verdict", "the canary of 50 went out", 2 * time.Minute},
			{"ramp", "the canary of 50 went well", 7 * time.Minute},
			{"ramp", "the ramp goes to 50 %", 17 * time.Minute},
			{"", "the ramp is over", 27 * time.Minute},
		}
		if len(steps) != len(want) {
			t.Fatalf("%+v", steps)
		}
		for i, s := range steps {
			if s.what != want[i].what || !strings.Contains(s.words, want[i].words) || s.at < want[i].at || s.at > want[i].at+3*time.Second {
				t.Errorf("step %d: %+v, want %+v", i, s, want[i])
			}
		}
	})
}

// One more than a tenth of the canary fails: its verdict pauses the campaign, not before the wait is over, and no ramp begins.
func TestABadCanaryHasNoRamp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watched(t, overture.CampaignRails{
			Canary: overture.Canary{Recipients: 50, WaitMinutes: 5, FailedPercent: 10}, Ramp: overture.Ramp{Percents: []int{10}, StepMinutes: 10},
		})
		w.pass(time.Minute, func() {
			w.c.Allowance = 0
			w.c.Counts[overture.Delivered], w.c.Counts[overture.Failed] = 44, 6
		})
		w.pass(time.Hour, func() {})
		pauses, steps := w.seen()
		if len(pauses) != 1 || pauses[0].what != "canary" || !strings.Contains(pauses[0].words, "6 of the canary's 50 were refused or not delivered (12 %), limit 10 %") ||
			pauses[0].at < 6*time.Minute || pauses[0].at > 6*time.Minute+2*time.Second || len(steps) != 1 {
			t.Errorf("pauses %+v, steps %+v", pauses, steps)
		}
	})
}
