package simulator

import (
	"slices"
	"time"

	"github.com/overture-im/overture"
)

// railsSeen is what the provider took of a campaign.
type railsSeen struct {
	messages int
	segments int64
}

func (o *oracle) consented(who personKey, out bool) {
	if out {
		o.outs[who] = o.w.now
	} else {
		delete(o.outs, who)
	}
}

// wentBack forgets what nobody can know any more: what was answered and consented to in the lost time.
func (o *oracle) wentBack(kept *keptBook) {
	o.receipts, o.inbound = o.receipts[:min(len(o.receipts), kept.receipts)], o.inbound[:min(len(o.inbound), kept.inbound)]
	for who := range o.outs {
		if _, out := o.w.db.book.optOuts[who]; !out {
			delete(o.outs, who)
		}
	}
}

// closed looks at the switches and barriers before a transaction: no mark in it may pass them (I10, R11).
func closed(b *book) func(*messageRow) (rule, why string) {
	stopped, quarantine := b.stopped || b.stoppedAll, b.inQuarantine()
	var barred map[overture.LaneID]string
	for i := range b.lanes {
		if l := &b.lanes[i]; l.barrier != "" {
			if barred == nil {
				barred = map[overture.LaneID]string{}
			}
			barred[l.id] = l.barrier
		}
	}
	return func(m *messageRow) (rule, why string) {
		switch {
		case quarantine:
			return "R11", "there is a quarantine"
		case stopped:
			return "I10", "everything is stopped"
		case barred[m.lane] != "":
			return "I10", "a guard rail closed its lane: " + barred[m.lane]
		}
		return "", ""
	}
}

// rails counts what the provider takes: never more than the canary before its verdict, never more than the spend limit (F2).
func (o *oracle) rails(m *messageRow) {
	if m.campaign == 0 || o.w.sc.Mode == Late { // what was given back as absent may be taken after all
		return
	}
	c := o.w.db.book.campaign(m.campaign)
	n := o.taken[c.id]
	n.messages++
	n.segments += int64(max(m.segments, 1))
	o.taken[c.id] = n
	if p := c.watch.Phase; (p == overture.PhaseCanary || p == overture.PhaseVerdict) && n.messages > c.watch.CanarySize {
		o.fail("F2", m.id, "%d messages of campaign %d were taken before the verdict on its canary of %d", n.messages, c.id, c.watch.CanarySize)
	}
	if most := c.rails.Segments * int64(1+o.renewed[c.id]); most > 0 && n.segments > most {
		o.fail("F2", m.id, "%d segments of campaign %d were taken, its spend limit is %d", n.segments, c.id, most)
	}
}

// day checks the account's limit, when the run did not go past midnight: what is given back later counts for its own day.
func (o *oracle) day() {
	b := o.w.db.book
	if b.limits.SegmentsPerDay == 0 || o.w.sc.Mode == Late || dayOf(o.w.sc.Begins) != dayOf(o.w.millis()) {
		return
	}
	sum := int64(0)
	for _, n := range o.taken {
		sum += n.segments
	}
	if sum > b.limits.SegmentsPerDay {
		o.fail("F2", 0, "%d segments were taken in a day, the limit is %d", sum, b.limits.SegmentsPerDay)
	}
}

// recount compares the rails with what the attempts and markers took from them (F2): the lanes', and the account's days where no quarantine booked on
// its own day what went out on another.
func (o *oracle) recount() {
	b := o.w.db.book
	if says := b.drift(); says != "" {
		o.fail("F2", 0, "%s", says)
	}
	if b.limits.SegmentsPerDay == 0 || len(b.quarantine) > 0 {
		return
	}
	days := map[int64]int64{}
	b.eachTaken(func(m *messageRow, started int64) {
		if m.campaign != 0 {
			days[dayOf(started)] += int64(max(m.segments, 1))
		}
	})
	for day, n := range days {
		if b.spent[day] != n {
			o.fail("F2", 0, "%d segments are booked on day %d, and its attempts took %d", b.spent[day], day, n)
		}
	}
}

// caps looks at what the provider took: nobody got more messages within any stretch than the cap of the later one allows (E6). A contact
// counts from its mark; clocks of nodes differ.
func (o *oracle) caps() {
	b := o.w.db.book
	if o.w.sc.Mode == Late || !slices.ContainsFunc(o.w.sc.Campaigns, func(c CampaignPlan) bool { return c.Rules != "" }) {
		return
	}
	wrong := 5 * time.Second
	for _, e := range o.w.sc.Events {
		if e.Kind == evClock {
			wrong = max(wrong, 5*time.Second+ms(int64(e.N)).Abs())
		}
	}
	counts := func(a accept) *messageRow {
		m := b.ever(a.message)
		if m.campaign == 0 || o.mayRepeat(m) || o.twin(m) || m.resent() {
			return nil
		}
		return m
	}
	ledger := o.w.provider.ledger
	for _, a := range ledger {
		m := counts(a)
		if m == nil {
			continue
		}
		ruling := b.campaign(m.campaign).rules.For(m.address)
		if ruling == nil {
			continue
		}
		for _, limit := range ruling.Caps {
			earlier, mark := 0, o.marks[a.token]
			for _, x := range ledger {
				if x.to != a.to || x.who == a.who || counts(x) == nil {
					continue
				}
				other := o.marks[x.token]
				if other.n < mark.n && other.marked > mark.marked-limit.Per+mark.offset+max(other.offset, wrong) {
					earlier++
				}
			}
			if earlier >= limit.Max {
				o.fail("E6", m.id, "%s was sent although the person had %d messages within %v; %d are allowed", m.id, earlier, limit.Per, limit.Max)
				return
			}
		}
	}
}
