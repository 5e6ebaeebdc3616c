package core

import (
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/mutant"
)

// isDue tells whether the window of a message has opened at wall time now, and a retry's pause has passed.
func isDue(now time.Time, msg *overture.DueMessage) bool { return !now.Before(msg.Due) }

// inTime tells whether a message may go at wall time now: inside its window and validity (R9).
func inTime(now time.Time, lane *overture.Lane, msg *overture.DueMessage) bool {
	return mutant.On(mutant.WindowNotCheckedAtMark) || now.Before(msg.NotAfter) && (lane.ExpiresAt.IsZero() || now.Before(lane.ExpiresAt))
}

// moveOn says what becomes of a message that is not in time: its next opening, or its end. Opt-out, pause, cancel, lease and open conversation
// are looked at inside the mark's transaction (R9).
func moveOn(now time.Time, lane *overture.Lane, msg *overture.DueMessage, windows Windows) overture.Move {
	move := overture.Move{Place: msg.Place, State: overture.Expired, Reason: overture.ReasonValidityOver}
	if lane.Reply() { // answers have no window; NotAfter is their validity
		return move
	}
	due, notAfter, expired, _ := windows.Next(now, msg.Zones, lane.WindowFor(msg.Address), lane.LaunchAt, lane.ExpiresAt)
	switch {
	case !expired:
		return overture.Move{Place: msg.Place, State: overture.Queued, NewDue: due, NotAfter: notAfter}
	case lane.ExpiresAt.IsZero() || now.Before(lane.ExpiresAt):
		move.Reason = overture.ReasonNoOpenWindow
	}
	return move
}
