package simulator

import (
	"time"

	"github.com/overture-im/overture"
)

// guard is what outbound/guard does with a campaign that has rails: nil when there is nothing to do now.
func (n *node) guard(b *book, c *campaignRow, lane *laneRow) func() {
	if c.state != overture.Running || c.completed != 0 || b.inQuarantine() {
		return nil
	}
	id, was := c.id, c.watch
	pause := func(rail string) func() {
		return func() {
			if b.PauseByItself(id, rail) {
				n.w.say("%s campaign %d is paused by %s", n.w.stamp(), id, rail)
				n.w.after(n.w.between(10*time.Second, time.Minute), func() { n.w.resume(id) })
			}
		}
	}
	if lane.barrier != "" {
		return pause(lane.barrier)
	}
	next := was
	switch {
	case was.Phase == overture.PhaseCanary && lane.allowance.n <= 0 && b.flying(lane) == 0:
		next.Phase, next.VerdictAt = overture.PhaseVerdict, n.wall().Add(c.rails.Canary.Wait())
	case was.Phase == overture.PhaseVerdict && !n.wall().Before(was.VerdictAt):
		if 2*c.counts[overture.Failed] > was.CanarySize {
			return pause("canary")
		}
		next.Phase, next.VerdictAt = overture.PhaseFree, time.Time{}
	default:
		return nil
	}
	return func() { b.AdvanceWatch(id, was, next) }
}

// guardIn is when the guard may have something to do about a campaign; never: nothing.
func (n *node) guardIn(c *campaignRow, lane *laneRow) time.Duration {
	switch {
	case c.state != overture.Running || c.completed != 0:
		return never
	case lane.barrier != "", c.watch.Phase == overture.PhaseCanary && lane.allowance.n <= 0:
		return scanEvery
	case c.watch.Phase == overture.PhaseVerdict:
		return max(c.watch.VerdictAt.Sub(n.wall()), scanEvery)
	}
	return never
}
