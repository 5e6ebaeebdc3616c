package schedule

import (
	"time"

	"github.com/overture-im/overture"
)

// SendMargin is taken off the end of a window and of a validity: so long may pass between the decision to send and the first byte (R2).
const SendMargin = 5 * time.Second

// Horizon is how far ahead an opening is looked for.
const Horizon = 14 * 24 * time.Hour

// Input is what decides when one message may go.
type Input struct {
	// Zones in which the recipient may live: the window must be open in all of them (E3). Empty, or one that nobody knows, means
	// unknown: the window must be open everywhere on earth.
	Zones     []string
	Window    overture.Window
	LaunchAt  time.Time // not before this; zero: now
	ExpiresAt time.Time // validity; zero: forever
}

// Slot is when a message may go: not before Due, not after NotAfter, both to the millisecond. An expired slot has neither.
type Slot struct {
	Due      time.Time
	NotAfter time.Time
	Expired  bool   // the validity ends first, or no moment within the Horizon is open in every zone
	Why      string // a sentence for people: "waits for 08:00 in America/New_York"
	Rule     string // of a policy pack, when it is what the message waits for: "us-states/2026.11/US-TX"
}

// Plan finds the earliest slot from now on. It is pure and costs tens of microseconds; for many recipients use a Calendar.
func Plan(now time.Time, in Input) Slot {
	earliest := earliestMilli(now, in.LaunchAt)
	return slot(now, in, earliest, newPage(in.Zones, in.Window, weekOf(earliest)))
}

// slot picks from a page that covers earliest and the Horizon after it.
func slot(now time.Time, in Input, earliest int64, p *page) Slot {
	expires := int64(1<<62 - 1)
	if !in.ExpiresAt.IsZero() {
		expires = in.ExpiresAt.UnixMilli()
	}
	margin := SendMargin.Milliseconds()
	if earliest > expires-margin {
		return Slot{Expired: true, Why: "the campaign's validity is over"}
	}
	o, ok := p.next(earliest, margin)
	if !ok || o.from-earliest > Horizon.Milliseconds() {
		return Slot{Expired: true, Why: p.whyNever}
	}
	due, notAfter := max(o.from, earliest), min(o.to, expires)-margin
	if due > notAfter {
		return Slot{Expired: true, Why: "the campaign's validity ends before the message may go: it " + o.why}
	}
	s := Slot{Due: time.UnixMilli(due).UTC(), NotAfter: time.UnixMilli(notAfter).UTC()}
	switch {
	case due > earliest:
		s.Why, s.Rule = o.why, o.rule
	case in.LaunchAt.After(now):
		s.Why = "waits for the launch time"
	default:
		s.Why = "may go now"
	}
	return s
}

// earliestMilli rounds up: a message never goes before its time.
func earliestMilli(now, launchAt time.Time) int64 {
	if launchAt.After(now) {
		now = launchAt
	}
	ms := now.UnixMilli()
	if now.Nanosecond()%int(time.Millisecond) != 0 {
		ms++
	}
	return ms
}
