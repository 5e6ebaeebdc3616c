package simulator

import (
	"slices"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/mutant"
)

// launch opens the lane of a campaign and hands it to the planner.
func (b *book) launch(c campaignRow, rate int) overture.LaneID {
	b.commits++
	c.id, c.planning, c.state = overture.CampaignID(len(b.campaigns)+1), true, overture.Running
	if c.launchAt > b.clock() {
		c.state = overture.Scheduled
	}
	lane := b.openLane(c.sender, c.id, rate)
	b.guardAtLaunch(&c, b.lane(lane))
	b.campaigns = append(b.campaigns, c)
	return lane
}

func (b *book) openLane(sender overture.SenderID, campaign overture.CampaignID, rate int) overture.LaneID {
	l := laneRow{
		id: overture.LaneID(len(b.lanes) + 1), account: b.sender(sender).account, sender: sender, campaign: campaign, state: overture.LaneOpen,
		rate: rate, weight: 1,
	}
	b.lanes = append(b.lanes, l)
	return l.id
}

func (b *book) laneFor(sender overture.SenderID, campaign overture.CampaignID) *laneRow {
	for i := range b.lanes {
		if b.lanes[i].sender == sender && b.lanes[i].campaign == campaign {
			return &b.lanes[i]
		}
	}
	return nil
}

// Plannings lists the launched campaigns whose recipients are not all messages yet.
func (b *book) Plannings() []overture.Planning {
	var out []overture.Planning
	for i := range b.campaigns {
		c := &b.campaigns[i]
		if c.planning && c.completed == 0 {
			out = append(out, overture.Planning{
				CampaignID: c.id, AccountID: c.account, SenderID: c.sender, Window: c.window, LaunchAt: moment(c.launchAt), ExpiresAt: moment(c.expiresAt),
				Through: c.through, Rules: c.frozen(),
			})
		}
	}
	return out
}

// RecipientsToPlan gives the next recipients of a campaign.
func (b *book) RecipientsToPlan(p overture.Planning, limit int) []overture.Recipient {
	all := b.campaign(p.CampaignID).recipients
	from := slices.IndexFunc(all, func(r overture.Recipient) bool { return r.ID > p.Through })
	if from < 0 {
		return nil
	}
	return all[from:min(len(all), from+limit)]
}

// WritePlan turns recipients into messages, fenced by the cursor; a recipient that has a message gets no second one.
func (b *book) WritePlan(p overture.Planning, planned []overture.PlannedMessage, last bool) bool {
	c := b.campaign(p.CampaignID)
	if !c.planning || c.through != p.Through {
		return false
	}
	b.commits++
	if n := len(planned); n > 0 {
		c.through = planned[n-1].RecipientID
	}
	c.planning = !last
	lane, quarantined := b.laneFor(c.sender, c.id), b.inQuarantine()
	for _, x := range planned {
		if slices.ContainsFunc(b.messages, func(m messageRow) bool { return m.campaign == c.id && m.recipient == x.RecipientID }) {
			continue
		}
		m := messageRow{
			id: overture.MessageID(len(b.messages) + 1), account: c.account, campaign: c.id, recipient: x.RecipientID, sender: c.sender, lane: lane.id,
			address: x.Address, segments: x.Segments,
		}
		if i := slices.IndexFunc(c.recipients, func(r overture.Recipient) bool { return r.ID == x.RecipientID }); i >= 0 {
			m.zones = c.recipients[i].Zones
		}
		if lane.state == overture.LaneCanceled && !quarantined {
			m.state, m.reason = overture.Canceled, overture.ReasonCampaignCancel
		} else {
			lane.enqueue(queueRow{due: x.Due.UnixMilli(), message: m.id, notAfter: millis(x.NotAfter)})
		}
		c.counts[m.state]++
		b.messages = append(b.messages, m)
	}
	return true
}

// StartScheduled lets the campaigns run whose launch time has come.
func (b *book) StartScheduled(now time.Time) {
	for i := range b.campaigns {
		if c := &b.campaigns[i]; c.state == overture.Scheduled && c.completed == 0 && c.launchAt <= now.UnixMilli() {
			b.commits++
			c.state = overture.Running
		}
	}
}

// moveCampaign changes campaign and lane together: pause, resume, cancel. It tells whether the campaign could become that.
func (b *book) moveCampaign(id overture.CampaignID, next overture.CampaignState, now time.Time) bool {
	c := b.campaign(id)
	if !c.state.CanBecome(next) || next == overture.Running && c.state != overture.Paused {
		return false
	}
	b.commits++
	lane := map[overture.CampaignState]overture.LaneState{
		overture.Running: overture.LaneOpen, overture.Paused: overture.LanePaused, overture.CampaignCanceled: overture.LaneCanceled,
	}[next]
	if next == overture.Running && c.launchAt > now.UnixMilli() {
		next = overture.Scheduled
	}
	if c.state == overture.Paused && (next == overture.Running || next == overture.Scheduled) {
		b.acknowledge(c)
	}
	c.state, b.laneFor(c.sender, c.id).state = next, lane
	return true
}

// CancelRemainder takes back up to limit messages of a canceled campaign that were still to be sent.
func (b *book) CancelRemainder(id overture.CampaignID, limit int) int {
	c := b.campaign(id)
	lane := b.laneFor(c.sender, id)
	if lane.state != overture.LaneCanceled || b.inQuarantine() && !mutant.On(mutant.CancelInQuarantine) {
		return 0
	}
	n := 0
	for i := 0; i < len(lane.queue) && n < limit; {
		m := b.message(lane.queue[i].message)
		if m.marker.there {
			i++
			continue
		}
		lane.queue = slices.Delete(lane.queue, i, i+1)
		if m.state == overture.Queued {
			n++
			m.reason = overture.ReasonCampaignCancel
			b.setState(m, overture.Canceled, "campaign")
		}
	}
	if n > 0 {
		b.commits++
	}
	return n
}

// FinishCampaign completes a running campaign that has nothing left to send, or notes that a canceled one is settled.
func (b *book) FinishCampaign(id overture.CampaignID, now time.Time) bool {
	c := b.campaign(id)
	lane := b.laneFor(c.sender, id)
	if c.completed != 0 || c.planning || c.state != overture.Running && c.state != overture.CampaignCanceled || len(lane.queue) > 0 {
		return false
	}
	if b.markers > 0 && slices.ContainsFunc(b.messages, func(m messageRow) bool { return m.marker.there && m.lane == lane.id }) {
		return false
	}
	b.commits++
	if c.completed = now.UnixMilli(); c.state == overture.Running {
		c.state = overture.Completed
	}
	if lane.state == overture.LaneOpen {
		lane.state = overture.LaneDone
	}
	return true
}

// Resolve carries out what a person decided about a held message.
func (b *book) Resolve(id overture.MessageID, how overture.Resolution, due, notAfter, now int64) bool {
	m := b.message(id)
	if m.state != overture.Held {
		return false
	}
	if how == overture.Resend {
		return b.requeue(m, due, notAfter)
	}
	b.commits++
	to := overture.Failed
	if how == overture.TreatAsSent {
		to = overture.Accepted
		m.acceptedAt = now
		for _, a := range m.history { // the provider took it, if at all, during the last attempt
			m.acceptedAt = a.started
		}
	}
	m.reason, m.heldSince = overture.ReasonSettledByPerson, 0
	b.setState(m, to, "person")
	return true
}

// RequeueFailed puts a failed message back into the queue.
func (b *book) RequeueFailed(id overture.MessageID, due, notAfter int64) bool {
	m := b.message(id)
	return m.state == overture.Failed && m.campaign != 0 && b.requeue(m, due, notAfter)
}

func (b *book) requeue(m *messageRow, due, notAfter int64) bool {
	lane := b.lane(m.lane)
	if m.campaign != 0 {
		c := b.campaign(m.campaign)
		switch c.state {
		case overture.Completed:
			c.state, c.completed, lane.state = overture.Running, 0, overture.LaneOpen
		case overture.Running, overture.Paused:
		default:
			return false
		}
	}
	b.commits++
	m.reason, m.code, m.heldSince = "", 0, 0
	b.setState(m, overture.Queued, "person")
	lane.enqueue(queueRow{due: due, message: m.id, notAfter: notAfter})
	return true
}

// EnqueueDirect queues one message outside every campaign on its sender's reply lane.
func (b *book) EnqueueDirect(sender overture.SenderID, to overture.Address, body string, segments int, due, notAfter int64) overture.MessageID {
	b.commits++
	lane := b.laneFor(sender, 0)
	if lane == nil {
		lane = b.lane(b.openLane(sender, 0, 0))
	}
	m := messageRow{
		id: overture.MessageID(len(b.messages) + 1), account: lane.account, sender: sender, lane: lane.id, address: to, body: body, segments: segments,
	}
	b.messages = append(b.messages, m)
	lane.enqueue(queueRow{due: due, message: m.id, notAfter: notAfter})
	return m.id
}

func (b *book) setStopped(id overture.SenderID, stopped bool) {
	if s := b.sender(id); s.stopped != stopped {
		b.commits++
		s.stopped = stopped
	}
}

// optOut stops a person for a brand; the first stop stays as it was recorded.
func (b *book) optOut(who personKey, at int64) {
	b.commits++
	if _, there := b.optOuts[who]; !there {
		b.optOuts[who] = at
		b.consent(who, true)
	}
}

func (b *book) optIn(who personKey) {
	b.commits++
	delete(b.optOuts, who)
	b.consent(who, false)
}

// StoreInbound keeps an inbound message once, with what it asks about consent, in one transaction.
func (b *book) StoreInbound(in inboundRow, at int64) {
	if _, there := b.inboundID[in.providerID]; there && !mutant.On(mutant.NonUniqueInbound) {
		return
	}
	b.commits++
	b.inboundID[in.providerID] = len(b.inbound)
	b.inbound = append(b.inbound, in)
	who := personKey{b.sender(in.sender).brand, in.from}
	switch in.wish {
	case overture.WishStop:
		b.optOut(who, at)
	case overture.WishStart:
		b.optIn(who)
	case overture.NoWish, overture.WishHelp:
	}
}

// ApplyReplies puts the inbound messages nobody has processed into conversations, each once.
func (b *book) ApplyReplies() {
	for i := range b.inbound {
		in := &b.inbound[i]
		if in.processed {
			continue
		}
		b.commits++
		in.processed = true
		if in.wish == overture.NoWish {
			in.entries++
			b.talks[personKey{b.sender(in.sender).brand, in.from}] = true
		}
	}
}
