package simulator

import (
	"fmt"
	"time"

	"github.com/overture-im/overture"
)

// events puts the scenario's events into the heap, and at its end what brings everything back to health.
func (w *world) events() {
	for i, e := range w.sc.Events {
		switch e.Kind {
		case evCrashAt, evPauseAt, evCommit, evAnswer, evReceipt: // looked up when their turn comes
		default:
			w.after(ms(e.At), func() { w.event(i, e) })
		}
	}
	for _, e := range w.sc.Events {
		if e.Kind == evDatabase && e.N > 0 {
			w.after(ms(e.At-int64(e.N)), func() { w.db.keep() })
		}
	}
	w.after(ms(w.sc.QuietAt), w.quiet)
}

// forbidden is for the test of Shrink: an event that breaks everything.
var forbidden func(Event) bool

func (w *world) event(i int, e Event) {
	if forbidden != nil && forbidden(e) {
		panic(e.Kind)
	}
	w.note('e', int64(i), 0)
	w.say("%s %+v", w.stamp(), e)
	n := w.nodes[e.Node%len(w.nodes)]
	switch e.Kind {
	case evCrash:
		n.crash(ms(e.For))
	case evTerm:
		n.terminate(ms(e.For))
	case evPause:
		if n.up {
			n.frozen = max(n.frozen, w.now+ms(e.For))
		}
	case evClock:
		n.jump = ms(int64(e.N))
		w.after(ms(e.For), func() { n.jump = 0 })
	case evDatabase:
		w.db.begin(e)
	case evLookup:
		w.provider.beginRecord(e)
	case evOperator:
		w.db.byPerson(func() { w.operator(e) })
	case evInbound:
		w.inbound(i, e)
	}
}

// quiet ends all faults: nodes are up, and stay so; what people have stopped or paused goes on.
func (w *world) quiet() {
	w.say("%s the faults are over", w.stamp())
	b := w.db.book
	w.db.faults = nil
	for _, n := range w.nodes {
		n.crashes, n.pauses, n.jump = nil, nil, 0
		n.frozen = min(n.frozen, w.now)
	}
	w.db.byPerson(func() {
		b.setAccountStopped(false)
		b.setEverythingStopped(false)
		for i := range b.senders {
			b.setStopped(b.senders[i].id, false)
			b.senders[i].rate = w.sc.Rates[i]
		}
	})
	w.tidy()
}

// tidy closes conversations and lets paused campaigns go on, from time to time, also what begins after the faults.
func (w *world) tidy() {
	b := w.db.book
	clear(b.talks)
	for i := range b.senders { // by what a frozen node heard before
		if id := b.senders[i].id; b.senders[i].stopped {
			w.db.byPerson(func() { b.setStopped(id, false) })
		}
	}
	for i := range b.campaigns {
		if c := &b.campaigns[i]; c.state == overture.Paused {
			w.resume(c.id)
		}
	}
	if !w.settled() {
		w.after(time.Minute, w.tidy)
	}
}

// resume is a person who lets a paused campaign go on; a limit of the day that paused it is raised.
func (w *world) resume(id overture.CampaignID) {
	w.db.byPerson(func() {
		b := w.db.book
		c := b.campaign(id)
		by := c.watch.PausedBy
		if !b.moveCampaign(id, overture.Running, w.time()) {
			return
		}
		if by == overture.BarrierDaySpend {
			b.limits.SegmentsPerDay += w.sc.DayLimit
		}
	})
}

// operator is what a person does in the interface, each in a transaction of its own.
func (w *world) operator(e Event) {
	b := w.db.book
	c := b.campaign(overture.CampaignID(e.Campaign + 1))
	who := personKey{1, addressOf(e.Message)}
	place := func() (due, notAfter int64) { return w.millis(), w.millis() + 6*3_600_000 }
	undo := func(f func()) { w.after(ms(e.For), func() { w.db.byPerson(f) }) }
	switch e.How {
	case "pause":
		b.moveCampaign(c.id, overture.Paused, w.time())
		undo(func() { b.moveCampaign(c.id, overture.Running, w.time()) })
	case "cancel":
		b.moveCampaign(c.id, overture.CampaignCanceled, w.time())
	case "rate":
		b.sender(c.sender).rate = 1 + e.N
		w.oracle.rated(c.sender, 1+e.N)
		undo(func() { b.sender(c.sender).rate = w.sc.Rates[c.sender-1] })
	case "lane rate":
		b.laneFor(c.sender, c.id).rate = e.N
	case "stop sender":
		b.setStopped(c.sender, true)
		undo(func() { b.setStopped(c.sender, false) })
	case "stop account":
		b.setAccountStopped(true)
		undo(func() { b.setAccountStopped(false) })
	case "stop everything":
		b.setEverythingStopped(true)
		undo(func() { b.setEverythingStopped(false) })
	case "hold rest":
		if b.inQuarantine() {
			b.ReleaseQuarantine(true)
		}
	case "direct":
		_, notAfter := place()
		b.EnqueueDirect(c.sender, addressOf(e.N), fmt.Sprintf("answer %d", len(b.messages)), 1, w.millis(), notAfter)
	case "opt out":
		b.optOut(who, w.millis())
	case "opt in":
		b.optIn(who)
	case "talk":
		b.talks[who] = true
	case "end talk":
		delete(b.talks, who)
	case "retry failed":
		for i := range b.messages {
			if m := &b.messages[i]; m.campaign == c.id {
				due, notAfter := w.placeOf(m)
				b.RequeueFailed(m.id, due, notAfter)
			}
		}
	case "treat held as sent", "resend held", "give held up":
		how := map[string]overture.Resolution{"treat held as sent": overture.TreatAsSent, "resend held": overture.Resend, "give held up": overture.GiveUp}[e.How]
		for i := range b.messages {
			if m := &b.messages[i]; m.state == overture.Held {
				due, notAfter := w.placeOf(m)
				if b.Resolve(m.id, how, due, notAfter, w.millis()) {
					w.oracle.byPerson[m.who()] = true
				}
			}
		}
	}
}

// placeOf plans one message anew, as the campaign room does.
func (w *world) placeOf(m *messageRow) (due, notAfter int64) {
	if m.campaign == 0 {
		return w.millis(), w.millis() + 3_600_000
	}
	c := w.db.book.campaign(m.campaign)
	d, until, expired, _ := w.cal.Next(w.time(), m.zones, c.window.Under(c.frozen().For(m.address)), moment(c.launchAt), moment(c.expiresAt))
	if expired {
		return w.millis(), 0
	}
	return d.UnixMilli(), until.UnixMilli()
}

// inbound lets a person write: the provider calls the webhook, sometimes several times although it was answered.
func (w *world) inbound(i int, e Event) {
	in := inboundRow{account: 1, sender: overture.SenderID(w.sc.Campaigns[e.Campaign].Sender + 1), providerID: fmt.Sprint("IN", i), from: addressOf(e.Message)}
	switch e.How {
	case "stop":
		in.wish = overture.WishStop
	case "start":
		in.wish = overture.WishStart
	}
	for range max(e.N, 1) {
		w.after(w.between(0, 2*time.Second), func() {
			w.provider.post(func(n *node, done func(bool)) { n.inbound(in, done) }, 1)
		})
	}
}
