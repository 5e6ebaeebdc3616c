package simulator

import (
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/mutant"
	"github.com/overture-im/overture/internal/outbound/schedule"
)

// scanEvery is how often a node looks for work by itself.
const scanEvery = 500 * time.Millisecond

// scan looks for senders without an owner, lists to plan, campaigns to end and inbound messages to answer. Looking costs nothing here: only
// what it begins is a transaction, and between times at which anything can be due it does not look.
func (n *node) scan() {
	if n.stopping {
		return
	}
	b := n.w.db.book
	if n.w.db.away < n.w.now {
		n.house(b)
		n.plan(b)
		n.work(b)
	}
	if next := n.nextLook(b); next < never {
		n.scanIn(max(next, scanEvery))
	}
}

// work takes senders that have something to send or to look up.
func (n *node) work(b *book) {
	for i := range b.senders {
		s := &b.senders[i]
		if n.tenures[i] == nil && !n.taking[i] && n.dueIn(b, s) < 2*time.Second && (s.lease.Owner == n.owner || s.expires < n.w.millis()) {
			n.take(s.id)
		}
	}
}

// dueIn is how long a sender has nothing to do; never when nothing of it is queued or in doubt.
func (n *node) dueIn(b *book, s *senderRow) time.Duration {
	if b.InflightCount(s.id) > 0 {
		return 0
	}
	first := never
	if s.stopped {
		return first
	}
	for i := range b.lanes {
		if l := &b.lanes[i]; l.sender == s.id && len(l.queue) > 0 && l.state == overture.LaneOpen && b.open(l) {
			first = min(first, max(ms(l.queue[0].due-n.wall().UnixMilli()), 0))
		}
	}
	return first
}

// nextLook is when something may be due; never when everything is settled, until somebody wakes the node.
func (n *node) nextLook(b *book) time.Duration {
	if n.w.settled() && n.w.now > ms(n.w.sc.QuietAt) {
		return never
	}
	next := never
	for i := range b.senders {
		s := &b.senders[i]
		due := n.dueIn(b, s)
		switch {
		case n.tenures[i] != nil || n.taking[i]:
			continue
		case due < 2*time.Second && s.expires >= n.w.millis(): // somebody has it: wait until that is over
			due = min(ms(s.expires-n.w.millis()+1), 5*time.Second)
		case due < never:
			due -= time.Second
		}
		next = min(next, due)
	}
	for i := range b.campaigns {
		c := &b.campaigns[i]
		lane := b.laneFor(c.sender, c.id)
		queued := len(lane.queue)
		next = min(next, n.guardIn(c, lane))
		switch {
		case c.state == overture.Scheduled:
			next = min(next, max(ms(c.launchAt-n.w.millis()), time.Second))
		case c.planning, c.state == overture.CampaignCanceled && queued > 0, c.state == overture.Running && queued == 0 && b.markers == 0:
			next = min(next, time.Second)
		}
	}
	if b.inQuarantine() {
		next = min(next, time.Second)
	}
	if len(b.orphans) > 0 {
		next = min(next, orphansEvery)
	}
	return next
}

const (
	remainderChunk = 5
	planChunk      = 5
	orphansEvery   = time.Minute
)

// house is what the other rooms do from time to time: start and end campaigns, take back what was canceled, answer people, match orphans.
func (n *node) house(b *book) {
	if n.housing { // one thing after the other
		return
	}
	now := n.wall()
	do := func(tx func()) {
		n.housing = true
		n.w.db.write(n, tx, func(ok bool) {
			n.housing = false
			if ok {
				n.scanIn(50 * time.Millisecond)
			}
		})
	}
	if b.inQuarantine() && b.Quarantine().ToCheck > 0 {
		do(func() { b.Doubt(now.UnixMilli(), n.w.cfg.Grace) })
		return
	}
	for i := range b.campaigns {
		c := &b.campaigns[i]
		lane := b.laneFor(c.sender, c.id)
		if tx := n.guard(b, c, lane); tx != nil {
			do(tx)
			return
		}
		switch {
		case c.state == overture.Scheduled && c.launchAt <= now.UnixMilli():
			do(func() { b.StartScheduled(now) })
			return
		case lane.state == overture.LaneCanceled && (!b.inQuarantine() || mutant.On(mutant.CancelInQuarantine)) && len(lane.queue) > b.InflightCount(c.sender):
			do(func() { b.CancelRemainder(c.id, remainderChunk) })
			return
		case c.completed == 0 && !c.planning && len(lane.queue) == 0 && (c.state == overture.Running || c.state == overture.CampaignCanceled) && b.InflightCount(c.sender) == 0:
			do(func() { b.FinishCampaign(c.id, now) })
			return
		}
	}
	for i := range b.inbound {
		if !b.inbound[i].processed {
			do(b.ApplyReplies)
			return
		}
	}
	if len(b.orphans) > 0 && n.w.now-n.matched >= orphansEvery {
		n.matched = n.w.now
		do(func() { b.MatchOrphans(now) })
	}
}

// plan turns the next recipients of every list into messages, as schedule.Planner does: what was read and what is written are two steps, and
// the process may die between them.
func (n *node) plan(b *book) {
	for _, p := range b.Plannings() {
		at := p.CampaignID - 1
		if n.planning[at] {
			continue
		}
		n.planning[at] = true
		now := n.wall()
		recipients := b.RecipientsToPlan(p, planChunk)
		planned := make([]overture.PlannedMessage, len(recipients))
		frame := schedule.Frame{Window: p.Window, Rules: p.Rules, LaunchAt: p.LaunchAt, ExpiresAt: p.ExpiresAt}
		for i, r := range recipients {
			person := schedule.Person{Address: r.Address, Zones: r.Zones}
			if p.Rules != nil && p.Rules.Policy.OverCap == overture.OverCapHold {
				person.Contacts = b.contactsOf(r.Address, now.Add(-p.Rules.For(r.Address).Longest()).UnixMilli())
			}
			s := n.w.cal.Decide(now, person, frame)
			if s.Expired {
				s.Due, s.NotAfter = laterOf(now, p.LaunchAt), time.Time{}
			}
			planned[i] = overture.PlannedMessage{RecipientID: r.ID, Address: r.Address, Segments: r.Segments, Due: s.Due, NotAfter: s.NotAfter}
		}
		last := len(recipients) < planChunk
		n.after(n.w.between(0, 5*time.Millisecond), func() {
			n.w.db.write(n, func() { b.WritePlan(p, planned, last) }, func(bool) {
				n.planning[at] = false
				for _, other := range n.w.nodes {
					other.wake()
				}
			})
		})
	}
}

func laterOf(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
