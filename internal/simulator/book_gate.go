package simulator

import (
	"slices"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/mutant"
)

// gate is what the attempt's transaction knows about the marks of one sender, as in the store: first every verdict, then the marks, then what
// they used up.
type gate struct {
	b        *book
	w        *overture.SenderWork
	now      int64
	held     bool
	contacts map[overture.Address][]time.Time // of people with a cap; nil: nobody has one
	rails    []laneRail
	spent    int64 // of the account today, with what this transaction admits
	charged  int64 // of it, by this transaction
}

type laneRail struct {
	lane         *laneRow
	marks, spent int64
	barrier      string
}

func (b *book) marks(w *overture.SenderWork, r *overture.CommitResult, now int64) {
	if len(w.Marks) == 0 {
		return
	}
	r.Verdicts = make([]overture.Verdict, len(w.Marks))
	g := b.gateOf(w, now)
	for i, k := range w.Marks {
		if r.Verdicts[i] = g.verdict(k); r.Verdicts[i] != overture.Marked {
			r.Verdicts[i] = g.suppress(k, r.Verdicts[i])
		}
	}
	for i, k := range w.Marks {
		if r.Verdicts[i] != overture.Marked {
			continue
		}
		if !b.mark(w, k, now) {
			r.Verdicts[i] = overture.Gone
			g.take(k, -1)
		}
	}
	g.write()
}

// open tells whether a lane may be marked at all.
func (b *book) open(l *laneRow) bool {
	switch {
	case (l.state != overture.LaneOpen || b.sender(l.sender).stopped) && !mutant.On(mutant.PauseNotCheckedAtMark):
		return false
	case (b.stopped || b.stoppedAll) && !mutant.On(mutant.KillSwitchIgnored):
		return false
	case b.inQuarantine() && !mutant.On(mutant.MarkInQuarantine):
		return false
	case l.barrier != "" && !mutant.On(mutant.BarrierIgnored):
		return false
	}
	return !l.allowance.there || l.allowance.n > 0 || l.allowance.n == 0 && mutant.On(mutant.CanaryOffByOne)
}

func (b *book) gateOf(w *overture.SenderWork, now int64) *gate {
	g := &gate{b: b, w: w, now: now, held: b.holds(w.Lease), spent: b.spent[dayOf(now)]}
	for _, k := range w.Marks {
		if k.Ruling == nil || len(k.Ruling.Caps) == 0 {
			continue
		}
		if g.contacts == nil {
			g.contacts = map[overture.Address][]time.Time{}
		}
		if _, asked := g.contacts[k.Address]; !asked {
			g.contacts[k.Address] = b.contactsOf(k.Address, now-longest(w.Marks))
		}
	}
	return g
}

func longest(marks []overture.Mark) (stretch int64) {
	for _, k := range marks {
		stretch = max(stretch, k.Ruling.Longest().Milliseconds())
	}
	return stretch
}

// contactsOf gives the moments after since at which messages of campaigns were handed to the provider for a person, or may have been.
func (b *book) contactsOf(to overture.Address, since int64) (out []time.Time) {
	for i := range b.messages {
		m := &b.messages[i]
		if m.address != to || m.campaign == 0 {
			continue
		}
		if c := b.campaign(m.campaign); c.completed != 0 && c.completed <= since-86_400_000 {
			continue
		}
		at := m.acceptedAt
		if at == 0 && m.marker.there && !mutant.On(mutant.CapForgetsDoubts) {
			at = m.marker.started
		}
		if at == 0 && m.state == overture.Held {
			at = m.heldSince
		}
		if at > since {
			out = append(out, moment(at))
		}
	}
	return out
}

func (g *gate) verdict(k overture.Mark) overture.Verdict {
	who := personKey{g.w.BrandID, k.Address}
	lane := g.b.lane(k.LaneID)
	_, stopped := g.b.optOuts[who]
	switch {
	case !g.held:
		return overture.LeaseLost
	case !g.b.open(lane):
		return overture.LaneClosed
	case stopped && !mutant.On(mutant.OptOutAtFetchOnly):
		return overture.OptedOut
	case g.b.talks[who] && (k.SkipTalks || k.HoldTalks):
		return overture.InTalk
	}
	if _, over := g.over(k); over && !mutant.On(mutant.CapNotCheckedAtMark) {
		return overture.Capped
	}
	if v := g.admit(k, lane); v != overture.Marked {
		return v
	}
	if g.contacts != nil && lane.campaign != 0 && !mutant.On(mutant.CapNotCountedInBatch) {
		g.contacts[k.Address] = append(g.contacts[k.Address], moment(g.now))
	}
	return overture.Marked
}

func (g *gate) over(k overture.Mark) (until time.Time, over bool) {
	if k.Ruling == nil || len(k.Ruling.Caps) == 0 {
		return time.Time{}, false
	}
	_, until, over = k.Ruling.Over(g.contacts[k.Address], moment(g.now))
	return until, over
}

// suppress ends a message whose person opted out, is in a conversation or over a cap, or moves it behind the cap.
func (g *gate) suppress(k overture.Mark, v overture.Verdict) overture.Verdict {
	reason := ""
	switch {
	case v == overture.OptedOut:
		reason = overture.ReasonOptedOut
	case v == overture.InTalk && !k.HoldTalks:
		reason = overture.ReasonOpenConversation
	case v == overture.Capped && k.Ruling.Hold:
		until, _ := g.over(k)
		lane := g.b.lane(k.LaneID)
		if at, there := lane.find(k.Due.UnixMilli(), k.MessageID); there && !g.b.message(k.MessageID).marker.there {
			r := lane.queue[at]
			lane.unqueue(r.due, r.message)
			lane.enqueue(queueRow{due: until.UnixMilli(), message: r.message, notAfter: r.notAfter})
		}
		return overture.Gone
	case v == overture.Capped:
		reason = overture.ReasonCapped
	default:
		return v
	}
	if g.b.end(k.Place, overture.Suppressed, reason) {
		return overture.Gone
	}
	return v
}

func (b *book) mark(w *overture.SenderWork, k overture.Mark, now int64) bool {
	lane := b.lane(k.LaneID)
	at, there := lane.find(k.Due.UnixMilli(), k.MessageID)
	m := b.message(k.MessageID)
	if !there || m.marker.there || lane.queue[at].notAfter <= now && !mutant.On(mutant.WindowNotCheckedAtMark) {
		return false
	}
	b.markers++
	m.marker = markerRow{
		there: true, due: lane.queue[at].due, notAfter: lane.queue[at].notAfter, epoch: w.Lease.Epoch, attempt: k.Attempt, token: k.Token,
		started: now, lookupAt: k.LookupAt.UnixMilli(),
	}
	return true
}

// Guard rails.

// daily tells whether the segments of a lane count towards the account's day.
func (g *gate) daily(l *laneRow) bool { return l.campaign != 0 && g.b.limits.SegmentsPerDay > 0 }

// rail gives what bounds a lane; nil: nothing does.
func (g *gate) rail(l *laneRow) *laneRail {
	if !l.allowance.there && !l.budget.there && !g.daily(l) {
		return nil
	}
	i := slices.IndexFunc(g.rails, func(r laneRail) bool { return r.lane == l })
	if i < 0 {
		i = len(g.rails)
		g.rails = append(g.rails, laneRail{lane: l})
	}
	return &g.rails[i]
}

func (g *gate) admit(k overture.Mark, l *laneRow) overture.Verdict {
	r := g.rail(l)
	if r == nil {
		return overture.Marked
	}
	most := l.allowance.n
	if mutant.On(mutant.CanaryOffByOne) {
		most++
	}
	if r.barrier != "" || l.allowance.there && most <= r.marks {
		return overture.LaneClosed
	}
	segments := g.segments(k)
	switch {
	case l.campaign == 0:
	case l.budget.there && r.spent+segments > l.budget.n && !mutant.On(mutant.BudgetLooksBehind):
		r.barrier = overture.BarrierCampaignSpend
	case g.daily(l) && g.spent+segments > g.b.limits.SegmentsPerDay && !mutant.On(mutant.DayLimitIgnored):
		r.barrier = overture.BarrierDaySpend
	}
	if r.barrier != "" {
		return overture.LaneClosed
	}
	g.take(k, 1)
	return overture.Marked
}

func (g *gate) segments(k overture.Mark) int64 {
	if m := g.b.message(k.MessageID); m != nil {
		return int64(max(m.segments, 1))
	}
	return 1
}

// take counts a mark that is admitted, or with -1 one that came to nothing.
func (g *gate) take(k overture.Mark, n int64) {
	l := g.b.lane(k.LaneID)
	r := g.rail(l)
	if r == nil {
		return
	}
	r.marks += n
	r.spent += n * g.segments(k)
	if g.daily(l) {
		g.spent += n * g.segments(k)
		g.charged += n * g.segments(k)
	}
}

func (g *gate) write() {
	for _, r := range g.rails {
		if r.barrier == "" && (r.marks == 0 || !r.lane.allowance.there && !r.lane.budget.there) {
			continue
		}
		r.lane.allowance, r.lane.budget = r.lane.allowance.plus(-r.marks), r.lane.budget.plus(-r.spent)
		r.lane.barrier = r.barrier
	}
	if g.charged > 0 {
		g.b.spent[dayOf(g.now)] += g.charged
	}
}

func (l limit) plus(n int64) limit {
	if l.there {
		l.n += n
	}
	return l
}

// dayOf is the number of the UTC day.
func dayOf(millis int64) int64 { return millis / 86_400_000 }

// railed looks which lanes of messages that go back into the queue have guard rails.
func (b *book) railed(work []overture.SenderWork) map[overture.LaneID]bool {
	daily := len(b.spent) > 0
	var out map[overture.LaneID]bool
	for i := range work {
		for _, x := range work[i].Settlements {
			if l := b.lane(x.LaneID); x.State == overture.Queued && (daily || l.allowance.there || l.budget.there) {
				if out == nil {
					out = map[overture.LaneID]bool{}
				}
				out[l.id] = true
			}
		}
	}
	return out
}

// giveBack returns to the rails what was certainly not sent, to a day limit on the day of the mark; what goes out again without proof is counted.
func (b *book) giveBack(m *messageRow, x overture.Settlement, railed bool) {
	l := b.lane(x.LaneID)
	if x.Outcome == "resent_without_proof" {
		l.resent++
		if !mutant.On(mutant.ResendGivesBack) {
			return
		}
	}
	if !railed {
		return
	}
	segments := int64(max(m.segments, 1))
	l.allowance, l.budget = l.allowance.plus(1), l.budget.plus(segments)
	at := m.marker.started
	if m.marker.since > 0 && m.marker.token != "" { // a quarantine started its clock anew
		at = m.marker.since
	}
	if day := dayOf(at); l.campaign != 0 {
		if spent, there := b.spent[day]; there {
			b.spent[day] = max(spent-segments, 0)
		}
	}
}
