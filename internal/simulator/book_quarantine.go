package simulator

import (
	"maps"
	"slices"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/mutant"
)

// quarantineRow says from when on the database may not know everything, and when that was found out.
type quarantineRow struct {
	since, until int64
	first        overture.MessageID // the last id before it
	released     bool
}

func (b *book) inQuarantine() bool {
	return len(b.quarantine) > 0 && slices.ContainsFunc(b.quarantine, func(q quarantineRow) bool { return !q.released })
}

// BeginQuarantine stops all sending, ends every lease and puts every marker in doubt anew.
func (b *book) BeginQuarantine(since, now int64) {
	b.commits++
	b.quarantine = append(b.quarantine, quarantineRow{since: since, until: now, first: overture.MessageID(len(b.messages))})
	for i := range b.senders {
		s := &b.senders[i]
		s.lease, s.expires = overture.Lease{SenderID: s.id, Epoch: max(s.lease.Epoch+overture.EpochLeap, now)}, 0
	}
	for i := range b.messages {
		if k := &b.messages[i].marker; k.there {
			switch { // an attempt's own marker says from when on the record counts: whatever was lost came after it
			case k.since == 0:
				k.since = k.started
			case k.token == "" && k.since >= since:
				k.since = since
			}
			k.unknown, k.lookups, k.lookupAt, k.started = true, 0, now, now
		}
	}
}

// span is the time all active quarantines cover together.
func (b *book) span() (out quarantineRow, active bool) {
	for _, q := range b.quarantine {
		switch {
		case q.released:
		case !active:
			out, active = q, true
		default:
			out.since, out.until, out.first = min(out.since, q.since), max(out.until, q.until), min(out.first, q.first)
		}
	}
	return out, active
}

// suspect tells whether a queued message may have been sent and was not looked up yet.
func (b *book) suspect(q quarantineRow, r queueRow) bool {
	m := b.message(r.message)
	if m.marker.there || b.lane(m.lane).state == overture.LaneCanceled && mutant.On(mutant.CancelInQuarantine) {
		return false
	}
	ahead := !mutant.On(mutant.QuarantineTrustsClocks) && r.due <= q.until+clocksDiffer && !slices.ContainsFunc(m.history, func(a attemptRow) bool { return a.token == "" })
	planned := !mutant.On(mutant.QuarantineForgetsPlan) && m.id > q.first && m.attempts == 0 && m.campaign != 0
	return r.due <= q.until || ahead || planned
}

// clocksDiffer is how far ahead of the one that began the quarantine the clock of another node may have been.
const clocksDiffer = 60_000

// Doubt gives a marker to what may have been sent.
func (b *book) Doubt(now int64, grace time.Duration) (marked int) {
	q, active := b.span()
	if !active || mutant.On(mutant.QuarantineSkipsLookups) {
		return 0
	}
	now = max(now, q.until)
	for i := range b.lanes {
		for _, r := range b.lanes[i].queue {
			if !b.suspect(q, r) {
				continue
			}
			m := b.message(r.message)
			b.markers++
			marked++
			b.takeForDoubt(m, now)
			m.marker = markerRow{
				there: true, due: r.due, notAfter: r.notAfter, epoch: b.sender(m.sender).lease.Epoch, attempt: m.attempts + 1, started: now, unknown: true,
				lookupAt: now + grace.Milliseconds(), since: q.since,
			}
		}
	}
	if marked > 0 {
		b.commits++
	}
	return marked
}

// takeForDoubt takes from the guard rails what a message took that may have been sent in the lost time: they are from before it. What was not
// sent gives it back, as every attempt does.
func (b *book) takeForDoubt(m *messageRow, now int64) {
	if mutant.On(mutant.QuarantineFillsRails) {
		return
	}
	l, segments := b.lane(m.lane), int64(max(m.segments, 1))
	l.allowance = l.allowance.plus(-1)
	l.budget = l.budget.plus(-segments)
	if l.campaign != 0 {
		b.spent[dayOf(now)] += segments
	}
}

// Quarantine tells what is left to do before it may be released.
func (b *book) Quarantine() (out overture.Quarantine) {
	q, active := b.span()
	if out.Active = active; !active {
		return out
	}
	out.Since, out.Until = moment(q.since), moment(q.until)
	for i := range b.campaigns {
		if c := &b.campaigns[i]; c.planning && c.completed == 0 {
			out.Planning++
		}
	}
	for i := range b.lanes {
		for _, r := range b.lanes[i].queue {
			if b.suspect(q, r) {
				out.ToCheck++
			}
		}
	}
	for i := range b.messages {
		if k := b.messages[i].marker; k.there && k.since > 0 {
			out.InDoubt++
		}
	}
	return out
}

// ReleaseQuarantine lets sending go on when everything has been looked up. With holdRest, what is in doubt waits for a person.
func (b *book) ReleaseQuarantine(holdRest bool) bool {
	if holdRest {
		b.holdQuarantined()
	}
	if q := b.Quarantine(); !q.Active || !q.Clear() && !mutant.On(mutant.QuarantineSkipsLookups) {
		return false
	}
	b.commits++
	for i := range b.quarantine {
		b.quarantine[i].released = true
	}
	return true
}

func (b *book) holdQuarantined() {
	for i := range b.messages {
		m := &b.messages[i]
		if !m.marker.there || m.marker.since == 0 {
			continue
		}
		b.lane(m.lane).unqueue(m.marker.due, m.id)
		started := m.marker.started
		if m.marker.token != "" { // a quarantine started the clock of our own attempt anew
			started = m.marker.since
		}
		if k := m.marker; !slices.ContainsFunc(m.history, func(a attemptRow) bool { return a.n == k.attempt }) {
			m.history = append(m.history, attemptRow{n: k.attempt, token: k.token, epoch: k.epoch, started: started, outcome: "held"})
		}
		if m.state == overture.Queued {
			m.attempts = max(m.attempts, m.marker.attempt)
		}
		if m.heldSince == 0 {
			m.heldSince = m.marker.since
		}
		b.unmark(m)
		if m.state == overture.Queued {
			m.reason = overture.ReasonNotProven
			b.setState(m, overture.Held, "person")
		}
	}
}

// copied is the database at a moment: a backup, or what a standby had heard of.
func (b *book) copied() *book {
	c := *b
	c.senders, c.campaigns, c.orphans, c.inbound = slices.Clone(b.senders), slices.Clone(b.campaigns), slices.Clone(b.orphans), slices.Clone(b.inbound)
	c.lanes, c.messages, c.quarantine = slices.Clone(b.lanes), slices.Clone(b.messages), slices.Clone(b.quarantine)
	for i := range c.lanes {
		c.lanes[i].queue = slices.Clone(c.lanes[i].queue)
	}
	for i := range c.messages {
		m := &c.messages[i]
		m.history, m.receipts = slices.Clone(m.history), slices.Clone(m.receipts)
	}
	c.optOuts, c.talks, c.spent, c.inboundID = maps.Clone(b.optOuts), maps.Clone(b.talks), maps.Clone(b.spent), maps.Clone(b.inboundID)
	return &c
}

// goBack makes the database what it was. Ids that were given since are not given again.
func (b *book) goBack(to *book) {
	ids, commits, lost := len(b.messages), b.commits, b.lost
	for i := len(to.messages); i < ids; i++ {
		if lost == nil {
			lost = map[overture.MessageID]*messageRow{}
		}
		if m := b.messages[i]; m.sender != 0 {
			lost[m.id] = &m
		}
	}
	*b = *to.copied()
	b.commits, b.lost = commits+1, lost
	for len(b.messages) < ids {
		b.messages = append(b.messages, messageRow{id: overture.MessageID(len(b.messages) + 1), state: overture.Canceled})
	}
}
