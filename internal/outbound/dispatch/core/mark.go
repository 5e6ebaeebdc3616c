package core

import (
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/mutant"
)

// markBatch bounds one request for marks, so that SQLite's only writer is never held for long.
const markBatch = 100

// markMore takes as many ready messages as turns, rate, breaker and window allow, and asks for their marks. It returns how long there is
// nothing to do.
func (m *Machine) markMore(now Moment) (wait time.Duration) {
	m.pace.rise(now.Mono, m.bucket.rate)
	if wait := m.heldUp(now); wait > 0 {
		return wait
	}
	for _, s := range m.lanes.list {
		s.barred = false
	}
	var tasks []Task
	wait = m.cfg.LanesEvery
	for len(tasks) < markBatch {
		s := m.nextLane()
		if s == nil {
			break
		}
		msg := &s.ready[0]
		if !isDue(now.Wall, msg) { // the clock was ahead when it was read: it is read again when it is due
			m.drop(s)
			continue
		}
		if !inTime(now.Wall, s.lane, msg) {
			m.next.Moves = append(m.next.Moves, moveOn(now.Wall, s.lane, msg, m.windows))
			m.drop(s)
			continue
		}
		if !m.hasRoom(s.lane, now) {
			break
		}
		if w, ok := m.allowed(s, msg, now); !ok {
			wait = min(wait, w)
			if !s.barred {
				break
			}
			continue
		}
		m.pay(s, segmentsOf(msg), now)
		if tasks == nil {
			tasks = make([]Task, 0, max(1, min(markBatch, m.window(now)-m.outstanding, len(s.ready))))
		}
		tasks = append(tasks, Task{Lane: s.lane, Message: *msg, Attempt: msg.Attempts + 1, Token: m.token()})
		m.outstanding++
		m.took(s)
	}
	m.ask(tasks, now)
	return wait
}

// drop forgets the first message of a lane.
func (m *Machine) drop(s *stream) {
	delete(m.pending, s.ready[0].MessageID)
	s.ready = s.ready[1:]
}

// heldUp tells how long nothing at all may be marked; 0: it may.
func (m *Machine) heldUp(now Moment) time.Duration {
	switch {
	case !holdsLease(m.tenure.until, now), m.stopped, m.lanes.list == nil:
		return m.cfg.LanesEvery
	case m.troubled > now.Mono:
		return m.troubled - now.Mono
	case m.pace.until > now.Mono:
		return m.pace.until - now.Mono
	case m.doubts.count > m.cfg.MaxDoubts: // back-pressure: an outage must not turn a whole list into doubts
		return time.Second
	}
	return 0
}

// window is how many messages may be marked and not yet ended: every connection busy, and some waiting for a free one.
func (m *Machine) window(now Moment) int {
	return m.cfg.Connections + m.ahead.marks(m.cfg.Connections, now.Mono)
}

// answersRoom is the part of the window that answers may take on top of it, so that they do not wait for a campaign's connections.
const answersRoom = 5

// hasRoom tells whether one more message of a lane may be marked: everything that is marked must be sent before its mark gets old.
func (m *Machine) hasRoom(lane *overture.Lane, now Moment) bool {
	window := m.window(now)
	if lane.Reply() {
		window += max(window/answersRoom, 1)
	}
	return m.outstanding < window
}

// allowed tells whether the rate of the sender, the rate of the lane and the breaker let a message go now; otherwise wait says when to ask
// again. A lane that has used up its own rate is barred, so that the others have their turn.
func (m *Machine) allowed(s *stream, msg *overture.DueMessage, now Moment) (wait time.Duration, ok bool) {
	segments := segmentsOf(msg)
	if wait, ok := m.bucket.ready(segments, now.Mono, m.pace.speed(m.bucket.rate), s.lane.Reply()); !ok {
		return wait, false
	}
	if wait, ok := s.bucket.ready(segments, now.Mono, float64(s.bucket.rate), false); !ok {
		s.barred = true
		return wait, false
	}
	return m.breaker.allow(now.Mono)
}

// pay takes the segments of a message from the sender's bucket and the lane's.
func (m *Machine) pay(s *stream, segments int, now Moment) {
	m.bucket.take(segments, m.pace.speed(m.bucket.rate))
	m.pace.spent(segments, now.Mono)
	s.bucket.take(segments, float64(s.bucket.rate))
}

// payBack returns them for a mark that came to nothing.
func (m *Machine) payBack(t *Task) {
	m.bucket.refund(segmentsOf(&t.Message), m.pace.speed(m.bucket.rate))
	if s := m.lanes.byID[t.Lane.ID]; s != nil {
		s.bucket.refund(segmentsOf(&t.Message), float64(s.bucket.rate))
	}
}

func segmentsOf(msg *overture.DueMessage) int { return max(msg.Segments, 1) }

// ask orders the marks of a batch. The verdicts come to TookVerdicts, and only they lead to sends (R1).
func (m *Machine) ask(tasks []Task, now Moment) {
	if len(tasks) == 0 {
		return
	}
	if mutant.On(mutant.CursorAtFetch) || mutant.On(mutant.MarkAfterSend) {
		for _, t := range tasks {
			t.Marked = now
			m.send(t)
		}
		if mutant.On(mutant.CursorAtFetch) {
			return
		}
	}
	m.next.Marks = append(m.next.Marks, tasks...)
}

// Mark is what a task asks of the database.
func (m *Machine) Mark(t *Task, now Moment) overture.Mark {
	mark := overture.Mark{
		Place: t.Message.Place, Attempt: t.Attempt, Token: t.Token, Address: t.Message.Address, LookupAt: now.Wall.Add(m.cfg.grace()),
	}
	if !t.Lane.Reply() {
		mark.SkipTalks = t.Lane.OpenConversation == overture.OpenConversationSkip
		mark.HoldTalks = t.Lane.OpenConversation == overture.OpenConversationHold
		mark.Ruling = t.Lane.Rules.For(t.Message.Address)
	}
	return mark
}

// heldTalkPause is how long a message waits when its person is in a conversation and the campaign says hold.
const heldTalkPause = 10 * time.Minute

// troublePause is how long nothing is marked after the database could not write marks.
const troublePause = 500 * time.Millisecond

// ResultsUnwritten hears that settlements cannot be written: nothing is marked for a moment, so that no more than what is under way has to be
// looked up when the process dies, and nobody is written to whose opt-out waits among them.
func (m *Machine) ResultsUnwritten(now Moment) { m.troubled = max(m.troubled, now.Mono+troublePause) }

// TookVerdicts takes what became of Marks: tasks as they were ordered, one verdict for each, and the moment before their commit began. What
// was marked is sent, the rest forgotten. failed says that there is no answer: the marks may be durable or not, so nothing is sent; markers
// that are there after all are looked up after the grace period.
func (m *Machine) TookVerdicts(tasks []Task, verdicts []overture.Verdict, began Moment, failed bool, now Moment) {
	if failed {
		m.troubled = now.Mono + troublePause
	}
	for i := range tasks {
		t := tasks[i]
		if mutant.On(mutant.MarkAfterSend) {
			continue
		}
		if failed {
			m.forget(&t)
			continue
		}
		switch verdicts[i] {
		case overture.Marked:
			t.Marked = began
			delete(m.refused, t.Message.MessageID)
			m.send(t)
			continue
		case overture.LeaseLost:
			m.Lost()
		case overture.LaneClosed:
			m.lanes.read.soon(now.Mono)
		case overture.NotStored:
			m.refusedByDatabase(&t, now)
		case overture.Gone, overture.OptedOut, overture.Capped:
		case overture.InTalk:
			if t.Lane.OpenConversation == overture.OpenConversationHold {
				m.next.Moves = append(m.next.Moves, overture.Move{
					Place: t.Message.Place, State: overture.Queued, NewDue: began.Wall.Add(heldTalkPause), NotAfter: t.Message.NotAfter,
				})
			}
		}
		m.forget(&t)
	}
}

// forget ends a mark that came to nothing.
func (m *Machine) forget(t *Task) {
	m.outstanding--
	delete(m.pending, t.Message.MessageID)
	m.payBack(t)
	m.breaker.nothing()
}
