package dispatch

import (
	"time"

	"github.com/overture-im/overture"
)

// check is the last pure look at a message before its mark: is it still inside its window and validity? ok means go; otherwise move says
// where the message goes instead. Opt-out, pause, cancel, lease and open conversation are looked at inside the mark's transaction (R9).
func check(now time.Time, lane overture.Lane, m overture.DueMessage, windows Windows) (move overture.Move, ok bool) {
	if now.Before(m.NotAfter) && (lane.ExpiresAt.IsZero() || now.Before(lane.ExpiresAt)) {
		return move, true
	}
	move.Place = m.Place
	if lane.Reply() { // answers have no window; NotAfter is their validity
		move.State, move.Reason = overture.Expired, overture.ReasonValidityOver
		return move, false
	}
	due, notAfter, expired, _ := windows.Next(now, m.Zones, lane.Window, lane.LaunchAt, lane.ExpiresAt)
	if expired {
		move.State, move.Reason = overture.Expired, overture.ReasonValidityOver
		if lane.ExpiresAt.IsZero() || now.Before(lane.ExpiresAt) {
			move.Reason = overture.ReasonNoOpenWindow
		}
		return move, false
	}
	move.State, move.NewDue, move.NotAfter = overture.Queued, due, notAfter
	return move, false
}

// backoff of a definite non-send: 1, 2, 4 … 300 seconds.
func backoff(attempts int) time.Duration {
	return min(time.Second<<min(max(attempts-1, 0), 9), 5*time.Minute)
}
