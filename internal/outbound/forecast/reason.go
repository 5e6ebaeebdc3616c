package forecast

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/overture-im/overture"
)

// Bound says what decides how long a campaign takes.
type Bound string

// The bounds.
const (
	BoundNothing Bound = "nothing" // it is over within a minute
	BoundRate    Bound = "rate"    // the rate, with or without other campaigns
	BoundWindow  Bound = "window"  // people wait for their sending window
	BoundBoth    Bound = "both"
)

// Option is another rate and when the campaign would finish at it.
type Option struct {
	Rate        int
	FinishAt    time.Time
	Saves       time.Duration
	Sent        int
	SenderLimit bool // the sender's own rate has to be raised for it
}

// mostly is which part of the time one thing must explain to be the reason alone.
const mostly = 0.9

// explain finds out why it takes so long, by leaving the rate out and by leaving the windows out, and plays other rates.
func explain(ctx context.Context, f *Forecast, s scene, t *tally) error {
	takes := f.FinishAt.Sub(f.StartAt)
	byWindow := s
	byWindow.rate, byWindow.senderRate, byWindow.others = 0, 0, nil
	byWindow.rails = rails{segments: s.rails.segments, money: s.rails.money} // neither window nor rate is what canary and ramp wait for
	window, err := playedFor(ctx, byWindow, f.StartAt)
	if err != nil {
		return err
	}
	byRate := s
	byRate.rails = byWindow.rails
	byRate.window, byRate.census = overture.AlwaysOpen(), s.census.without()
	rate, err := playedFor(ctx, byRate, f.StartAt)
	if err != nil {
		return err
	}
	enough := time.Duration(mostly * float64(takes))
	switch {
	case takes < time.Minute:
		f.Bound = BoundNothing
	case rate >= enough && window >= enough:
		f.Bound = BoundBoth
	case rate >= enough:
		f.Bound = BoundRate
	case window >= enough:
		f.Bound = BoundWindow
	default:
		f.Bound = BoundBoth
	}
	if f.Bound != BoundNothing && f.Bound != BoundWindow {
		if err := f.faster(ctx, s); err != nil {
			return err
		}
	}
	f.Words = words(f, window, rate)
	return nil
}

// without gives the same people without policy packs and caps: what they wait for must be out of the way to see the rate alone.
func (c *census) without() *census {
	out := *c
	out.places = slices.Clone(c.places)
	for i := range out.places {
		out.places[i].ruling, out.places[i].names = nil, []string{"UTC"}
	}
	out.groups = slices.Clone(c.groups)
	for i := range out.groups {
		out.groups[i].capped = 0
	}
	return &out
}

func playedFor(ctx context.Context, s scene, from time.Time) (time.Duration, error) {
	t, err := play(ctx, s)
	if err != nil {
		return 0, err
	}
	return time.UnixMilli(t.base + int64(t.endedAt*1000)).Sub(from), nil
}

// faster plays rates that people ask about: all that the sender allows, twice and ten times as much.
func (f *Forecast) faster(ctx context.Context, s scene) error {
	now := min(s.rate, s.senderRate)
	rates := []int{2 * now, 10 * now}
	if s.senderRate > now {
		rates = append(rates, s.senderRate)
	}
	slices.Sort(rates)
	for _, rate := range slices.Compact(rates) {
		other := s
		other.rate, other.senderRate = rate, max(rate, s.senderRate)
		t, err := play(ctx, other)
		if err != nil {
			return err
		}
		end := time.UnixMilli(t.base + int64(t.endedAt*1000)).UTC()
		f.Faster = append(f.Faster, Option{Rate: rate, FinishAt: end, Saves: f.FinishAt.Sub(end), Sent: t.total.Sent, SenderLimit: rate > s.senderRate})
	}
	return nil
}

func words(f *Forecast, window, rate time.Duration) []overture.Sentence {
	var out []overture.Sentence
	takes := span(f.FinishAt.Sub(f.StartAt))
	per := min(f.Rate, f.SenderRate)
	switch f.Bound {
	case BoundNothing:
		out = append(out, overture.Say("it is over within a minute"))
	case BoundRate:
		out = append(out, overture.Say("it takes %s because of the rate: %s at %d per second take %s", takes, overture.Plural(overture.Grouped(f.Segments), "%d segment", "%d segments"), per, span(rate)))
	case BoundWindow:
		out = append(out, overture.Say("it takes %s because of the sending window: %s; a higher rate changes nothing", takes, lastToOpen(f)))
	case BoundBoth:
		out = append(out, overture.Say("it takes %s because of both: the rate alone would take %s, waiting for windows alone %s", takes, span(rate), span(window)))
	}
	for _, o := range f.Faster {
		if o.Saves < time.Minute {
			continue
		}
		faster := overture.Plural(overture.Grouped(o.Rate), "at %d segment per second it finishes %s earlier", "at %d segments per second it finishes %s earlier", span(o.Saves))
		if o.SenderLimit {
			faster = overture.Say("%s; the sender's rate has to be raised for it", faster)
		}
		out = append(out, faster)
	}
	for _, o := range f.Others {
		out = append(out, overture.Plural(overture.Grouped(o.Waiting), "%d message of %q share the sender's rate", "%d messages of %q share the sender's rate", o.Name))
	}
	for _, reason := range slices.Sorted(maps.Keys(f.Skipped)) {
		out = append(out, overture.Plural(overture.Grouped(f.Skipped[reason]), "%d message end unsent: %s", "%d messages end unsent: %s", skipWords(reason)))
	}
	if f.Cost.Unpriced > 0 && f.Currency != "" {
		out = append(out, overture.Plural(overture.Grouped(f.Cost.Unpriced), "%d segment have no price: the true cost is higher", "%d segments have no price: the true cost is higher"))
	}
	return out
}

// lastToOpen names the zone that is waited for longest.
func lastToOpen(f *Forecast) overture.Sentence {
	var last *Zone
	for i, z := range f.Zones {
		if !z.HeldUntil.IsZero() && (last == nil || z.HeldUntil.After(last.HeldUntil)) {
			last = &f.Zones[i]
		}
	}
	if last == nil {
		return overture.Say("what does not fit before it closes goes when it opens again")
	}
	return overture.Plural(overture.Grouped(last.Held), "%d recipient in %s wait until %s", "%d recipients in %s wait until %s",
		zonesWords(last.Zones), overture.At(last.HeldUntil, minuteUTC))
}

func skipWords(reason string) overture.Sentence {
	switch reason {
	case overture.ReasonOptedOut:
		return overture.Say("the person opted out of the brand")
	case overture.ReasonOpenConversation:
		return overture.Say("the person is in an open conversation with the brand")
	case overture.ReasonCapped:
		return overture.Say("the person has had as many messages as the frequency cap allows")
	case overture.ReasonValidityOver:
		return overture.Say("the campaign's validity ends before they can go")
	case overture.ReasonNoOpenWindow:
		return overture.Say("no moment of the next 14 days is inside the window of every zone the person may live in, or the validity ends before one is")
	}
	return overture.Written(strings.ReplaceAll(reason, "_", " "))
}

// notes say what the forecast leaves out here.
func notes(c overture.Campaign, sender overture.Sender, s scene) []overture.Sentence {
	var out []overture.Sentence
	if sender.Stopped {
		out = append(out, overture.Say("the sender is stopped: nothing goes before it is started again"))
	}
	if c.State == overture.Paused {
		out = append(out, overture.Say("the campaign is paused: times are as if it were resumed now"))
	}
	if len(s.others) > 0 {
		out = append(out, overture.Say("other campaigns of this sender are counted by due time, with the mean segments of their lists; what misses their window comes back a day later"))
	}
	if c.OpenConversation == overture.OpenConversationHold {
		out = append(out, overture.Say("people in an open conversation are counted as sent to: nobody knows when their conversation ends"))
	}
	return out
}

func zonesWords(zones []string) overture.Sentence {
	if len(zones) == 0 {
		return overture.Say("an unknown zone")
	}
	return overture.Say("%s", strings.Join(zones, " / "))
}

func joined(names []string) string { return strings.Join(names, ", ") }

const minuteUTC = "2006-01-02 15:04 UTC"

// span writes a duration for people, in the two units that matter.
func span(d time.Duration) overture.Sentence {
	d = d.Round(time.Second)
	switch {
	case d >= 48*time.Hour:
		return overture.Say("%d days %d h", int(d/(24*time.Hour)), int(d%(24*time.Hour)/time.Hour))
	case d >= time.Hour:
		return overture.Say("%d h %d min", int(d/time.Hour), int(d%time.Hour/time.Minute))
	case d >= time.Minute:
		return overture.Say("%d min %d s", int(d/time.Minute), int(d%time.Minute/time.Second))
	}
	return overture.Say("%d s", int(d/time.Second))
}
