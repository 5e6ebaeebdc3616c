package simulator

import (
	"fmt"
	"slices"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/outbound/dispatch/core"
)

// oracle compares what the books say with what the provider really took, and watches what must never happen on the way. It looks at rows and
// at the ledger, never at how the engine decides. Rules are named as in docs/MESSAGE-LIFECYCLE.md.
type oracle struct {
	w        *world
	broken   []Violation
	tokens   int
	marked   int
	accepts  map[int64]int  // by who
	late     map[int64]bool // one of the accepts came later than any grace covers
	byPerson map[int64]bool
	marks    map[string]markSeen // by token
	receipts []overture.Receipt  // answered with 200
	inbound  []string
	rates    []int // the highest of each sender
	sends    [][]sendSeen
	refunds  [][]sendSeen // marks that came to nothing: their segments may be spent again
	lastDue  int64
	quietAt  time.Duration               // when nothing was left
	outs     map[personKey]time.Duration // who is opted out, since when
	taken    map[overture.CampaignID]railsSeen
	renewed  map[overture.CampaignID]int // spend limits, by people
}

// Violation is a broken promise.
type Violation struct {
	Rule    string `json:"rule"`
	Says    string `json:"says"`
	At      int64  `json:"at"`
	Message int64  `json:"message,omitempty"`
}

type markSeen struct {
	asked  time.Duration
	epoch  int64
	marked time.Duration
	offset time.Duration // how wrong the clock of the node may be
	n      int           // of all marks, in the order in which the database made them
	there  bool
}

type sendSeen struct {
	asked    time.Duration
	epoch    int64
	segments int
}

func newOracle(w *world) *oracle {
	o := &oracle{
		w: w, accepts: map[int64]int{}, late: map[int64]bool{}, byPerson: map[int64]bool{}, marks: map[string]markSeen{},
		rates: slices.Clone(w.sc.Rates), sends: make([][]sendSeen, len(w.sc.Rates)), refunds: make([][]sendSeen, len(w.sc.Rates)), quietAt: -1,
		outs: map[personKey]time.Duration{}, taken: map[overture.CampaignID]railsSeen{}, renewed: map[overture.CampaignID]int{},
	}
	w.db.book.watch, w.db.book.consent, w.db.book.granted = o.moved, o.consented, func(id overture.CampaignID) { o.renewed[id]++ }
	return o
}

func (o *oracle) fail(rule string, m overture.MessageID, format string, args ...any) {
	o.broken = append(o.broken, Violation{Rule: rule, Says: fmt.Sprintf(format, args...), At: o.w.now.Milliseconds(), Message: int64(m)})
}

// moved hears of every change of a state. Only a person brings a message back (I5).
func (o *oracle) moved(m *messageRow, from, to overture.State, by string) {
	o.w.note('m', int64(m.id), int64(to))
	o.w.say("%s %s %v → %v by %s", o.w.stamp(), m.id, from, to, by)
	if to < from && by != "person" {
		o.fail("I5", m.id, "%s went back from %v to %v", m.id, from, to)
	}
}

func (o *oracle) rated(id overture.SenderID, rate int) {
	if o.rates[id-1] != 0 {
		o.rates[id-1] = max(o.rates[id-1], rate)
	}
}

// asked hears when the engine decided to send: the rate is charged then.
func (o *oracle) asked(token string, epoch int64) {
	o.marks[token] = markSeen{asked: o.w.now, epoch: epoch}
	o.w.say("%s asked %s %d", o.w.stamp(), token, epoch)
}

// verdicts sees which marks came to nothing; ok false: nobody knows about any.
func (o *oracle) verdicts(sender overture.SenderID, tasks []core.Task, verdicts []overture.Verdict, ok bool) {
	for i := range tasks {
		if !ok || verdicts[i] != overture.Marked {
			o.refunds[sender-1] = append(o.refunds[sender-1], sendSeen{asked: o.w.now, segments: max(tasks[i].Message.Segments, 1)})
		}
	}
}

// commit runs a commit of the engine and looks at what it marked: never after an opt-out (I7), a pause, a cancel or a stop (I10).
func (d *database) commit(now time.Time, work []overture.SenderWork) []overture.CommitResult {
	o, b := d.w.oracle, d.book
	forbidden := map[string]bool{} // marks come first in the transaction: what it finds, it found before
	for _, w := range work {
		for _, mark := range w.Marks {
			if _, out := b.optOuts[personKey{w.BrandID, mark.Address}]; out {
				forbidden[mark.Token] = true
			}
		}
	}
	gate := closed(b)
	results := b.Commit(now, work)
	for i, w := range work {
		for k, v := range results[i].Verdicts {
			if v != overture.Marked {
				continue
			}
			mark := w.Marks[k]
			m := b.message(mark.MessageID)
			if forbidden[mark.Token] {
				o.fail("I7", m.id, "%s was marked after the person's opt-out", m.id)
			}
			if b.lane(m.lane).state != overture.LaneOpen || b.sender(m.sender).stopped {
				o.fail("I10", m.id, "%s was marked although its lane is %s or its sender stopped", m.id, b.lane(m.lane).state)
			}
			if rule, why := gate(m); rule != "" {
				o.fail(rule, m.id, "%s was marked although %s", m.id, why)
			}
			seen := o.marks[mark.Token]
			o.marked++
			seen.n = o.marked
			seen.there, seen.marked, seen.offset = true, d.w.now, now.Sub(d.w.time()).Abs()
			o.marks[mark.Token] = seen
		}
	}
	return results
}

// sent sees a request leave: only what was marked goes out (R1), inside its window (I8) and validity.
func (o *oracle) sent(r request) {
	seen := o.marks[r.token]
	if !seen.there {
		o.fail("R1", r.message.id, "a request for %s left without a durable marker", r.message.id)
		return
	}
	if age := o.w.now - seen.marked; age > o.w.cfg.SendDeadline { // an opt-out in between would not have been seen (I7)
		o.fail("R2", r.message.id, "a request for %s left %v after its mark", r.message.id, age)
	}
	if at, out := o.outs[personKey{1, r.message.address}]; out && o.w.now-at > o.w.cfg.SendDeadline {
		o.fail("I7", r.message.id, "a request for %s left %v after the person's opt-out", r.message.id, o.w.now-at)
	}
	o.sends[r.sender-1] = append(o.sends[r.sender-1], sendSeen{seen.asked, seen.epoch, max(r.message.segments, 1)})
	if r.message.campaign == 0 {
		return
	}
	margin := 5*time.Second + seen.offset + r.node.skew.Abs() + r.node.jump.Abs()
	c := o.w.db.book.campaign(r.message.campaign)
	at := o.w.time()
	if c.expiresAt > 0 && at.After(moment(c.expiresAt).Add(margin)) {
		o.fail("I8", r.message.id, "a request for %s left after its validity", r.message.id)
	}
	if at.Add(margin).Before(moment(c.launchAt)) {
		o.fail("I8", r.message.id, "a request for %s left before its launch time", r.message.id)
	}
	ruling := c.rules.For(r.message.address)
	for _, zone := range r.message.zones {
		if ruling != nil && slices.ContainsFunc(ruling.Rules, func(x overture.PackRule) bool { return !inWindow(overture.Window{Days: x.Days}, zone, at, margin) }) {
			o.fail("I8", r.message.id, "a request for %s left at %s in %s, when %s forbids it", r.message.id, at.In(location(zone)).Format("Mon 15:04:05"), zone, ruling.Refs())
		}
		if !inWindow(c.window, zone, at, margin) {
			o.fail("I8", r.message.id, "a request for %s left at %s in %s, outside its window", r.message.id, at.In(location(zone)).Format("Mon 15:04:05"), zone)
		}
	}
}

// inWindow asks the wall clock of a zone, give or take a margin. It shares no code with outbound/schedule.
func inWindow(w overture.Window, zone string, at time.Time, margin time.Duration) bool {
	if openAt(w, zone, at) || openAt(w, zone, at.Add(margin)) {
		return true
	}
	for t := at.Add(-margin); t.Before(at.Add(margin)); t = t.Add(time.Minute) { // a window may be shorter than the margin
		if openAt(w, zone, t) {
			return true
		}
	}
	return false
}

func openAt(w overture.Window, zone string, at time.Time) bool {
	local := at.In(location(zone))
	minute, today, yesterday := local.Hour()*60+local.Minute(), w.Days[local.Weekday()], w.Days[(local.Weekday()+6)%7]
	return today.From < today.To && minute >= today.From && minute < today.To || today.From > today.To && minute >= today.From ||
		yesterday.From > yesterday.To && minute < yesterday.To
}

// accepted sees the provider take a message.
func (o *oracle) accepted(a accept) {
	o.accepts[a.who]++
	if a.late {
		o.late[a.who] = true
	}
	m := o.w.db.book.ever(a.message)
	if o.accepts[a.who] > 1 && !o.mayRepeat(m) && !o.twin(m) {
		o.fail("I1", a.message, "%s was accepted %d times", a.message, o.accepts[a.who])
	}
	o.rails(m)
}

// mayRepeat tells whether the promise allows it: must_reach, a person's decision, or an acceptance later than the grace.
func (o *oracle) mayRepeat(m *messageRow) bool {
	return o.late[m.who()] || o.byPerson[m.who()] || m.campaign != 0 && o.w.db.book.campaign(m.campaign).policy == overture.MustReach
}

func (o *oracle) ackReceipt(r overture.Receipt) { o.receipts = append(o.receipts, r) }

func (o *oracle) ackInbound(id string) { o.inbound = append(o.inbound, id) }

// look notes when the work was done, for liveness.
func (o *oracle) look() {
	if o.w.now < ms(o.w.sc.QuietAt) || !o.w.settled() {
		o.quietAt = -1
		for i := range o.w.db.book.lanes {
			if q := o.w.db.book.lanes[i].queue; len(q) > 0 {
				o.lastDue = max(o.lastDue, q[len(q)-1].due)
			}
		}
		return
	}
	if o.quietAt < 0 {
		o.quietAt = o.w.now
	}
}

// patient is how long after the last fault, or the last opening of a window, everything must have ended: the longest pauses of the protocol
// after one another (I20).
const patient = 40 * time.Minute

func (o *oracle) finish() {
	b := o.w.db.book
	if len(o.broken) > 0 {
		return
	}
	if o.w.steps >= maxSteps {
		o.fail("I20", 0, "the run does not end: %d steps", o.w.steps)
	}
	for i := range b.messages {
		if b.messages[i].sender != 0 {
			o.judge(&b.messages[i])
		}
	}
	o.recount()
	o.caps()
	o.day()
	o.judgeTwins()
	for i := range b.campaigns {
		o.count(&b.campaigns[i])
	}
	limit := max(o.w.healthyAt(), ms(o.lastDue-o.w.sc.Begins)) + patient
	if o.quietAt > limit && !o.heldLong() {
		o.fail("I20", 0, "it took until %v to end, at most %v were allowed", o.quietAt, limit)
	}
	o.answered()
	for i := range o.sends {
		o.pace(i)
	}
}

// heldLong says that somebody sent held messages again later than the bound.
func (o *oracle) heldLong() bool { return len(o.byPerson) > 0 }

// judge compares the end of one message with the ledger.
func (o *oracle) judge(m *messageRow) {
	n, person := o.accepts[m.who()], o.byPerson[m.who()] || o.late[m.who()] || o.twin(m) // judged elsewhere, or not promised
	switch {
	case !m.state.Final() || m.marker.there:
		o.fail("I20", m.id, "%s never ended: it is %v", m.id, m.state)
	case n > 0 && !m.state.WasAccepted() && m.state != overture.Held && !person && !m.resent():
		o.fail("I4", m.id, "%s is %v (%s) but the provider took it %d times", m.id, m.state, m.reason, n)
	case n == 0 && m.state.WasAccepted() && !person:
		o.fail("I3", m.id, "%s is %v but the provider never took it: lost", m.id, m.state)
	case m.state.WasAccepted() && !person && !slices.ContainsFunc(o.w.provider.ledger, func(a accept) bool { return a.who == m.who() && a.id == m.providerID }):
		o.fail("I3", m.id, "%s carries the provider id %q of no request of its own", m.id, m.providerID)
	case m.state == overture.Failed && m.reason == overture.ReasonAttemptsUsedUp && !slices.ContainsFunc(m.history, func(a attemptRow) bool { return a.outcome == "given_up" }):
		o.fail("R12", m.id, "%s failed as used up without a final attempt that could not leave", m.id)
	}
	if m.state == overture.Failed && !person {
		if last := m.last(); last.outcome == string(overture.Throttled) {
			o.fail("R12", m.id, "%s failed because the provider was busy", m.id)
		}
	}
}

// twin tells whether other messages look the same in the provider's record: then only their sum can be judged.
func (o *oracle) twin(m *messageRow) bool {
	return m.campaign != 0 && o.w.sc.Campaigns[m.campaign-1].SameText
}

// judgeTwins compares messages with the same text to the same person together: as many were taken as the books say were sent, but for what
// is held, and no entry of the record stands for two.
func (o *oracle) judgeTwins() {
	type pair struct {
		sender  overture.SenderID
		address overture.Address
	}
	taken, sent, held, owner := map[pair]int{}, map[pair]int{}, map[pair]int{}, map[string]overture.MessageID{}
	for i := range o.w.db.book.messages {
		m := &o.w.db.book.messages[i]
		if !o.twin(m) || o.mayRepeat(m) {
			continue
		}
		who := pair{m.sender, m.address}
		taken[who] += o.accepts[m.who()]
		switch {
		case m.state.WasAccepted():
			sent[who]++
			if other, used := owner[m.providerID]; used {
				o.fail("I3", m.id, "%s and %s carry the same provider id %s", m.id, other, m.providerID)
			}
			owner[m.providerID] = m.id
		case m.state == overture.Held:
			held[who]++
		}
	}
	for who, n := range taken {
		switch {
		case sent[who] > n:
			o.fail("I3", 0, "%d messages of the same text are in the books as sent, the provider took %d: lost", sent[who], n)
		case n > sent[who]+held[who]:
			o.fail("I1", 0, "%d messages of the same text are in the books as sent, the provider took %d", sent[who], n)
		}
	}
}

// resent tells whether a must_reach message was queued again without proof: it may end unsent although the provider has it.
func (m *messageRow) resent() bool {
	return slices.ContainsFunc(m.history, func(a attemptRow) bool { return a.outcome == "resent_without_proof" })
}

func (m *messageRow) last() (last attemptRow) {
	for _, a := range m.history {
		if a.n >= last.n {
			last = a
		}
	}
	return last
}

// count checks that nobody on the list is missing (I2) and that the counters are a recount (I16).
func (o *oracle) count(c *campaignRow) {
	var counts [overture.Read + 1]int
	n := 0
	for i := range o.w.db.book.messages {
		if m := &o.w.db.book.messages[i]; m.campaign == c.id {
			counts[m.state]++
			n++
		}
	}
	if n != len(c.recipients) {
		o.fail("I2", 0, "campaign %d has %d messages for a list of %d", c.id, n, len(c.recipients))
	}
	if counts != c.counts {
		o.fail("I16", 0, "the counters of campaign %d differ from a recount", c.id)
	}
}

// answered checks that what was answered with 200 is there (I11), once (I13), and that no word of a receipt was forgotten (I6).
func (o *oracle) answered() {
	b := o.w.db.book
	for _, r := range o.receipts {
		m := b.message(r.MessageID)
		if m == nil {
			continue
		}
		kept := slices.ContainsFunc(m.receipts, func(k receiptRow) bool { return k.provider == r.ProviderID && k.state == r.State })
		if !kept && !slices.ContainsFunc(b.orphans, func(x overture.Receipt) bool { return x.ProviderID == r.ProviderID && x.State == r.State }) {
			o.fail("I11", m.id, "a receipt for %s was answered with 200 and is gone", m.id)
		}
		if kept && r.State >= overture.Delivered && m.state < r.State {
			o.fail("I6", m.id, "%s is %v although a receipt said %v", m.id, m.state, r.State)
		}
	}
	for _, id := range o.inbound {
		n := 0
		for _, in := range b.inbound {
			if in.providerID == id {
				n += max(in.entries, 1)
			}
		}
		switch {
		case n == 0:
			o.fail("I11", 0, "inbound %s was answered with 200 and is gone", id)
		case n > 1:
			o.fail("I13", 0, "inbound %s is there %d times", id, n)
		}
	}
}

// pace checks the rate of a sender (I9): in every stretch of time at most rate × time plus the burst the bucket allows, what answers may
// overdraw, and the longest message.
func (o *oracle) pace(i int) {
	rate := o.rates[i]
	if rate == 0 {
		return
	}
	sends := o.sends[i]
	slices.SortFunc(sends, func(a, b sendSeen) int { return int(a.asked - b.asked) })
	const longest = 3
	late := float64(rate) / 20 // timers come late by 50 ms, and lose nothing by it
	allowed := max(float64(rate)/10, 1) + late + max(float64(rate)/50, 1) + longest
	for a := range sends {
		sum, epochs, last := 0, 0, sends[a].epoch
		for _, s := range sends[a:] {
			sum += s.segments
			if s.epoch != last { // a new owner does not know what the old one had overdrawn
				epochs, last = epochs+1, s.epoch
			}
			back := 0
			for _, r := range o.refunds[i] {
				if r.asked >= sends[a].asked && r.asked <= s.asked {
					back += r.segments
				}
			}
			if most := allowed + float64(epochs*longest+back) + float64(rate)*(s.asked-sends[a].asked).Seconds(); float64(sum) > most+1e-6 {
				o.fail("I9", 0, "sender %d sent %d segments in %v at a rate of %d", i+1, sum, s.asked-sends[a].asked, rate)
				return
			}
		}
	}
}
