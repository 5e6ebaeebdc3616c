package forecast

import (
	"math"
	"time"

	"github.com/overture-im/overture"
)

// rails are the guard rails that decide when and how many of a campaign go. The zero value: none.
type rails struct {
	canary   int           // messages before the verdict
	wait     time.Duration // from the last of them to the verdict
	shut     time.Time     // the verdict is under way and falls then
	ramp     overture.Ramp
	step     int       // of the ramp
	stepAt   time.Time // when it began; zero: at the launch, or after the canary
	segments *int64    // that may still be spent; nil: any number
	money    *int64    // likewise, in millionths
}

// Stop is a spend limit that pauses the campaign before its end.
type Stop struct {
	At   time.Time
	By   string // as overture.Barrier…
	Left int    // messages that do not go
}

// guardLag is how long the guard takes on average to see that a canary is out, and that its verdict is good: it looks twice a second.
const guardLag = 0.75

// railsAt are the rails of a campaign as it stands; whole: as at its launch. sent is how many have gone or ended.
func railsAt(c overture.Campaign, recipients, sent int, left overture.Railed, whole bool) rails {
	if whole {
		r := rails{canary: c.Rails.Canary.Size(recipients), wait: c.Rails.Canary.Wait(), ramp: c.Rails.Ramp}
		if n := c.Rails.Segments; n > 0 {
			r.segments = &n
		}
		if n := c.Rails.Spend; n > 0 {
			r.money = &n
		}
		return r
	}
	r := rails{segments: left.SegmentsLeft, money: left.MoneyLeft}
	switch c.Watch.Phase {
	case overture.PhaseCanary:
		if r.canary, r.wait, r.ramp = max(0, c.Watch.CanarySize-sent), c.Rails.Canary.Wait(), c.Rails.Ramp; left.Allowance != nil {
			r.canary = int(*left.Allowance)
		}
	case overture.PhaseVerdict:
		r.shut, r.ramp = c.Watch.VerdictAt, c.Rails.Ramp
	case overture.PhaseRamp:
		r.ramp, r.step, r.stepAt = c.Rails.Ramp, c.Watch.Step, c.Watch.StepAt
	case overture.PhaseFree:
	}
	return r
}

// beginRails sets the lane as the launch, or the guard so far, left it.
func (r *run) beginRails() {
	r.nextStep = math.Inf(1)
	if r.rate == 0 {
		r.rails.ramp = overture.Ramp{} // the run asks what happens without a rate
	}
	if len(r.rails.ramp.Percents) > 0 {
		r.own.bucket.rate = float64(r.rails.ramp.RateAt(r.rails.step, r.rate))
	}
	switch {
	case r.rails.shut.After(r.start):
		r.shutUntil = r.rails.shut.Sub(r.start).Seconds()
		r.beginRamp(r.shutUntil)
	case r.rails.canary == 0 && r.rails.stepAt.IsZero():
		r.beginRamp(r.seconds(r.launchMilli()))
	case r.rails.canary == 0:
		r.beginRamp(r.rails.stepAt.Sub(r.start).Seconds())
	}
}

// beginRamp lets the current step of the ramp begin at a moment.
func (r *run) beginRamp(at float64) {
	if len(r.rails.ramp.Percents) > 0 {
		r.nextStep = at + float64(r.rails.ramp.StepMinutes)*60
	}
}

// climb takes the steps of the ramp that are due.
func (r *run) climb() {
	for r.now >= r.nextStep && r.rails.step < len(r.rails.ramp.Percents) {
		r.own.bucket.refill(r.nextStep)
		r.rails.step++
		r.own.bucket.rate = float64(r.rails.ramp.RateAt(r.rails.step, r.rate))
		r.beginRamp(r.nextStep)
	}
}

// afterSend counts a message of ours towards the canary.
func (r *run) afterSend() {
	if r.rails.canary == 0 {
		return
	}
	if r.rails.canary--; r.rails.canary == 0 {
		r.shutUntil = r.now + guardLag + r.rails.wait.Seconds()
		r.tally.verdictAt = r.shutUntil
		r.beginRamp(r.shutUntil)
	}
}

// overSpend takes a message of ours from the spend limits, or stops the campaign.
func (r *run) overSpend(g *group) bool {
	by, segments := "", int64(g.segments)
	money := segments * g.micros
	switch {
	case r.rails.segments != nil && segments > *r.rails.segments:
		by = overture.BarrierCampaignSpend
	case r.rails.money != nil && !g.priced:
		by = overture.BarrierUnpriced
	case r.rails.money != nil && money > *r.rails.money:
		by = overture.BarrierCampaignMoney
	}
	if by != "" {
		r.stop = &Stop{At: time.UnixMilli(r.milli()).UTC(), By: by, Left: r.tally.left}
		return true
	}
	r.rails.segments, r.rails.money = less(r.rails.segments, segments), less(r.rails.money, money)
	return false
}

// less gives a limit without a cost, in a place of its own: other runs of the scene begin with the same limit.
func less(limit *int64, cost int64) *int64 {
	if limit == nil {
		return nil
	}
	return new(*limit - cost)
}

// railWords say what the rails do to the campaign.
func railWords(s scene, t *tally) []overture.Sentence {
	var out []overture.Sentence
	if t.verdictAt > 0 {
		out = append(out, overture.Say("the canary of %d goes first; the others go from %s on, if it goes well", s.rails.canary,
			overture.At(time.UnixMilli(t.base+int64(t.verdictAt*1000)).UTC(), "2006-01-02 15:04:05 UTC")))
	}
	if n := len(s.rails.ramp.Percents) - s.rails.step; n > 0 {
		out = append(out, overture.Say("the rate rises from %d to %d segments per second within %d minutes of ramp",
			s.rails.ramp.RateAt(s.rails.step, s.rate), s.rate, n*s.rails.ramp.StepMinutes))
	}
	if t.stop != nil {
		out = append(out, overture.Say("a spend limit pauses it at %s; %d are not sent unless somebody resumes it", overture.At(t.stop.At, minuteUTC), t.stop.Left))
	}
	return out
}

// dayLimitNotes say which limits of the account are left out: what its other campaigns will take of a day is not known.
func dayLimitNotes(a overture.Railed, f Forecast) (out []overture.Sentence) {
	alone := overture.Say("what other campaigns take of it is not known, and a campaign that hits it is paused")
	if most := a.Limits.SegmentsPerDay; most > 0 {
		out = append(out, overture.Say("the account's limit of %s per UTC day is not played: %d are spent today, this campaign takes %d; %s",
			overture.Plural(overture.Grouped(most), "%d segment", "%d segments"), overture.Grouped(a.SpentToday), overture.Grouped(f.Segments), alone))
	}
	if most := a.Limits.SpendPerDay; most > 0 {
		out = append(out, overture.Say("the account's limit of %s per UTC day is not played: %s are spent today, this campaign takes %s; %s",
			overture.Sum{Micros: most, Currency: a.Limits.SpendCurrency}, overture.Sum{Micros: a.MoneyToday, Currency: a.Limits.SpendCurrency},
			overture.Sum{Micros: f.Cost.Micros, Currency: f.Currency}, alone))
	}
	if most := a.Limits.CampaignPrefixPerDay; most > 0 {
		out = append(out, overture.Say("the account's limit of %s with one prefix in 24 hours is not played: %s", overture.Plural(overture.Grouped(most), "%d number", "%d numbers"), alone))
	}
	return out
}
