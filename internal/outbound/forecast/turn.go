package forecast

import (
	"context"
	"time"

	"github.com/overture-im/overture"
)

// A forecast of a million takes a core for seconds: more at once would take the machine from those who send.
const (
	playedAtOnce = 2
	turnWait     = 5 * time.Second  // for a turn, before the caller is told to come back
	turnRetry    = 10 * time.Second // what it is told
)

// Turn waits until this node may make one more forecast, or play a policy, that somebody asked for, and gives it back with done. Unavailable: too many wait.
func (s *Service) Turn(ctx context.Context) (done func(), err error) {
	wait := time.NewTimer(turnWait)
	defer wait.Stop()
	select {
	case s.playing <- struct{}{}:
		return func() { <-s.playing }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-wait.C:
		return nil, &overture.Error{
			Kind: overture.Unavailable, Code: "forecasts_busy", Message: "other forecasts are being made; try again in some seconds", RetryAfter: turnRetry,
		}
	}
}
