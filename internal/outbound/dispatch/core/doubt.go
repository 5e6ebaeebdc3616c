package core

import (
	"crypto/sha256"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/mutant"
)

// doubts are the attempts of the sender whose outcome is not known, and their lookups.
type doubts struct {
	count   int      // markers that are not outstanding
	read    schedule // of doubts that are due
	asked   int      // how many the last read asked for
	waiting []Lookup
	looking int           // lookups under way
	breaker breaker       // of the provider's record: it may answer while sends do not, and the other way round
	failing time.Duration // since when lookups have failed one after the other; 0: they do not
	memory  map[overture.MessageID]*memory
	floor   memory                          // not earlier than what was forgotten of any doubt
	proofs  map[[16]byte]overture.MessageID // provider ids that proved a doubt, and which: our rows may not know it yet
}

// memory is what this process knows about a doubt from its own clock. Rows carry wall times of whatever node wrote them.
type memory struct {
	left    time.Duration // the latest time at which the request may have left
	looked  time.Duration // when the record was asked last; 0: never
	failed  time.Duration // when a lookup failed last; 0: never
	at      bool          // waiting for its lookup, or being looked up
	waits   time.Duration // since when it has been
	told    time.Duration // when it was kept for later by what a lookup said: its row may not say so yet
	decided time.Duration // when it was settled for good; 0: not yet
}

const (
	// doubtsPerRead bounds one read of doubts; it is larger than what can be in hand at once.
	doubtsPerRead = 200
	// manyPerRead and manyAtOnce are for doubts that one reading of the record answers: then only our own rows take time.
	manyPerRead = 2000
	manyAtOnce  = 64
	// maxRemembered bounds what is known about single doubts.
	maxRemembered = 100_000
)

// settling is how long a settled doubt may still stand in the rows that are read: its settlement is on its way.
const settling = 5 * time.Second

func (d *doubts) remember(id overture.MessageID, left time.Duration) *memory {
	known := &memory{left: left}
	d.memory[id] = known
	return known
}

// recall begins with a doubt whose own times are not known. They may have been forgotten, so it takes the latest of those.
func (d *doubts) recall(id overture.MessageID, left time.Duration) *memory {
	known := d.remember(id, max(left, d.floor.left))
	known.looked, known.failed = d.floor.looked, d.floor.failed
	return known
}

// forgetDecided lets go of what has been settled for long enough; and when too much is remembered, of all that is in nobody's hands. That
// makes doubts wait for longer than they must, never for less.
func (d *doubts) forgetDecided(now time.Duration) {
	tooMany := len(d.memory) > maxRemembered
	for id, known := range d.memory {
		switch {
		case known.decided > 0 && now-known.decided > settling:
			delete(d.memory, id)
		case tooMany && known.decided == 0 && !known.at && now-known.told > settling:
			d.floor.left, d.floor.looked, d.floor.failed = max(d.floor.left, known.left), max(d.floor.looked, known.looked), max(d.floor.failed, known.failed)
			delete(d.memory, id)
		}
	}
}

// proofKey stands for a provider id: a million of them may be remembered.
func proofKey(id string) [16]byte {
	sum := sha256.Sum256([]byte(id))
	return [16]byte(sum[:])
}

func (d *doubts) forgetAll() {
	if d.looking == 0 && len(d.waiting) == 0 {
		clear(d.memory)
		clear(d.proofs)
	}
}

// grace is how long after an attempt its outcome may still change by itself (R7).
func (c Config) grace() time.Duration {
	if mutant.On(mutant.ShortGrace) {
		return c.Grace / 6
	}
	return c.Grace
}

// many tells whether there are so many doubts that the whole record is read once instead of asking about each.
func (m *Machine) many() bool {
	return max(m.doubts.count, len(m.doubts.waiting)+m.doubts.looking) > m.cfg.ManyDoubts
}

// lookUpMore asks for doubts, and starts as many lookups as may run at once. While the record does not answer it is one, every few seconds.
// It gives how long to wait for the next one that may begin by time alone.
func (m *Machine) lookUpMore(now Moment) (wait time.Duration) {
	atOnce, many := m.cfg.Lookups, m.many()
	if many {
		atOnce = max(atOnce, manyAtOnce)
	}
	if m.wantsDoubts() && m.doubts.read.due(now) {
		m.doubts.asked = m.doubtLimit()
		m.next.ReadDoubts = m.doubts.asked
	}
	for m.doubts.looking < atOnce && len(m.doubts.waiting) > 0 && holdsLease(m.tenure.until, now) {
		if wait, ok := m.doubts.breaker.allow(now.Mono); !ok {
			return wait
		}
		l := m.doubts.waiting[0]
		l.Together = many
		m.next.Lookups = append(m.next.Lookups, l)
		m.doubts.waiting = m.doubts.waiting[1:]
		m.doubts.looking++
	}
	return never
}

// wantsDoubts tells whether more doubts are to be read: those of earlier owners are adopted, and few wait to be looked up.
func (m *Machine) wantsDoubts() bool {
	return m.tenure.adopted && len(m.doubts.waiting) < m.doubtLimit()/4
}

// doubtLimit is how many doubts are read at once.
func (m *Machine) doubtLimit() int {
	if m.many() {
		return manyPerRead
	}
	return doubtsPerRead
}

// lookEvery is how often due doubts are read.
func (c Config) lookEvery() time.Duration {
	return min(max(c.LookupSpacing/4, 50*time.Millisecond), time.Second)
}

// TookDoubts takes the doubts that are due by their rows, and the lanes they belong to. Those that may not be looked up yet by our own clock
// get a later time. It gives the settlements of those that go out again without proof.
func (m *Machine) TookDoubts(due []overture.Doubt, lanes []overture.Lane, failed bool, now Moment) (resent []overture.Settlement) {
	m.doubts.read.done(now.Mono + m.cfg.lookEvery())
	if failed {
		return nil
	}
	if full := len(due) >= max(m.doubts.asked, 1); full && m.many() {
		m.doubts.read.soon(now.Mono + soonAgain) // there are more
	}
	byID := make(map[overture.LaneID]*overture.Lane, len(lanes))
	for i := range lanes {
		byID[lanes[i].ID] = &lanes[i]
	}
	for i := range due {
		d := &due[i]
		if m.sending[d.MessageID] {
			continue // it is being sent by us right now, or the process slept: its own end comes first
		}
		known := m.doubts.memory[d.MessageID]
		switch {
		case known == nil:
			known = m.doubts.recall(d.MessageID, m.adoptedLeft())
		case known.at, known.decided > 0 && now.Mono-known.decided < settling, known.told > 0 && now.Mono-known.told < m.cfg.toldFor():
			continue
		case known.decided > 0:
			known = m.doubts.remember(d.MessageID, now.Mono) // another attempt of the same message
		}
		lane := byID[d.LaneID]
		if at := m.earliest(d, known); at > now.Mono {
			m.settleDoubt(known, m.lookAgainAt(d, now.at(at)), now)
			continue
		}
		if m.mayResend(d, lane, known, now) {
			again := resentWithoutProof(d, now.Wall)
			resent = append(resent, again)
			m.settleDoubt(known, again, now)
			m.readSoon(d.LaneID, now)
			continue
		}
		known.at, known.waits = true, now.Mono
		m.doubts.waiting = append(m.doubts.waiting, Lookup{Doubt: *d, Lane: lane, NotBefore: m.earliest(d, known)})
	}
	return resent
}

// soonAgain lets settlements reach the rows, which takes two commits at most where they are written beside the marks.
const soonAgain = 60 * time.Millisecond

// toldFor is how long the row of a doubt that was kept for later is not believed: what was decided is on its way into it.
func (c Config) toldFor() time.Duration { return min(settling, c.LookupSpacing/2) }

// adoptedLeft is when an attempt that this Machine did not begin may have left at the latest: its owner had the lease until we took it.
func (m *Machine) adoptedLeft() time.Duration {
	if mutant.On(mutant.AdoptWithoutGrace) {
		return m.tenure.began - m.cfg.Grace
	}
	return m.tenure.began
}

// earliest is when a doubt may be looked up: after the grace period, and the second time only when the first is long enough ago (R7). It is
// the clock of this process that decides, whatever the rows say.
func (m *Machine) earliest(d *overture.Doubt, known *memory) time.Duration {
	at := known.left + m.cfg.grace()
	if d.Lookups > 0 && known.looked > 0 {
		at = max(at, known.looked+m.cfg.LookupSpacing)
	}
	return at
}

// lookAgainAt keeps a doubt for later without counting anything.
func (m *Machine) lookAgainAt(d *overture.Doubt, at time.Time) overture.Settlement {
	s := settlementOfDoubt(d)
	s.Outcome, s.State, s.LookupAt = "unknown", overture.Unknown, at
	return s
}

// mayResend tells whether a must_reach message may be sent again without proof: its grace is over (R7). Its page says that it may arrive
// twice. In a quarantine the proof is asked for whatever the policy (R11), and so it is when the message could not be sent now: it would end
// as canceled or expired although a provider may have it.
func (m *Machine) mayResend(d *overture.Doubt, lane *overture.Lane, known *memory, now Moment) bool {
	return lane != nil && lane.Policy == overture.MustReach && !d.Quarantined && m.lanes.byID[lane.ID] != nil && inTime(now.Wall, lane, &d.DueMessage) &&
		now.Mono-known.left >= m.cfg.MustReachGrace && now.Wall.Sub(d.StartedAt) >= m.cfg.MustReachGrace
}

func resentWithoutProof(d *overture.Doubt, now time.Time) overture.Settlement {
	s := settlementOfDoubt(d)
	s.Outcome, s.State, s.RetryAt = "resent_without_proof", overture.Queued, now
	return s
}

func settlementOfDoubt(d *overture.Doubt) overture.Settlement {
	return overture.Settlement{
		Place: d.Place, Attempt: d.Attempt, Token: d.Token, StartedAt: d.Since, NotAfter: d.NotAfter, Lookups: d.Lookups, FailedFor: d.FailedFor,
	}
}

// settleDoubt orders a settlement of a doubt and remembers whether it is its end.
func (m *Machine) settleDoubt(known *memory, s overture.Settlement, now Moment) {
	known.at = false
	if s.State != overture.Unknown {
		known.decided = now.Mono
		m.doubts.count = max(0, m.doubts.count-1)
	}
	m.next.Settlements = append(m.next.Settlements, notEarlier(s))
}

// readSoon reads a lane whose message has just come back into the queue.
func (m *Machine) readSoon(lane overture.LaneID, now Moment) {
	if s := m.lanes.byID[lane]; s != nil {
		s.readAt = min(s.readAt, now.Mono+soonAgain)
	}
}
