package simulator

import (
	"time"

	"github.com/overture-im/overture"
)

// guardAtLaunch begins canary and spend limit of a campaign.
func (b *book) guardAtLaunch(c *campaignRow, l *laneRow) {
	if n := c.rails.Canary.Size(len(c.recipients)); n > 0 {
		c.watch.Phase, c.watch.CanarySize = overture.PhaseCanary, n
		l.allowance = limit{true, int64(n)}
	}
	if c.rails.Segments > 0 {
		l.budget = limit{true, c.rails.Segments}
	}
}

// acknowledge lets a paused campaign go on whatever paused it.
func (b *book) acknowledge(c *campaignRow) {
	w := &c.watch
	renew := w.PausedBy == overture.BarrierCampaignSpend
	if w.Phase == overture.PhaseVerdict && w.PausedBy != "" {
		w.Phase, w.VerdictAt = overture.PhaseFree, time.Time{}
	}
	w.PausedBy = ""
	b.lineUp(c, renew)
}

// lineUp brings a lane in line with what the guard knows of its campaign.
func (b *book) lineUp(c *campaignRow, renew bool) {
	l := b.laneFor(c.sender, c.id)
	l.barrier = ""
	if c.watch.Phase == overture.PhaseFree {
		l.allowance = limit{}
	}
	if renew && c.rails.Segments > 0 {
		l.budget = limit{true, c.rails.Segments + min(l.budget.n, 0)}
		b.granted(c.id)
	}
}

// PauseByItself pauses a running campaign because of a guard rail.
func (b *book) PauseByItself(id overture.CampaignID, rail string) bool {
	c := b.campaign(id)
	if c.state != overture.Running || c.watch.PausedBy != "" {
		return false
	}
	b.commits++
	c.state, c.watch.PausedBy = overture.Paused, rail
	b.laneFor(c.sender, c.id).state = overture.LanePaused
	return true
}

// AdvanceWatch moves what the guard knows on, unless it changed since it was read.
func (b *book) AdvanceWatch(id overture.CampaignID, was, next overture.Watch) bool {
	c := b.campaign(id)
	if c.state != overture.Running || c.watch != was {
		return false
	}
	b.commits++
	c.watch = next
	b.lineUp(c, false)
	return true
}

// setAccountStopped is the account's kill switch, setEverythingStopped the installation's.
func (b *book) setAccountStopped(stopped bool)    { b.commits, b.stopped = b.commits+1, stopped }
func (b *book) setEverythingStopped(stopped bool) { b.commits, b.stoppedAll = b.commits+1, stopped }

// flying counts the attempts of a lane that are under way.
func (b *book) flying(l *laneRow) (n int) {
	for i := range b.messages {
		if m := &b.messages[i]; m.marker.there && !m.marker.unknown && m.lane == l.id {
			n++
		}
	}
	return n
}
