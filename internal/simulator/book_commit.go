package simulator

import (
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/mutant"
)

// Commit is Store.Commit: marks of all senders first, then settlements and moves, in one transaction.
func (b *book) Commit(now time.Time, work []overture.SenderWork) []overture.CommitResult {
	b.commits++
	results := make([]overture.CommitResult, len(work))
	at := now.UnixMilli()
	for i := range work {
		b.marks(&work[i], &results[i], at)
	}
	again := b.railed(work)
	for i := range work {
		b.settle(&work[i], &results[i], again, at)
		b.move(&work[i], at)
	}
	return results
}

func (b *book) holds(l overture.Lease) bool { return b.sender(l.SenderID).lease == l }

// end takes a message that was never marked out of the queue; gone is true when it is not there any more, or a marker says that a send
// may have happened.
func (b *book) end(p overture.Place, state overture.State, reason string) (gone bool) {
	m := b.message(p.MessageID)
	if m == nil || m.marker.there || !b.lane(p.LaneID).unqueue(p.Due.UnixMilli(), p.MessageID) {
		return true
	}
	if m.state < state {
		m.reason = reason
		b.setState(m, state, "engine")
	}
	return false
}

func (b *book) settle(w *overture.SenderWork, r *overture.CommitResult, railed map[overture.LaneID]bool, now int64) {
	for _, x := range w.Settlements {
		m := b.message(x.MessageID)
		if m == nil { // its row is lost
			r.Superseded++
			continue
		}
		fenced := m.marker.epoch != w.Lease.Epoch || m.marker.token != x.Token
		if !m.marker.there || fenced && !mutant.On(mutant.NoEpochInSettlement) {
			r.Superseded++
			continue
		}
		if x.State == overture.Unknown {
			m.marker.unknown, m.marker.lookups, m.marker.lookupAt, m.marker.failed = true, x.Lookups, x.LookupAt.UnixMilli(), x.FailedFor.Milliseconds()
			continue
		}
		if x.State == overture.Held && m.heldSince == 0 {
			m.heldSince = m.marker.started
		}
		if x.State == overture.Queued {
			b.giveBack(m, x, railed[x.LaneID])
		}
		b.unmark(m)
		m.attempt(attemptRow{
			n: x.Attempt, token: x.Token, epoch: w.Lease.Epoch, started: x.StartedAt.UnixMilli(), outcome: x.Outcome, code: x.Code,
			http: x.HTTPStatus, providerID: x.ProviderID,
		})
		b.settled(w, m, x, now)
	}
}

func (b *book) settled(w *overture.SenderWork, m *messageRow, x overture.Settlement, now int64) {
	lane := b.lane(x.LaneID)
	lane.unqueue(x.Due.UnixMilli(), x.MessageID)
	if x.OptOut {
		b.optOut(personKey{w.BrandID, m.address}, now)
	}
	if x.State == overture.Queued {
		at := x.RetryAt.UnixMilli()
		if at == x.Due.UnixMilli() {
			at++
		}
		lane.enqueue(queueRow{due: at, message: x.MessageID, notAfter: x.NotAfter.UnixMilli()})
		m.attempts, m.code = max(m.attempts, x.Attempt), x.Code
		return
	}
	if m.state >= x.State {
		return
	}
	m.attempts, m.code, m.reason = max(m.attempts, x.Attempt), x.Code, x.Reason
	if x.ProviderID != "" {
		m.providerID = x.ProviderID
	}
	if x.State == overture.Accepted {
		m.acceptedAt = now
	}
	b.setState(m, x.State, "engine")
}

// attempt writes history once per number.
func (m *messageRow) attempt(a attemptRow) {
	for _, h := range m.history {
		if h.n == a.n {
			return
		}
	}
	m.history = append(m.history, a)
}

func (b *book) move(w *overture.SenderWork, now int64) {
	if len(w.Moves) == 0 || !b.holds(w.Lease) && !mutant.On(mutant.MoveWithoutFence) {
		return
	}
	for _, v := range w.Moves {
		if v.State != overture.Queued {
			b.end(v.Place, v.State, v.Reason)
			continue
		}
		lane := b.lane(v.LaneID)
		if m := b.message(v.MessageID); m == nil || m.marker.there && !mutant.On(mutant.MoveWithoutFence) {
			continue
		}
		if lane.unqueue(v.Due.UnixMilli(), v.MessageID) {
			lane.enqueue(queueRow{due: v.NewDue.UnixMilli(), message: v.MessageID, notAfter: v.NotAfter.UnixMilli()})
		}
	}
}
