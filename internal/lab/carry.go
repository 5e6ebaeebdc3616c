package lab

import (
	"time"
)

// push puts an event on the agenda; it is pending from now on.
func (l *Lab) push(e event) {
	l.pending[e.kind].Add(1)
	l.agenda.add(e)
}

// call hands a webhook call to the crew; it is pending from now on.
func (l *Lab) call(e event) {
	l.pending[e.kind].Add(1)
	l.queue.put(e)
}

func (l *Lab) done(e event) { l.pending[e.kind].Add(-1) }

// begin sets an accepted message on its way.
func (l *Lab) begin(m *message) {
	l.push(event{kind: kindStatus, n: m.n, gen: l.ledger.generation(), due: l.nextDue(m, m.accepted)})
}

// handle is called by the agenda with everything that is due.
func (l *Lab) handle(batch []event) {
	for _, e := range batch {
		switch e.kind {
		case kindStatus:
			l.advance(e)
			l.done(e)
		case kindReceipt, kindInbound:
			l.queue.put(e) // stays pending until the call is over
		case kindReply:
			e.do()
			l.done(e)
		case kindRequest, kindCount:
		}
	}
}

// advance moves a message to its next status and has its callback made.
func (l *Lab) advance(e event) {
	m, ok := l.ledger.look(e.gen, e.n)
	if !ok {
		return
	}
	p := l.profiles.Load().of(m.route.from)
	end := l.outcome(p, &m)
	next := end.after(m.status)
	if next == statusNone {
		return
	}
	code := 0
	if next == statusUndelivered || next == statusFailed {
		code = end.code
	}
	now := time.Now().UnixMilli()
	l.ledger.move(e.n, next, code, now)
	m.status, m.updated = next, uint32(max(now-m.accepted, 0))
	if next == statusDelivered || next == statusSent && end.noReceipt {
		l.arrive(e.gen, &m, end.twice)
	}
	if m.route.base == "" || next == statusSending && p.QuietSending {
		l.moveOn(e.gen, &m, now)
		return
	}
	l.report(e.gen, &m, p, end, now)
}

// report makes the callback for the message's new status, with the faults receipts have. The message moves on after the callback's
// first try, so that receipts come in order; where a fault delays the callback, the message does not wait for it.
func (l *Lab) report(gen uint32, m *message, p *Profile, end outcome, now int64) {
	last := end.after(m.status) == statusNone
	e := event{kind: kindReceipt, n: m.n, gen: gen, at: m.status, then: true, due: now}
	ill := l.receiptFault(p, m, m.status)
	if ill == receiptReordered && last {
		ill = noFault // nothing comes that it could be later than
	}
	if ill != noFault {
		l.count.fault(ill)
	}
	switch ill {
	case receiptLost:
		l.count.callbacksLost.Add(1)
	case receiptReordered:
		l.ledger.flag(m.n, 1<<(shiftOwed+m.status))
	case receiptLate:
		e.then, e.due = false, now+int64(or(p.ReceiptLateMS, 30_000))
		l.push(e)
	default:
		l.call(e)
	}
	if ill == receiptDuplicated || end.twice && m.status == statusDelivered && ill != receiptLost {
		l.push(event{kind: kindReceipt, n: m.n, gen: gen, at: m.status, due: e.due + 50})
	}
	if ill == receiptLost || ill == receiptLate || ill == receiptReordered {
		if last {
			l.payOwed(gen, m.n)
		}
		l.moveOn(gen, m, now)
	}
}

// payOwed makes the callbacks that were held back to come after a later one.
func (l *Lab) payOwed(gen, n uint32) {
	for _, s := range l.ledger.collectOwed(gen, n) {
		l.call(event{kind: kindReceipt, n: n, gen: gen, at: s})
	}
}

// moveOn plans the message's next step; a final message has none.
func (l *Lab) moveOn(gen uint32, m *message, now int64) {
	if !m.status.final() {
		l.push(event{kind: kindStatus, n: m.n, gen: gen, due: max(l.nextDue(m, m.updatedAt()), now)})
	}
}

// nextDue is when the message takes its next step when it took the last one at since.
func (l *Lab) nextDue(m *message, since int64) int64 {
	p := l.profiles.Load().of(m.route.from)
	var wait int
	switch m.status {
	case statusAccepted, statusQueued:
		wait = or(p.SendingAfterMS, 20)
	case statusSending:
		wait = or(p.SentAfterMS, 60)
	default:
		wait = or(p.DeliveredAfterMS, 150)
	}
	if p.DeliveryJitterMS > 0 {
		wait += int(share(mix(l.seed, 5, uint64(m.n), uint64(m.status))) * float64(p.DeliveryJitterMS))
	}
	return since + int64(max(wait, 0))
}

// outcome is how a message ends; the same whenever it is asked, as long as script and profile stay.
type outcome struct {
	end       status // delivered, undelivered or failed
	code      int
	noReceipt bool
	twice     bool
}

func (l *Lab) outcome(p *Profile, m *message) outcome {
	if r := l.script.Load().find(l.seed, m.to, m.route.from, hasOutcome); r != nil {
		switch {
		case r.Failed != 0:
			return outcome{end: statusFailed, code: r.Failed}
		case r.Undelivered != 0:
			return outcome{end: statusUndelivered, code: r.Undelivered}
		}
		return outcome{end: statusDelivered, noReceipt: r.NoReceipt, twice: r.Twice}
	}
	if p.Undelivered > 0 && share(mix(l.seed, 6, uint64(m.to), uint64(m.n))) < p.Undelivered {
		return outcome{end: statusUndelivered, code: or(p.UndeliveredCode, 30003)}
	}
	return outcome{end: statusDelivered}
}

// after gives the status that follows, none at the end.
func (o outcome) after(s status) status {
	switch s {
	case statusAccepted:
		return statusQueued
	case statusQueued:
		return statusSending
	case statusSending:
		if o.end == statusFailed {
			return statusFailed
		}
		return statusSent
	case statusSent:
		if o.noReceipt || o.end == statusFailed {
			return statusNone
		}
		return o.end
	default:
		return statusNone
	}
}
