package simulator

import (
	"fmt"
	"slices"
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
		l.budget, l.granted = limit{true, c.rails.Segments}, c.rails.Segments
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
		l.granted += c.rails.Segments - max(l.budget.n, 0)
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

// eachTaken gives every attempt and marker that took its share of the rails and did not give it back.
func (b *book) eachTaken(f func(m *messageRow, started int64)) {
	for i := range b.messages {
		m := &b.messages[i]
		if m.sender == 0 { // its row went with a lost transaction
			continue
		}
		if m.marker.there {
			f(m, m.marker.started)
		}
		for _, a := range m.history {
			if !slices.Contains(givenBack, a.outcome) {
				f(m, a.started)
			}
		}
	}
}

// drift says which lane's rails do not agree with what its attempts took; empty: none.
func (b *book) drift() string {
	messages, segments := map[overture.LaneID]int64{}, map[overture.LaneID]int64{}
	b.eachTaken(func(m *messageRow, _ int64) {
		messages[m.lane]++
		segments[m.lane] += int64(max(m.segments, 1))
	})
	for i := range b.lanes {
		l := &b.lanes[i]
		if l.budget.there && l.granted-l.budget.n != segments[l.id] {
			return fmt.Sprintf("lane %d was granted %d segments and has %d left; its attempts took %d", l.id, l.granted, l.budget.n, segments[l.id])
		}
		if l.allowance.there && int64(b.campaign(l.campaign).watch.CanarySize)-l.allowance.n != messages[l.id] {
			return fmt.Sprintf("lane %d has %d left of its canary of %d; %d were sent", l.id, l.allowance.n, b.campaign(l.campaign).watch.CanarySize, messages[l.id])
		}
	}
	return ""
}
