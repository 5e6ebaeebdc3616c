package schedule

import (
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/tz"
)

// Person is what a decision needs to know of one recipient.
type Person struct {
	Address overture.Address
	Zones   []string // candidates; empty: unknown
	// Contacts are the moments at which earlier messages of the account's campaigns were handed to a provider for this person, or may
	// have been. Needed as far back as Ruling.Longest; none is needed when that is zero.
	Contacts []time.Time
}

// Frame is what a campaign's schedule says about all its recipients.
type Frame struct {
	Window    overture.Window
	Rules     *overture.Rules // frozen at launch, or those that a launch would freeze; nil: none
	LaunchAt  time.Time       // not before this; zero: now
	ExpiresAt time.Time       // validity; zero: forever
}

// Decision is when one message may go, or why it does not go at all.
type Decision struct {
	Slot
	// Skip is the reason under which the message would end unsent: ReasonCapped, ReasonNoOpenWindow or ReasonValidityOver. Empty: it goes.
	Skip   string
	Ruling *overture.Ruling // what the packs say about the person's place; nil: nothing
}

// capTries bounds how often a held message is moved behind one cap after another: each step leaves at least one contact behind.
const capTries = 16

// Decide is the whole decision about one recipient, pure: the planner makes it, the forecast on its own clock, and why / why-not again.
// A message over a cap is given its slot all the same when the policy suppresses: the attempt looks once more when it is due and is what
// ends it, because a lookup may have found meanwhile that an earlier message never went.
func (c *Calendar) Decide(now time.Time, p Person, f Frame) Decision {
	d := Decision{Ruling: f.Rules.For(p.Address)}
	in := Input{Zones: p.Zones, Window: f.Window.Under(d.Ruling), LaunchAt: f.LaunchAt, ExpiresAt: f.ExpiresAt}
	d.Slot = c.Plan(now, in)
	if d.Ruling != nil && d.Rule == "" && !d.Expired && d.Due.After(now) {
		c.blame(now, in, &d)
	}
	if d.Ruling != nil && len(d.Ruling.Caps) > 0 && !d.Expired {
		c.decideCap(now, p, in, &d)
	}
	if d.Expired {
		d.Skip = overture.ReasonNoOpenWindow
		if !f.ExpiresAt.IsZero() && !c.Plan(now, Input{Zones: in.Zones, Window: in.Window, LaunchAt: in.LaunchAt}).Expired {
			d.Skip = overture.ReasonValidityOver
		}
	}
	return d
}

// decideCap moves the slot behind the caps, or says that the person is over one.
func (c *Calendar) decideCap(now time.Time, p Person, in Input, d *Decision) {
	for range capTries {
		over, until, is := d.Ruling.Over(p.Contacts, d.Due)
		if !is {
			return
		}
		d.Rule, d.Why = over.Rule, "the person had "+over.String()+", as many as "+over.Rule+" allows"
		if !d.Ruling.Hold {
			d.Skip = overture.ReasonCapped
			return
		}
		in.LaunchAt = until
		next := c.Plan(now, in)
		if next.Expired {
			d.Slot = next
			return
		}
		d.Due, d.NotAfter = next.Due, next.NotAfter
	}
	d.Skip = overture.ReasonCapped
}

// blame names the rule that moved a slot although it opens at the same minute as the campaign's own window: it had the day before closed.
func (c *Calendar) blame(now time.Time, in Input, d *Decision) {
	in.Window = in.Window.Under(nil)
	own := c.Plan(now, in)
	if own.Expired || !own.Due.Before(d.Due) {
		return
	}
	for _, r := range d.Ruling.Rules {
		for _, zone := range in.Zones {
			loc, err := tz.Load(zone)
			if err != nil {
				continue
			}
			local := own.Due.In(loc)
			h, minute, closed := r.Days[local.Weekday()], local.Hour()*60+local.Minute(), false
			if r.Closed != nil {
				_, closed = r.Closed(floorDiv(time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, time.UTC).UnixMilli(), dayMs))
			}
			if closed || minute < h.From || minute >= h.To {
				d.Rule, d.Why = r.Ref(), d.Why+" by "+r.Ref()
				return
			}
		}
	}
}
