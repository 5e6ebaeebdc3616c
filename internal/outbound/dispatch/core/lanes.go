package core

import (
	"slices"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/mutant"
)

// readLimit is how many rows one read takes: about 50 ms of work at full speed.
const readLimit = 500

// lanes are the open lanes of the sender in the order of their ids, so that nothing depends on the order of a map.
type lanes struct {
	read schedule
	took time.Duration // when they were read last
	list []*stream
	byID map[overture.LaneID]*stream
}

// stream reads one lane in the order of its due times. The cursor is only where to read on; that a message is still to be sent is decided
// by its rows when it is marked (R13).
type stream struct {
	lane    *overture.Lane
	bucket  bucket
	queued  int // still in the queue, by the campaign's counters, less what was taken since
	cursor  overture.Place
	ready   []overture.DueMessage
	reading bool
	readAt  time.Duration // not before
	fresh   bool          // this round has found something
	served  float64       // messages taken divided by weight, for fair turns
	barred  bool          // has no turn in this round: its own rate is used up
}

func (l *lanes) ready() bool {
	for _, s := range l.list {
		if len(s.ready) > 0 {
			return true
		}
	}
	return false
}

// leastServed lets a lane join the turns without catching up on the past.
func (l *lanes) leastServed() float64 {
	least, any := 0.0, false
	for _, s := range l.list {
		if len(s.ready) > 0 && (!any || s.served < least) {
			least, any = s.served, true
		}
	}
	return least
}

// lanesRest is how long the lanes are not read again, however often there is something new: the planner of a long list wakes a hundred times a second.
const lanesRest = 20 * time.Millisecond

// TookLanes takes the open lanes. Messages of a lane that is not open any more are forgotten: their rows stay.
func (m *Machine) TookLanes(r LanesRead, now Moment) {
	m.lanes.took = now.Mono
	m.lanes.read.done(now.Mono + m.cfg.LanesEvery)
	if r.Failed {
		return // the next read tries again; the mark looks at the lane itself
	}
	m.stopped = r.Stopped
	m.bucket.setRate(r.Rate, now.Mono, m.pace.speed(m.bucket.rate))
	open := make(map[overture.LaneID]bool, len(r.Lanes))
	for i := range r.Lanes {
		lane := &r.Lanes[i]
		open[lane.ID] = true
		s := m.lanes.byID[lane.ID]
		if s == nil {
			s = &stream{bucket: newBucket(now.Mono), served: m.lanes.leastServed()}
			m.lanes.byID[lane.ID] = s
			m.lanes.list = append(m.lanes.list, s)
		}
		s.lane, s.queued = lane, lane.Queued
		s.bucket.setRate(lane.Rate, now.Mono, float64(s.bucket.rate))
	}
	m.lanes.list = slices.DeleteFunc(m.lanes.list, func(s *stream) bool {
		if open[s.lane.ID] {
			return false
		}
		for _, msg := range s.ready {
			delete(m.pending, msg.MessageID)
		}
		delete(m.lanes.byID, s.lane.ID)
		return true
	})
	slices.SortFunc(m.lanes.list, func(a, b *stream) int { return compare(a.lane.ID, b.lane.ID) })
}

func compare(a, b overture.LaneID) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func (s *stream) wantsPage() bool { return !s.reading && len(s.ready) < readLimit/2 }

// countEvery is how often the markers are counted, for the back-pressure by doubts.
const countEvery = time.Second

// startReads asks for what is due to be read.
func (m *Machine) startReads(now Moment) {
	if m.lanes.read.due(now) {
		m.next.ReadLanes = true
	}
	if m.counted.due(now) {
		m.next.Count = true
	}
	for _, s := range m.lanes.list {
		if s.wantsPage() && now.Mono >= s.readAt {
			s.reading = true
			m.next.Pages = append(m.next.Pages, PageRead{Lane: s.lane.ID, After: s.cursor, Limit: readLimit})
		}
	}
}

// TookPage takes a finished read and says when to read again.
func (m *Machine) TookPage(p Page, now Moment) {
	s := m.lanes.byID[p.Lane]
	if s == nil {
		return
	}
	s.reading = false
	if p.Failed {
		s.readAt = now.Mono + time.Second
		return
	}
	if len(s.ready) == 0 {
		s.served = max(s.served, m.lanes.leastServed())
	}
	for _, msg := range p.Due {
		if !m.pending[msg.MessageID] && !m.rests(msg.MessageID, now.Mono) {
			m.pending[msg.MessageID] = true
			s.fresh = true
			s.ready = append(s.ready, msg)
			m.countAsSent(msg)
		}
	}
	s.readOn(p, now)
}

// rereadEvery is how often a lane is read whose due rows are all known. What is new wakes the Machine.
const rereadEvery = 250 * time.Millisecond

// readOn moves the cursor. At the end it starts over, to see retries and rows with an earlier due time.
func (s *stream) readOn(p Page, now Moment) {
	if p.More {
		s.cursor, s.readAt = p.Last, now.Mono
		return
	}
	s.cursor = overture.Place{}
	s.readAt = now.Mono + 20*time.Millisecond
	if !s.fresh { // everything that is due is in hand already: a slow lane must not be read again and again
		s.readAt = now.Mono + rereadEvery
	}
	s.fresh = false
	if len(p.Due) == 0 {
		s.readAt = now.Mono + time.Second
		if p.NextDue.After(now.Wall) { // one that is due already is in flight: it must not be asked for again and again
			s.readAt = min(s.readAt, now.until(p.NextDue))
		}
	}
}

// countAsSent is what never happens (R13): a message that was read is not sent yet.
func (m *Machine) countAsSent(msg overture.DueMessage) {
	if mutant.On(mutant.CursorAtFetch) {
		m.next.Moves = append(m.next.Moves, overture.Move{Place: msg.Place, State: overture.Accepted})
	}
}

// TookCount takes the number of the sender's markers: what is not outstanding here is in doubt.
func (m *Machine) TookCount(markers int, failed bool, now Moment) {
	m.counted.done(now.Mono + countEvery)
	if failed {
		return
	}
	m.doubts.count = max(0, markers-m.outstanding)
	if markers == 0 && m.outstanding == 0 {
		m.doubts.forgetAll()
	}
	m.doubts.forgetDecided(now.Mono)
	m.forgetRefusals(now.Mono)
}
