package simulator

import (
	"slices"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/mutant"
)

// AcquireLease is Store.AcquireLease on PostgreSQL: the database's clock decides.
func (b *book) AcquireLease(sender overture.SenderID, owner string, ttl time.Duration) (overture.Lease, bool) {
	s := b.sender(sender)
	now := b.clock()
	switch {
	case s.lease.Owner == owner:
	case s.lease.Owner == "" || s.expires < now:
		s.lease = overture.Lease{SenderID: sender, Owner: owner, Epoch: s.lease.Epoch + 1}
	default:
		return overture.Lease{SenderID: sender, Owner: owner}, false
	}
	b.commits++
	s.expires = now + ttl.Milliseconds()
	return s.lease, true
}

// ReleaseLease lets the next owner in at once.
func (b *book) ReleaseLease(l overture.Lease) {
	if s := b.sender(l.SenderID); s.lease == l {
		b.commits++
		s.expires = 0
	}
}

// SendersWithWork lists senders that have queued messages in an open lane, or attempts in doubt.
func (b *book) SendersWithWork() []overture.SenderID {
	var out []overture.SenderID
	for i := range b.senders {
		id := b.senders[i].id
		if slices.ContainsFunc(b.lanes, func(l laneRow) bool { return l.sender == id && l.state == overture.LaneOpen && len(l.queue) > 0 }) ||
			b.markers > 0 && slices.ContainsFunc(b.messages, func(m messageRow) bool { return m.sender == id && m.marker.there }) {
			out = append(out, id)
		}
	}
	return out
}

// OpenLanes lists the open lanes of a sender; the reply lane comes first.
func (b *book) OpenLanes(sender overture.SenderID) []overture.Lane {
	if b.sender(sender).stopped {
		return nil
	}
	return b.lanesWhere(func(l *laneRow) bool { return l.sender == sender && l.state == overture.LaneOpen && b.open(l) })
}

// LanesInDoubt lists the lanes of a sender that have markers, in whatever state.
func (b *book) LanesInDoubt(sender overture.SenderID) []overture.Lane {
	return b.lanesWhere(func(l *laneRow) bool {
		return l.sender == sender && slices.ContainsFunc(b.messages, func(m messageRow) bool { return m.marker.there && m.lane == l.id })
	})
}

func (b *book) lanesWhere(f func(*laneRow) bool) []overture.Lane {
	var out []overture.Lane
	for i := range b.lanes {
		if f(&b.lanes[i]) {
			out = append(out, b.laneOf(&b.lanes[i]))
		}
	}
	slices.SortFunc(out, func(x, y overture.Lane) int { return int(x.CampaignID - y.CampaignID) })
	return out
}

func (b *book) laneOf(l *laneRow) overture.Lane {
	out := overture.Lane{
		ID: l.id, AccountID: l.account, BrandID: b.sender(l.sender).brand, SenderID: l.sender, CampaignID: l.campaign, Channel: overture.SMS,
		Rate: l.rate, Weight: l.weight, Policy: overture.Safe, OpenConversation: overture.OpenConversationDeliver, Window: overture.AlwaysOpen(),
	}
	if l.campaign != 0 {
		c := b.campaign(l.campaign)
		out.Queued = c.counts[overture.Queued]
		out.Content, out.Window, out.Policy, out.OpenConversation = c.content, c.window, c.policy, c.talk
		out.Rules = c.frozen()
		out.LaunchAt, out.ExpiresAt = moment(c.launchAt), moment(c.expiresAt)
	}
	return out
}

// DueMessages reads queued messages of a lane that are due, after a place in the lane's order, leaving out those in flight.
func (b *book) DueMessages(lane overture.LaneID, now time.Time, after overture.Place, limit int) (due []overture.DueMessage, last overture.Place, more bool) {
	l := b.lane(lane)
	from, at := int64(-1), now.UnixMilli()
	if !after.Due.IsZero() {
		from = after.Due.UnixMilli()
	}
	n := 0
	i, there := l.find(from, after.MessageID)
	if there {
		i++
	}
	for ; i < len(l.queue) && n < limit && l.queue[i].due <= at; i++ {
		n++
		r := l.queue[i]
		m := b.message(r.message)
		last = overture.Place{LaneID: lane, Due: moment(r.due), MessageID: r.message}
		if m.marker.there {
			continue
		}
		if _, out := b.optOuts[b.brandOf(m)]; out && mutant.On(mutant.OptOutAtFetchOnly) {
			b.end(last, overture.Suppressed, overture.ReasonOptedOut)
			i--
			continue
		}
		if due == nil {
			due = make([]overture.DueMessage, 0, min(limit, len(l.queue)))
		}
		due = append(due, m.due(last, r.notAfter))
	}
	return due, last, n == limit
}

func (m *messageRow) due(p overture.Place, notAfter int64) overture.DueMessage {
	tries, since := m.notSent()
	return overture.DueMessage{
		Place: p, NotAfter: time.UnixMilli(notAfter), CampaignID: m.campaign, Address: m.address, Body: m.body, Zones: m.zones,
		Segments: m.segments, Attempts: m.attempts, NotSent: tries, NotSentSince: since,
	}
}

// notSent counts the attempts that certainly never left since the message was last given up, and says when the first was made.
func (m *messageRow) notSent() (tries int, since time.Time) {
	for _, h := range m.history {
		switch h.outcome {
		case "given_up":
			tries, since = 0, time.Time{}
		case "not_sent":
			if tries++; since.IsZero() {
				since = time.UnixMilli(h.started)
			}
		}
	}
	return tries, since
}

// NextDue tells when the earliest queued message of a lane is due.
func (b *book) NextDue(lane overture.LaneID) (time.Time, bool) {
	if l := b.lane(lane); len(l.queue) > 0 {
		return moment(l.queue[0].due), true
	}
	return time.Time{}, false
}

// AdoptInflight takes over the markers of earlier owners.
func (b *book) AdoptInflight(lease overture.Lease, now time.Time, grace time.Duration) int {
	if !b.holds(lease) {
		return 0
	}
	b.commits++
	n := 0
	for i := range b.messages {
		m := &b.messages[i]
		if m.marker.there && m.sender == lease.SenderID && m.marker.epoch < lease.Epoch {
			m.marker.epoch, m.marker.unknown, m.marker.lookupAt = lease.Epoch, true, now.Add(grace).UnixMilli()
			if mutant.On(mutant.AdoptWithoutGrace) {
				m.marker.lookupAt = 0
			}
			n++
		}
	}
	return n
}

// Doubts lists attempts of the lease's own epoch whose lookup is due, the most urgent first.
func (b *book) Doubts(lease overture.Lease, now time.Time, limit int) []overture.Doubt {
	if b.markers == 0 {
		return nil
	}
	at := now.UnixMilli()
	var found []*messageRow
	for i := range b.messages {
		m := &b.messages[i]
		if m.marker.there && m.sender == lease.SenderID && m.marker.epoch == lease.Epoch && m.marker.lookupAt <= at {
			found = append(found, m)
		}
	}
	slices.SortStableFunc(found, func(x, y *messageRow) int { return int(x.marker.lookupAt - y.marker.lookupAt) })
	var out []overture.Doubt
	for _, m := range found[:min(len(found), limit)] {
		k := m.marker
		out = append(out, overture.Doubt{
			DueMessage: m.due(overture.Place{LaneID: m.lane, Due: time.UnixMilli(k.due), MessageID: m.id}, k.notAfter),
			Attempt:    k.attempt, Token: k.token, StartedAt: time.UnixMilli(k.started), Since: time.UnixMilli(k.started), Lookups: k.lookups,
			FailedFor: time.Duration(k.failed) * time.Millisecond,
		})
		if k.since > 0 {
			d := &out[len(out)-1]
			d.Since, d.Quarantined = time.UnixMilli(k.since), true
		}
	}
	return out
}

// InflightCount tells how many attempts of a sender are open.
func (b *book) InflightCount(sender overture.SenderID) int {
	n := 0
	if b.markers > 0 {
		for i := range b.messages {
			if b.messages[i].marker.there && b.messages[i].sender == sender {
				n++
			}
		}
	}
	return n
}

// KnownProviderIDs lists the provider ids already recorded for messages to an address through a sender.
func (b *book) KnownProviderIDs(sender overture.SenderID, address overture.Address) map[string]bool {
	out := map[string]bool{}
	if mutant.On(mutant.LookupTakesAnyone) {
		return out
	}
	for i := range b.messages {
		m := &b.messages[i]
		if m.address != address || m.sender != sender {
			continue
		}
		if m.providerID != "" {
			out[m.providerID] = true
		}
		for _, a := range m.history {
			if a.providerID != "" {
				out[a.providerID] = true
			}
		}
	}
	return out
}
