package campaign

import "github.com/overture-im/overture"

// Limits of guard rails.
const (
	MaxUndo        = 3600
	MaxCanary      = 1_000_000
	MaxWaitMinutes = 7 * 24 * 60
	MaxRampSteps   = 20
	MaxSpend       = overture.MaxMoney
)

// wrongRails looks at undo window, canary, ramp and spend limit.
func wrongRails(c overture.Campaign, say func(string, string, ...any)) {
	if c.UndoSeconds < 0 || c.UndoSeconds > MaxUndo {
		say("undo_seconds", "the undo window is 0 to %d seconds", MaxUndo)
	}
	k := c.Rails.Canary
	switch {
	case k.Recipients > 0 && k.Percent > 0:
		say("rails.canary", "say the canary as recipients or as percent, not both")
	case k.Recipients < 0 || k.Recipients > MaxCanary || k.Percent < 0 || k.Percent > 100:
		say("rails.canary", "a canary is 1 to %d recipients, or 1 to 100 percent", MaxCanary)
	case k.WaitMinutes < 0 || k.WaitMinutes > MaxWaitMinutes:
		say("rails.canary.wait_minutes", "the canary waits 0 to %d minutes", MaxWaitMinutes)
	}
	for _, p := range []int{k.FailedPercent, k.OptedOutPercent, k.UnknownPercent} {
		if p < 0 || p > 100 {
			say("rails.canary", "the limits of a canary are 0 to 100 percent")
			break
		}
	}
	r := c.Rails.Ramp
	if len(r.Percents) > MaxRampSteps {
		say("rails.ramp", "a ramp has at most %d steps", MaxRampSteps)
	}
	before := 0
	for _, p := range r.Percents {
		if p <= before || p > 100 {
			say("rails.ramp.percents", "the steps of a ramp rise, from 1 to 100 percent")
			break
		}
		before = p
	}
	if len(r.Percents) > 0 && (r.StepMinutes < 1 || r.StepMinutes > MaxWaitMinutes) {
		say("rails.ramp.step_minutes", "a step of a ramp lasts 1 to %d minutes", MaxWaitMinutes)
	}
	if c.Rails.Spend < 0 || c.Rails.Spend > MaxSpend {
		say("rails.spend", "the spend limit in money is at most 1,000,000,000 units, in millionths, or left out")
	}
	if c.Rails.Segments < 0 {
		say("rails.segments", "the spend limit is a number of segments, or left out")
	}
}
